"""A search: its settings, its space, and Optuna's study of it.

`search.json` in the search's folder has everything that a worker needs: the run config that trials change, the space
and the settings. So later changes of the config file have no effect. Optuna keeps its study in `study.journal`.
"""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from ml_collections import ConfigDict
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from colorjax.config.defaults import require_run, with_defaults
from colorjax.config.earlier import settings_of_any_version
from colorjax.config.files import call, override
from colorjax.config.serialization import from_plain, to_plain, with_tuples
from colorjax.errors import UserError, nearest
from colorjax.metrics.info import MEASURES
from colorjax.runs.files import read_json
from colorjax.runtime.atomic import write_atomically
from colorjax.sweeps.draws import Choice, Distribution, Integers, Numbers
from colorjax.sweeps.plan import changed

PRUNERS = ("median", "none")
SAMPLERS = ("tpe", "random")
_KINDS = {"numbers": Numbers, "integers": Integers, "choice": Choice}


def search_config() -> ConfigDict:
    """Return all settings of a search with their defaults; `--search.KEY=VALUE` overrides each of them."""
    return ConfigDict(
        {
            "trials": 20,  # in total, including those of earlier starts
            "metric": "psnr",  # a metric of the validations, such as "loss", taken at the best checkpoint
            "sampler": "tpe",  # or "random"
            "startup_trials": 5,  # first trials, which are drawn at random and never pruned
            "pruner": "median",  # stops a trial that is worse than the median of the others at the same step; or "none"
            "warmup_steps": 0,  # no trial is pruned before this step
            "seed": 0,
        }
    )


def load_search_config(words: Sequence[str]) -> ConfigDict:
    """Return the settings of a search with overrides applied.

    Raises:
      UserError: as `config.files.override`, or a value that is impossible for a search.
    """
    config = override(search_config(), words, "search")
    for key, known in {"pruner": PRUNERS, "sampler": SAMPLERS, "metric": MEASURES}.items():
        if config[key] not in known:
            raise UserError(f"--search.{key}={config[key]}: no such {key}; {nearest(config[key], known)}")
    if MEASURES[config.metric].higher_is_better is None:
        raise UserError(f"--search.metric={config.metric}: neither high nor low values of it are good; use another")
    for key in ("trials", "startup_trials"):
        if config[key] < 1:
            raise UserError(f"--search.{key}={config[key]}: must be 1 or more")
    for key in ("seed", "warmup_steps"):
        if config[key] < 0:
            raise UserError(f"--search.{key}={config[key]}: must be 0 or more")
    return config


@dataclasses.dataclass(frozen=True)
class Search:
    """A search.

    Attributes:
      config: the run config that its trials change.
      space: key -> distribution of the values of this setting.
      settings: as in `search_config`.
    """

    config: ConfigDict
    space: dict[str, Distribution]
    settings: ConfigDict

    @property
    def higher_is_better(self) -> bool:
        """Whether higher values of the search's metric are better."""
        return bool(MEASURES[self.settings.metric].higher_is_better)


def plan_search(argument: str, config: ConfigDict, settings: ConfigDict) -> Search:
    """Return the search that a config file declares by `search_space()`, which returns a dict of key -> distribution.

    Args:
      argument: `FILE[:variant]` of the config file.
      config: that file's config, with the overrides of the command line.
      settings: of the search.

    Raises:
      UserError: there is no space, a key is unknown, or a distribution does not fit the type of its setting.
    """
    require_run(config)
    space = call(argument, "search_space")
    where = f"--config={argument}: search_space()"
    if not isinstance(space, Mapping) or not space:
        raise UserError(f"{where} must return a dict such as {{'optimizer.learning_rate': log_uniform(1e-5, 1e-2)}}")
    for key, distribution in space.items():
        if not isinstance(distribution, tuple(_KINDS.values())):
            raise UserError(f"{where}: {key} needs uniform, log_uniform, integers or choice, not {distribution!r}")
        options = distribution.options if isinstance(distribution, Choice) else (distribution.low, distribution.high)
        for option in options:
            changed(config, {key: option}, where)
    return Search(config, dict(space), settings)


