"""By which settings runs differ, and how such a setting is called and shown.

`every` is the settings of all runs throughout: a mapping a run, from whole names such as 'optimizer.learning_rate'.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from colorjax.errors import UserError, nearest
from colorjax.sweeps.names import short_keys

#: In place of the value of a setting that a run does not have, such as a field of another model.
MISSING = None
# Sections that have whichever settings a person gives them.
_OPEN = ("objective.terms.", "optimizer.parts.")
# Last words of settings that say nothing without the word before.
_VAGUE = ("kind", "level", "name", "size", "source", "split")


def differing(every: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the settings that differ between runs, in the order of the configs.

    A setting that only some runs have differs where these differ in it: that others lack it follows from another
    setting, such as the model's name. In `_OPEN` sections nothing follows: there a missing setting is another value.
    """

    def values(key: str) -> set:
        return {hashable(settings.get(key, MISSING)) for settings in every if key in settings or key.startswith(_OPEN)}

    keys = dict.fromkeys(key for settings in every for key in settings)
    return [key for key in keys if len(values(key)) > 1]


def swept(keys: Sequence[str], every: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the `keys`, settings that differ, without the seed and what follows it."""
    apart = {"seed"}
    if all(settings.get("data.photographs_seed") == settings.get("seed") for settings in every):
        apart.add("data.photographs_seed")
    return [key for key in keys if key not in apart]


def whole_name(word: str, every: Sequence[Mapping[str, Any]]) -> str:
    """Return the setting that `word` means: its whole name or the end of it, as far as there is but one such.

    Raises:
      UserError: there is none, or more than one.
    """
    known = dict.fromkeys(key for settings in every for key in settings)
    if word in known:
        return word
    meant = [key for key in known if key.endswith(f".{word}")]
    if len(meant) > 1:  # one that differs is more likely than those that do not
        meant = [key for key in differing(every) if key in meant] or meant
    if not meant:
        differ = differing(every)
        raise UserError(f"--by={word}: no run has such a setting; {nearest(word, differ or known)}")
    if len(meant) > 1:
        raise UserError(f"--by={word}: this may be {' or '.join(meant)}; give the whole name")
    return meant[0]


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Return for each setting an end of its name that no other of `keys` has, and that says what it is."""
    short = short_keys(keys)
    return {key: ".".join(key.split(".")[-2:]) if short[key] in _VAGUE else short[key] for key in keys}


def show(value: Any, digits: int = 4) -> str:
    """Return the value of a setting as text."""
    if value is MISSING:
        return "–"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, list | tuple):
        return f"({', '.join(show(item, digits) for item in value)})"
    return str(value) or "''"


def show_rows(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    """Return rows of settings as texts, in each column of as many digits as it takes to tell its values apart."""
    columns = []
    for values in zip(*rows, strict=True):
        for digits in range(4, 18):
            texts = [show(value, digits) for value in values]
            if len(set(texts)) == len(set(map(hashable, values))):
                break
        columns.append(texts)
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in rows]


def hashable(value: Any) -> Any:
    """Return the value of a setting as a key: JSON has lists for tuples."""
    return tuple(map(hashable, value)) if isinstance(value, list) else value
