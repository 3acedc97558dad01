"""What a search is about: its settings, the space it looks through, and Optuna's study of it, kept in one file.

`search.json` in the search's folder has all that a worker needs, so that nothing depends on the config file later:
the run config that trials change, the space and the settings. `study.journal` is Optuna's.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from ml_collections import ConfigDict
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from colorjax.config.defaults import require_run, with_defaults
from colorjax.config.earlier import settings_of_any_version
from colorjax.config.files import call, override
from colorjax.config.serialization import from_plain, to_plain, with_tuples
from colorjax.errors import UserError, nearest
from colorjax.metrics.info import MEASURES
from colorjax.runs.files import read_json, write_atomically
from colorjax.sweeps.draws import Choice, Distribution, Integers, Numbers
from colorjax.sweeps.plan import changed

PRUNERS = ("median", "none")
SAMPLERS = ("tpe", "random")
_KINDS = {"numbers": Numbers, "integers": Integers, "choice": Choice}


def search_config() -> ConfigDict:
    """Every setting of a search, each to be overridden by `--search.KEY=VALUE`."""
    return ConfigDict(
        {
            "trials": 20,  # in all, those of earlier starts among them
            "metric": "psnr",  # of the validation photographs, at the best checkpoint; or "loss"
            "sampler": "tpe",  # or "random"
            "startup_trials": 5,  # drawn at random, and never pruned, before there is anything to learn from
            "pruner": "median",  # stop a trial that is worse than the median of the others at the same step; or "none"
            "warmup_steps": 0,  # before which no trial is pruned
            "seed": 0,
        }
    )


def load_search_config(words: Sequence[str]) -> ConfigDict:
    """Return the settings with overrides in them.

    Raises:
      UserError: as `config_files.override`; or a setting that no search can have.
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
    """A search: the config that its trials change, what they draw from, and its settings."""

    config: ConfigDict
    space: dict[str, Distribution]
    settings: ConfigDict

    @property
    def higher_is_better(self) -> bool:
        """Whether the search is for high values of its metric."""
        return bool(MEASURES[self.settings.metric].higher_is_better)


def plan_search(argument: str, config: ConfigDict, settings: ConfigDict) -> Search:
    """Return the search that the config file declares by `search_space()`, which maps keys to distributions.

    Raises:
      UserError: no space in it, a key that isn't there, or a distribution of another type than its setting.
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
      UserError: `directory` holds a search of another config or space; only its settings may change.
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
    """Return what `save_search` wrote.

    Raises:
      UserError: there is no search in `directory`.
    """
    path = directory / "search.json"
    if not path.exists():
        raise UserError(f"--workdir={directory}: no search in it; start one with the command search")
    content = with_tuples(read_json(path, dict))
    space = {key: _KINDS[fields.pop("kind")](**fields) for key, fields in content["space"].items()}
    settings = from_plain({**search_config(), **content["settings"]})  # those of an earlier version may be fewer
    return Search(with_defaults(from_plain(content["config"])), space, settings)


def open_study(search: Search, directory: Path) -> optuna.Study:
    """Return the study of a search, made if it isn't there; any number of processes may have it open."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    settings = search.settings
    pruner = optuna.pruners.NopPruner()
    if settings.pruner == "median":
        pruner = optuna.pruners.MedianPruner(settings.startup_trials, settings.warmup_steps)
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(directory / "study.journal"))),
        study_name="search",
        direction="maximize" if search.higher_is_better else "minimize",
        pruner=pruner,
        load_if_exists=True,
    )


def sampler_of(settings: ConfigDict, number: int) -> optuna.samplers.BaseSampler:
    """Return the sampler of the trial `number`, with a seed of its own: no two workers draw the same."""
    seed = int(np.random.SeedSequence([settings.seed, number]).generate_state(1)[0])
    if settings.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=settings.startup_trials)


def suggest(trial: optuna.Trial, space: Mapping[str, Distribution]) -> dict[str, Any]:
    """Return a value for each setting of `space`."""
    values = {}
    for key, distribution in space.items():
        if isinstance(distribution, Choice):
            # By number: Optuna keeps texts and numbers only, and an option may be a tuple.
            values[key] = distribution.options[trial.suggest_int(key, 0, len(distribution.options) - 1)]
        elif isinstance(distribution, Integers):
            values[key] = trial.suggest_int(key, distribution.low, distribution.high)
        else:
            values[key] = trial.suggest_float(key, distribution.low, distribution.high, log=distribution.logarithmic)
    return values
