"""Configs of tables, and the sections of models, methods and objectives, whose defaults come from their registries."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from colorjax.config.defaults import run_config
from colorjax.errors import UserError, nearest
from colorjax.methods import default_config as default_method_config
from colorjax.models import default_config as default_model_config
from colorjax.objectives import default_config as default_objective_config


def table_config() -> ConfigDict:
    """Return the sections of `run_config`, shared by all rows, and the sections that only a table has."""
    config = run_config()
    config.title = ""
    config.reference = "observed"  # the row that the others are compared with, image by image
    # Baselines required in every table; without them the scores cannot be judged.
    config.rows = ConfigDict(
        {
            "observed": {"label": "Input as it is", "method": method_config("observed")},
            "mean_color": {"label": "Mean color", "method": method_config("mean_color")},
        },
        sort_keys=False,  # the table keeps the order of the rows
    )
    config.published = ConfigDict({"caption": "", "columns": (), "rows": ()})
    # Several noises: name -> label, kind and level. Each gives a table of its own, and all together one with the noises
    # across. Without any, the protocol's own noise counts.
    config.noises = ConfigDict({}, sort_keys=False)
    return config


def of_noise(table: ConfigDict, name: str) -> ConfigDict:
    """Return the config of the table of one of its `noises`, on which its networks are also trained.

    Raises:
      UserError: the noise lacks a setting.
    """
    noise = table.noises[name]
    for setting in ("label", "kind", "level"):
        if setting not in noise:
            raise UserError(f"config.noises.{name}: needs {setting!r}")
    one = table.copy_and_resolve_references()
    with one.unlocked():
        one.noises = ConfigDict({})
        one.rows = ConfigDict({row: one.rows[row] for row in table.rows}, sort_keys=False)  # a copy sorts them
        one.title = f"{table.title}: {noise.label}"
        one.protocol.noise_kind, one.protocol.noise_level = noise.kind, float(noise.level)
        one.task.noise.kind, one.task.noise.level = noise.kind, (float(noise.level),) * 2
    return one.lock()


def model_config(name: str, **fields: Any) -> ConfigDict:
    """Return the `model` section for the architecture `name`: its defaults, changed by `fields`.

    Raises:
      UserError: an unknown name or field.
    """
    return _section(default_model_config(name), fields, f"model {name!r}")


def method_config(name: str, **fields: Any) -> ConfigDict:
    """Return the `method` section for the method `name`, which needs no training: its defaults, changed by `fields`.

    Raises:
      UserError: an unknown name or field.
    """
    return _section(default_method_config(name), fields, f"method {name!r}")


def objective_config(name: str, **fields: Any) -> ConfigDict:
    """Return the `objective` section for the objective `name`: its defaults, changed by `fields`.

    Raises:
      UserError: an unknown name or setting.
    """
    return _section(default_objective_config(name), fields, f"objective {name!r}")


def _section(defaults: Mapping[str, Any], fields: Mapping[str, Any], what: str) -> ConfigDict:
    for field in fields:
        if field not in defaults:
            raise UserError(f"{what} has no setting {field!r}; {nearest(field, defaults)}")
    return ConfigDict({**defaults, **fields})


def single_row_table(run: ConfigDict) -> ConfigDict:
    """Return a table config that measures one run as its row `network`, next to the baselines."""
    table = table_config()
    for key in run_config():
        table[key] = run[key]
    table.title = f"{run.model.name} on the task {run.task.name}"
    table.rows.network = ConfigDict({"label": f"Trained {run.model.name}", "model": run.model})
    return table.lock()
