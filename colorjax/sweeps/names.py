"""Names of runs, made from the settings in which they differ. They also name the runs' folders."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ml_collections import ConfigDict

_LONGEST = 100  # letters; file systems allow 255, but such names are hard to read


def run_names(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a name for each run, such as 'learning_rate=0.001,seed=2'.

    Args:
      runs: for each run, full key -> changed value. Keys with the same value in all runs are left out of the names.
    """
    varying = varying_keys(runs)
    short = short_keys(varying)
    names = [",".join(f"{short[key]}={value_text(run[key])}" for key in varying if key in run) for run in runs]
    names = [name or "run" for name in names]
    # Different values may give the same name; then a hash is added.
    return [
        _shortened(name, repr(sorted(run.items()))) if len(name) > _LONGEST or names.count(name) > 1 else name
        for name, run in zip(names, runs, strict=True)
    ]


def varying_keys(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys whose values differ between runs, in the order of their first appearance."""
    keys = dict.fromkeys(key for run in runs for key in run)
    return [key for key in keys if len({value_text(run[key]) if key in run else None for run in runs}) > 1]


def short_keys(keys: Sequence[str]) -> dict[str, str]:
    """Return key -> the shortest end of it that no other key has."""
    short = {}
    for key in keys:
        parts = key.split(".")
        ends = [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]
        short[key] = next(
            end for end in ends if end == key or not any(_ends(other, end) for other in keys if other != key)
        )
    return short


def _ends(key: str, end: str) -> bool:
    return key == end or key.endswith(f".{end}")


def value_text(value: Any) -> str:
    """Return a setting's value as text for a file name."""
    if isinstance(value, ConfigDict):  # a whole section, such as a model
        value = value.get("name", sorted(value.items()))
    if isinstance(value, float):
        value = f"{value:.6g}" if float(f"{value:.6g}") == value else repr(value)
    if isinstance(value, tuple | list):
        value = "-".join(map(value_text, value))
    return re.sub(r"[^A-Za-z0-9.+_-]+", "_", str(value))


def _shortened(name: str, whole: str) -> str:
    """Return `name`, cut if it is too long, with a hash of `whole` at its end."""
    return f"{name[: _LONGEST - 9]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
