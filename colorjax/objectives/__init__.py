"""Objectives: what training minimizes.

To add an objective: write a subclass of `Objective` in its own file here (its parts, their first variables, and one
scalar for each of them), add one line to `OBJECTIVES`, and test that each part's gradient is that of its own loss.
The step, the loop, checkpoints, export and evaluation then find it by config.objective.name.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from colorjax.config.files import of_same_type
from colorjax.errors import UserError, nearest
from colorjax.models.network import Network
from colorjax.objectives.adversarial import Adversarial
from colorjax.objectives.cycle import Cycle
from colorjax.objectives.objective import Objective, Terms, only
from colorjax.objectives.supervised import Supervised
from colorjax.tasks import Task

__all__ = [
    "OBJECTIVES",
    "Adversarial",
    "Cycle",
    "Objective",
    "Supervised",
    "Terms",
    "build_objective",
    "default_config",
    "only",
]

OBJECTIVES: dict[str, type[Objective]] = {
    "supervised": Supervised,
    "adversarial": Adversarial,
    "cycle": Cycle,
}

# Fields that the framework sets: they are never keys of a config.
_NOT_IN_CONFIG = ("model", "task", "axis_name", "side")


def build_objective(
    config: Mapping[str, Any], model: Network, task: Task, axis_name: str | None = None, side: int = 0
) -> Objective:
    """Return the objective that `config` describes.

    Args:
      config: `name`, a key of `OBJECTIVES`, and any of its settings.
      model: the network, `parts[0]`.
      task: the task that the network learns.
      axis_name: the mapped axis over the devices, or None for one device.
      side: of the patches in training, pixels.

    Raises:
      UserError: the name or a setting is unknown (the message names the nearest), or a setting can't have its value.
    """
    if "name" not in config:
        raise UserError(f"config.objective has no name; {nearest('', OBJECTIVES)}")
    defaults = default_config(config["name"])
    settings = {}
    for key, value in config.items():
        if key not in defaults:
            raise UserError(f"config.objective.{key}: no such setting; {nearest(key, defaults)}")
        if isinstance(defaults[key], Mapping):
            if not isinstance(value, Mapping | ConfigDict):
                raise UserError(f"config.objective.{key}: needs a section, such as {defaults[key]}")
            settings[key] = value
        elif key != "name":
            settings[key] = of_same_type(value, defaults[key], f"config.objective.{key}")
    return OBJECTIVES[config["name"]](model, task, axis_name, side=side, **settings)


def default_config(name: str) -> dict[str, Any]:
    """Return the `objective` section for the objective `name`: its name and all its settings with their defaults.

    Raises:
      UserError: the name is unknown; the message names the nearest.
    """
    if name not in OBJECTIVES:
        raise UserError(f"config.objective.name: no objective is named {name!r}; {nearest(name, OBJECTIVES)}")
    fields = [field for field in dataclasses.fields(OBJECTIVES[name]) if field.name not in _NOT_IN_CONFIG]
    return {"name": name} | {field.name: _default(field) for field in fields}


def _default(field: dataclasses.Field) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
