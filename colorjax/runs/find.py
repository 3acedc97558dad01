"""The runs in a folder, be it a run's own, a sweep's, a search's, a table's or one with several of these in it."""

import dataclasses
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from colorjax.config.serialization import flatten
from colorjax.errors import UserError
from colorjax.runs.files import read_json
from colorjax.runs.history import read_history

_DEPTH = 5  # of folders to look into
_OTHERS = {"checkpoints", "code", "corrupted", "evaluation", "logs", "tensorboard"}


@dataclasses.dataclass(frozen=True)
class FoundRun:
    """One run: its name, which is its path below the folder that was searched, and its own folder."""

    name: str
    path: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Every setting by its whole name, such as 'optimizer.learning_rate'; none without a readable config."""
        return flatten(self._config or {})

    @cached_property
    def readable(self) -> bool:
        """Whether its config could be read."""
        return self._config is not None

    @cached_property
    def _config(self) -> dict[str, Any] | None:
        return _config(self.path)

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """The lines of its history."""
        return read_history(self.path)


def find_runs(directory: Path) -> list[FoundRun]:
    """Return the runs in `directory`, ordered by name with numbers as numbers.

    Raises:
      UserError: there is no such folder, or no run in it.
    """
    if not directory.is_dir():
        raise UserError(f"--workdir={directory}: no such folder")
    found = [FoundRun(_name(path, directory), path) for path in _below(directory, _DEPTH)]
    if not found:
        raise UserError(f"--workdir={directory}: no run in it; give the folder of a run, a sweep, a search or a table")
    return sorted(found, key=lambda run: _natural(run.name))


def _below(folder: Path, depth: int) -> list[Path]:
    if _is_run(folder):
        return [folder]
    if not depth:
        return []
    inner = (path for path in folder.iterdir() if path.is_dir() and path.name not in _OTHERS)
    return [run for path in inner for run in _below(path, depth - 1)]


def _is_run(folder: Path) -> bool:
    if not (folder / "config.json").is_file():
        return False
    config = _config(folder)
    # A table's folder has a config too, but no state: with a damaged one its rows must still be found.
    return (folder / "state.json").exists() if config is None else "model" in config


def _config(folder: Path) -> dict[str, Any] | None:
    """Return the config in `folder`, None for one that can't be read."""
    try:
        return read_json(folder / "config.json", dict)
    except (OSError, UserError):
        return None


def _name(path: Path, directory: Path) -> str:
    parts = path.relative_to(directory).parts
    if parts and parts[0] in ("runs", "rows"):
        parts = parts[1:]
    return "/".join(parts) or path.absolute().name


def _natural(name: str) -> list[tuple[float, str]]:
    parts = re.split(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)", name)
    return [(float(part), "") if part[:1].isdigit() else (0.0, part) for part in parts]
