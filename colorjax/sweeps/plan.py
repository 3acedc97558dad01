"""Plan the runs of a config file's `sweep(add)`, each with its resolved config, name and folder."""

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from colorjax.config.defaults import require_run
from colorjax.config.earlier import settings_of_any_version
from colorjax.config.files import call, of_python, set_value
from colorjax.config.serialization import to_plain
from colorjax.errors import UserError
from colorjax.runs.files import read_json
from colorjax.sweeps.names import run_names


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep.

    Attributes:
      name: of the run and its folder.
      changes: key -> value that differs from the sweep's config.
      config: the resulting run config.
      directory: the run's folder.
    """

    name: str
    changes: dict[str, Any]
    config: ConfigDict
    directory: Path


def plan(argument: str, config: ConfigDict, directory: Path) -> list[PlannedRun]:
    """Return the runs of a sweep.

    A run that already has a folder in `directory` keeps it, under any name. So runs can be added to a sweep later.

    Args:
      argument: `FILE[:variant]`; the file defines `sweep(add)`.
      config: that file's config, with the overrides of the command line.
      directory: holds the folder of each run.

    Raises:
      UserError: there are no runs, a run is there twice, a key is unknown, a value has the wrong type, or a run's
        folder belongs to another run or has a damaged config.
    """
    require_run(config)
    changes = []

    def add(**overrides: Any) -> None:
        changes.append({key: of_python(value) for key, value in overrides.items()})

    call(argument, "sweep", add)
    if not changes:
        raise UserError(f"--config={argument}: sweep(add) adds no run")
    where = f"--config={argument}, run"
    configs = [changed(config, run, f"{where} {number}") for number, run in enumerate(changes, 1)]
    identities = [_hash(to_plain(config)) for config in configs]
    for number, identity in enumerate(identities):
        if identities.index(identity) < number:
            raise UserError(
                f"{where}s {identities.index(identity) + 1} and {number + 1} are the same, but for settings that "
                "change no result; leave one"
            )
    known = _known(directory)
    names = [known.get(identity, name) for identity, name in zip(identities, run_names(changes), strict=True)]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise UserError(f"{directory / twice[0]} is the folder of another run already; use another --workdir")
    for name, identity in zip(names, identities, strict=True):
        if identity not in known and (directory / name / "config.json").exists():
            raise UserError(f"{directory / name} holds a run of another config; use another --workdir for this sweep")
    return [PlannedRun(*run, directory / run[0]) for run in zip(names, changes, configs, strict=True)]


def changed(config: ConfigDict, changes: Mapping[str, Any], where: str) -> ConfigDict:
    """Return a locked copy of `config` with `changes` applied.

    Args:
      config: is not changed.
      changes: full key, such as 'optimizer.learning_rate' -> value.
      where: begins the error message.

    Raises:
      UserError: an unknown key, or a value of the wrong type.
    """
    copy = config.copy_and_resolve_references().unlock()
    for key, value in changes.items():
        set_value(copy, key, value, f"{where}: {key}={value!r}")
    return copy.lock()


def _known(directory: Path) -> dict[str, str]:
    """Return `_hash` of the config -> name, for each run in `directory`."""
    paths = sorted(directory.glob("*/config.json")) if directory.is_dir() else []
    return {_hash(read_json(path, dict)): path.parent.name for path in paths}


def _hash(config: Mapping[str, Any]) -> str:
    """Return a text that identifies the run of a plain config: its identifying settings as JSON."""
    return json.dumps(settings_of_any_version(config), sort_keys=True)
