"""Find the runs in a folder: that of a run, a sweep, a search or a table, or one that holds several of these."""

import dataclasses
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from colorjax.config.serialization import flatten
from colorjax.errors import UserError
from colorjax.runs.files import read_json
from colorjax.runs.history import read_history

_DEPTH = 5  # levels of folders to search
_OTHERS = {"checkpoints", "code", "corrupted", "evaluation", "logs", "tensorboard"}


@dataclasses.dataclass(frozen=True)
class FoundRun:
    """One run: its name (the path below the searched folder) and its own folder."""

    name: str
    path: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Every setting by its full name, such as 'optimizer.learning_rate'; {} without a readable config."""
        return flatten(self._config or {})

    @cached_property
    def readable(self) -> bool:
        """Whether config.json could be read."""
        return self._config is not None

    @cached_property
    def _config(self) -> dict[str, Any] | None:
        return _config(self.path)

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """The lines of history.jsonl, see `read_history`."""
        return read_history(self.path)


def find_runs(directory: Path) -> list[FoundRun]:
    """Return the runs in `directory`, sorted by name with numbers in numeric order.

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
    # A table's folder has a config too, but no state. If that config is damaged, the rows must still be found.
    return (folder / "state.json").exists() if config is None else "model" in config


def _config(folder: Path) -> dict[str, Any] | None:
    """Return the config in `folder`, or None if it can't be read."""
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
