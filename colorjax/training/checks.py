"""Checks before training starts: invalid settings, and weights that training can't start from."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from colorjax.config.defaults import total_steps
from colorjax.errors import UserError, nearest
from colorjax.models import build_model
from colorjax.objectives import Objective, Terms, build_objective
from colorjax.tasks import build_task
from colorjax.training import parallel
from colorjax.training.conditioning import check_conditioning
from colorjax.training.optimizer import build_optimizer, require_modules
from colorjax.training.state import split_variables
from colorjax.weights import load, not_found_in, require_model_variables

START_PARTS = ("all", "fitting")


def check(config: ConfigDict, devices: parallel.Devices) -> None:
    """Check a run's settings before training.

    Raises:
      UserError: a setting is invalid, or the weights to start from don't fit.
    """
    positive = {"training": ("batch_size", "epochs", "log_every", "validate_every", "checkpoint_every", "keep")}
    for section, keys in (positive | {"data": ("patches_per_epoch",)}).items():
        for key in keys:
            if config[section][key] < 1:
                raise UserError(f"config.{section}.{key}={config[section][key]}: must be 1 or more")
    parallel.check_batch_size(config.training.batch_size, devices)
    task = build_task(config.task)
    model = build_model(config.model, task.output_channels)
    objective = build_objective(config.objective, model, task)
    _check_unpaired(config, objective, devices)
    build_optimizer(config.optimizer, total_steps(config), objective.parts)
    check_conditioning(config, model)
    check_start(config, model, task.input_channels)


def check_objective(config: ConfigDict, classes: int) -> None:
    """Check that a step of the objective can be taken, without computing any number.

    Args:
      config: the run's config.
      classes: number of classes of the training photographs; 0 if they have none.

    Raises:
      UserError: the objective needs something that the model or the photographs don't have, or its variables, losses
        or statistics are not those of its parts.
    """
    task = build_task(config.task)
    model = build_model(config.model, task.output_channels)
    side = config.data.patch_size
    objective = build_objective(config.objective, model, task, side=side)

    def variables(key: jax.Array, frozen: Any) -> Any:
        return objective.initial_variables(key, jnp.zeros((1, 32, 32, task.input_channels)), frozen)

    def terms(variables: Any, key: jax.Array, frozen: Any) -> Terms:
        params, batch_stats = split_variables(variables)
        labels = {"class": jnp.zeros((2, classes))} if classes else {}
        keys = jax.random.split(key, 2)  # two examples, for an objective that takes them by twos
        example = task.example(keys, jnp.zeros((2, side, side, 3)), labels)
        given = model.conditioning(frozen, example.inputs)
        return objective(params, batch_stats, example, given, keys, objective.initial_memory())

    key = jax.eval_shape(lambda: jax.random.key(0))
    frozen = model.frozen().variables
    found = jax.eval_shape(variables, key, frozen)
    require_modules(config.optimizer, found[objective.parts[0]]["params"])
    _require_parts(config, objective.parts, "variables", found)
    result = jax.eval_shape(terms, found, key, frozen)
    _require_parts(config, objective.parts, "losses", result.losses)
    _require_parts(config, objective.parts, "batch statistics", result.updates)


def _check_unpaired(config: ConfigDict, objective: Objective, devices: parallel.Devices) -> None:
    """Check that photographs are unpaired if and only if the objective learns from such.

    Raises:
      UserError: they are not, or devices would get an odd number of examples.
    """
    name, unpaired = config.objective.name, config.data.get("unpaired", False)
    if objective.unpaired != unpaired:
        kind = "unpaired photographs" if objective.unpaired else "photographs in pairs"
        raise UserError(
            f"config.data.unpaired={unpaired}: config.objective.name={name!r} learns from {kind}; "
            f"set it to {not unpaired}"
        )
    if objective.unpaired and config.training.batch_size // len(devices) % 2:
        raise UserError(
            f"config.training.batch_size={config.training.batch_size}: config.objective.name={name!r} needs an even "
            f"number of examples on each of {len(devices)} device(s); use {2 * len(devices)}, or a multiple of it"
        )


def _require_parts(config: ConfigDict, parts: Sequence[str], what: str, found: Mapping[str, Any]) -> None:
    if set(found) != set(parts):
        given, needed = (", ".join(sorted(names)) or "none" for names in (found, parts))
        raise UserError(
            f"config.objective.name={config.objective.name!r}: its {what} are of {given}, its parts {needed}"
        )


def check_start(config: ConfigDict, model: nn.Module, input_channels: int) -> tuple[str, ...]:
    """Return the names of the network's variables that start at random although `start_from` is set.

    Args:
      config: the run's config; `training.start_from` and `training.start_parts` are read.
      model: the network.
      input_channels: number of channels of the network's input.

    Raises:
      UserError: the weights can't be read or don't fit, or `start_parts` is invalid or set without `start_from`.
    """
    settings, where = config.training, "config.training.start_from"
    if settings.start_parts not in START_PARTS:
        line = f"config.training.start_parts={settings.start_parts!r}; {nearest(settings.start_parts, START_PARTS)}"
        raise UserError(line)
    if not settings.start_from:
        if settings.start_parts != START_PARTS[0]:
            raise UserError(f"config.training.start_parts={settings.start_parts!r} is for start_from, which is not set")
        return ()
    try:
        variables = load(settings.start_from).variables
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    if settings.start_parts == "fitting":
        return not_found_in(variables, model, input_channels, where)
    require_model_variables(variables, model, input_channels, where)
    return ()
