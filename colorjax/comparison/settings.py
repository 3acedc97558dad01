"""The settings in which runs differ, their short names and how their values are shown.

Throughout, `every` has the settings of all runs: for each run a mapping from full names such as
'optimizer.learning_rate' to values.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from colorjax.config.keys import OPEN
from colorjax.errors import UserError, nearest
from colorjax.sweeps.names import short_keys

#: Stands for the value of a setting that a run does not have, such as a field of another model.
MISSING = None
_OPEN = tuple(f"{section}." for section in OPEN)
# Last words of settings that say nothing without the word before.
_VAGUE = ("kind", "level", "name", "size", "source", "split")


def differing(every: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the settings that differ between runs, in the order of the configs.

    A setting that only some runs have differs where these differ in it: that others lack it follows from another
    setting, such as the model's name. In `OPEN` sections nothing follows: there a missing setting is another value.
    """

    def values(key: str) -> set:
        return {hashable(settings.get(key, MISSING)) for settings in every if key in settings or key.startswith(_OPEN)}

    keys = dict.fromkeys(key for settings in every for key in settings)
    return [key for key in keys if len(values(key)) > 1]


def swept(keys: Sequence[str], every: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return `keys` without the seed, and without `data.photographs_seed` if it equals the seed in all runs."""
    apart = {"seed"}
    if all(settings.get("data.photographs_seed") == settings.get("seed") for settings in every):
        apart.add("data.photographs_seed")
    return [key for key in keys if key not in apart]


def whole_name(word: str, every: Sequence[Mapping[str, Any]]) -> str:
    """Return the full name of the setting that `word` means: its full name or the end of it.

    Raises:
      UserError: no setting matches, or more than one does.
    """
    known = dict.fromkeys(key for settings in every for key in settings)
    if word in known:
        return word
    meant = [key for key in known if key.endswith(f".{word}")]
    if len(meant) > 1:  # a setting that differs is more likely meant than one that does not
        meant = [key for key in differing(every) if key in meant] or meant
    if not meant:
        differ = differing(every)
        raise UserError(f"--by={word}: no run has such a setting; {nearest(word, differ or known)}")
    if len(meant) > 1:
        raise UserError(f"--by={word}: this may be {' or '.join(meant)}; give the whole name")
    return meant[0]


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Return setting -> short name: an end of its name that no other of `keys` has and that is clear by itself."""
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
    """Return rows of values as texts; each column has as many digits as are needed to tell its values apart."""
    columns = []
    for values in zip(*rows, strict=True):
        for digits in range(4, 18):
            texts = [show(value, digits) for value in values]
            if len(set(texts)) == len(set(map(hashable, values))):
                break
        columns.append(texts)
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in rows]


def hashable(value: Any) -> Any:
    """Return the value of a setting as a hashable one: lists, which JSON has for tuples, become tuples."""
    return tuple(map(hashable, value)) if isinstance(value, list) else value