def save_search(search: Search, directory: Path) -> None:
    """Write `search.json`.

    Raises:
      UserError: `directory` holds a search with another config, space or metric; only other settings may change.
    """
    kinds = {kind: name for name, kind in _KINDS.items()}
    content = {
        "config": to_plain(search.config),
        "space": {
            key: {"kind": kinds[type(distribution)], **dataclasses.asdict(distribution)}
            for key, distribution in search.space.items()
        },
        "settings": to_plain(search.settings),
    }
    content = json.loads(json.dumps(content))
    path = directory / "search.json"
    if path.exists():
        known = read_json(path, dict)
        for what, same in {
            "config": settings_of_any_version(known["config"]) == settings_of_any_version(content["config"]),
            "space": known["space"] == content["space"],
            "metric": known["settings"]["metric"] == content["settings"]["metric"],
        }.items():
            if not same:
                raise UserError(f"{directory} holds a search with another {what}; use another --workdir")
    directory.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(content, indent=2) + "\n")


def read_search(directory: Path) -> Search:
    """Return the search that `save_search` wrote.

    Raises:
      UserError: there is no search in `directory`.
    """
    path = directory / "search.json"
    if not path.exists():
        raise UserError(f"--workdir={directory}: no search in it; start one with the command search")
    content = with_tuples(read_json(path, dict))
    space = {key: _KINDS[fields.pop("kind")](**fields) for key, fields in content["space"].items()}
    settings = from_plain({**search_config(), **content["settings"]})  # an earlier version may have had fewer settings
    return Search(with_defaults(from_plain(content["config"])), space, settings)


def open_study(search: Search, directory: Path) -> optuna.Study:
    """Open the study of a search, or create it. Any number of processes may have it open at a time."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    settings, path = search.settings, directory / "study.journal"
    pruner = optuna.pruners.NopPruner()
    if settings.pruner == "median":
        pruner = optuna.pruners.MedianPruner(settings.startup_trials, settings.warmup_steps)
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(path), lock_obj=_WholeLines(path))),
        study_name="search",
        direction="maximize" if search.higher_is_better else "minimize",
        pruner=pruner,
        load_if_exists=True,
    )


class _WholeLines(JournalFileSymlinkLock):
    """The lock that a process holds while it adds lines to a journal.

    It begins by cutting off half a line, which a full disk or the end of a process may have left. Optuna would add the
    next line to it, and could then never read the journal again.
    """

    def __init__(self, journal: Path):
        super().__init__(str(journal))
        self._journal = journal

    def acquire(self) -> bool:
        """Wait for the lock, then cut off half a line."""
        taken = super().acquire()
        with self._journal.open("rb+") as journal:
            journal.seek(max(0, journal.seek(0, os.SEEK_END) - 1))
            if journal.read(1) not in (b"", b"\n"):
                journal.seek(0)
                journal.truncate(journal.read().rfind(b"\n") + 1)
        return taken


def sampler_of(settings: ConfigDict, number: int) -> optuna.samplers.BaseSampler:
    """Return the sampler for trial `number`. Each trial has its own seed, so that no two workers draw the same."""
    seed = int(np.random.SeedSequence([settings.seed, number]).generate_state(1)[0])
    if settings.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=settings.startup_trials)


def suggest(trial: optuna.Trial, space: Mapping[str, Distribution]) -> dict[str, Any]:
    """Return a value for each setting of `space`."""
    values = {}
    for key, distribution in space.items():
        if isinstance(distribution, Choice):
            # By index: Optuna stores only texts and numbers, but an option may be a tuple.
            values[key] = distribution.options[trial.suggest_int(key, 0, len(distribution.options) - 1)]
        elif isinstance(distribution, Integers):
            values[key] = trial.suggest_int(key, distribution.low, distribution.high)
        else:
            values[key] = trial.suggest_float(key, distribution.low, distribution.high, log=distribution.logarithmic)
    return values
