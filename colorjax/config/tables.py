"""Configs of tables, and the sections of models and methods, which come from their registries."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from colorjax.config.defaults import run_config
from colorjax.errors import UserError, nearest
from colorjax.methods import default_config as default_method_config
from colorjax.models import default_config as default_model_config
from colorjax.objectives import default_config as default_objective_config


def table_config() -> ConfigDict:
    """The sections of `run_config`, shared by all rows, and those that only a table has."""
    config = run_config()
    config.title = ""
    config.reference = "observed"  # the row that the others are compared with, picture by picture
    # Every table has these two: without them nobody knows what the other numbers are worth.
    config.rows = ConfigDict(
        {
            "observed": {"label": "Input as it is", "method": method_config("observed")},
            "mean_color": {"label": "Mean color", "method": method_config("mean_color")},
        },
        sort_keys=False,  # rows stand in the table in the order in which they were given
    )
    config.published = ConfigDict({"caption": "", "columns": (), "rows": ()})
    return config


def model_config(name: str, **fields: Any) -> ConfigDict:
    """The `model` section for the architecture `name`: all its fields with their defaults, but for `fields`."""
    return _section(default_model_config(name), fields, f"model {name!r}")


def method_config(name: str, **fields: Any) -> ConfigDict:
    """The `method` section for the untrained method `name`: all its fields, with their defaults but for `fields`."""
    return _section(default_method_config(name), fields, f"method {name!r}")


def objective_config(name: str, **fields: Any) -> ConfigDict:
    """The `objective` section for the objective `name`: all its settings, with their defaults but for `fields`."""
    return _section(default_objective_config(name), fields, f"objective {name!r}")


def _section(defaults: Mapping[str, Any], fields: Mapping[str, Any], what: str) -> ConfigDict:
    for field in fields:
        if field not in defaults:
            raise UserError(f"{what} has no setting {field!r}; {nearest(field, defaults)}")
    return ConfigDict({**defaults, **fields})


def single_row_table(run: ConfigDict) -> ConfigDict:
    """The table config that measures one run, as its row `network`, beside the trivial rows."""
    table = table_config()
    for key in run_config():
        table[key] = run[key]
    table.title = f"{run.model.name} on the task {run.task.name}"
    table.rows.network = ConfigDict({"label": f"Trained {run.model.name}", "model": run.model})
    return table.lock()
