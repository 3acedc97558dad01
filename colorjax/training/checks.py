"""Checks before training starts: invalid settings, and weights that training can't start from."""

from flax import linen as nn
from ml_collections import ConfigDict

from colorjax.config.defaults import total_steps
from colorjax.errors import UserError, nearest
from colorjax.models import build_model
from colorjax.objectives import build_objective
from colorjax.tasks import build_task
from colorjax.training import parallel
from colorjax.training.conditioning import check_conditioning
from colorjax.training.optimizer import build_optimizer
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
    build_optimizer(config.optimizer, total_steps(config), objective.parts)
    check_conditioning(config, model)
    check_start(config, model, task.input_channels)


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
