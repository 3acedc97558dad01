"""The optimizer (Adam, Muon, ADADELTA) with clipping and a schedule of its rate, and the moving average of the weights.

Muon treats the kernels as matrices. A dense layer's kernel is [inputs, outputs]. A convolution's kernel [rows, columns,
inputs, outputs] is a matrix of its first three axes by its last (a transposed convolution's too, although its four
positions are independent maps). Adam updates biases and the scales of normalization.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
import optax.contrib
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from colorjax.config.files import of_same_type
from colorjax.errors import UserError, nearest


def _constant(learning_rate: float, steps: int) -> optax.Schedule:
    del steps
    return optax.constant_schedule(learning_rate)


def _cosine(learning_rate: float, steps: int) -> optax.Schedule:
    """Fall to zero along half a cosine (Loshchilov and Hutter 2017, equation 5, without restarts)."""
    return optax.cosine_decay_schedule(learning_rate, max(1, steps))


def _linear(learning_rate: float, steps: int) -> optax.Schedule:
    """Fall to zero in equal parts: the cool-down of a constant rate (Haegele et al. 2024, section 3)."""
    return optax.linear_schedule(learning_rate, 0.0, max(1, steps))


def _constant_then_linear(learning_rate: float, steps: int) -> optax.Schedule:
    """Stay for the first half, then fall to zero in equal parts (Zhu et al. 2017: 100 epochs and 100 epochs)."""
    half = steps // 2
    fall = optax.linear_schedule(learning_rate, 0.0, max(1, steps - half))
    return optax.join_schedules([optax.constant_schedule(learning_rate), fall], [half])


SCHEDULES = {
    "constant": _constant,
    "cosine": _cosine,
    "linear": _linear,
    "constant_then_linear": _constant_then_linear,
}


def build_schedule(config: ConfigDict, steps: int) -> optax.Schedule:
    """Return the learning rate as a function of the number of steps already taken.

    During the first `warmup_steps` steps it rises in equal parts from `learning_rate / (warmup_steps + 1)`, so that the
    first step already learns. The rest of the `steps` steps follow `schedule`.

    Raises:
      UserError: the schedule is unknown, or a number is out of range.
    """
    if config.schedule not in SCHEDULES:
        raise UserError(f"config.optimizer.schedule={config.schedule!r}; {nearest(config.schedule, SCHEDULES)}")
    _require(config, "learning_rate", 0 < config.learning_rate < math.inf, "above 0")
    _require(config, "warmup_steps", config.warmup_steps >= 0, "0 or more")
    warmup = config.warmup_steps
    main = SCHEDULES[config.schedule](config.learning_rate, steps - warmup)
    if not warmup:
        return _with_promotion(main)
    rise = optax.linear_schedule(config.learning_rate / (warmup + 1), config.learning_rate, warmup)
    return _with_promotion(optax.join_schedules([rise, main], [warmup]))


def build_optimizer(
    config: ConfigDict, steps: int, parts: Sequence[str] = ("network",)
) -> tuple[optax.GradientTransformation, optax.Schedule]:
    """Return the optimizer named by `config.name`, and the schedule of the first part's learning rate.

    With `clip_norm` above 0, a gradient with a larger norm over all parameters of a part is first scaled down to it.
    With `weight_decay` above 0, each step also multiplies every kernel by 1 - `weight_decay` times the learning rate
    (decoupled decay: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", in the form of PyTorch and
    optax).

    Args:
      config: the `optimizer` section of a run's config.
      steps: number of steps of the whole run.
      parts: names of the objective's parts: parameters and gradients are trees by these names. Each part has its own
        optimizer, with the settings of `config`, replaced by those in `config.parts.NAME`. A module has those in
        `config.modules.NAME`, whatever modules it lies in; of several names in a parameter's path the innermost counts.
        A learning rate of 0 keeps a module as it is.

    Raises:
      UserError: a value or a name in `config` is invalid.
    """
    for part in config.parts:
        if part not in parts:
            raise UserError(f"config.optimizer.parts: the objective has no part {part!r}; {nearest(part, parts)}")
        if not isinstance(config.parts[part], ConfigDict):
            raise UserError(f"config.optimizer.parts.{part}: needs a section, such as {{'learning_rate': 1e-4}}")
    built = {part: _build_for_part(_settings_of(config, part), steps) for part in parts}
    schedule = built[parts[0]][1]
    if len(parts) == 1:
        return built[parts[0]]
    optimizer = optax.partition(
        {part: optimizer for part, (optimizer, _) in built.items()}, {part: part for part in parts}
    )
    return optax.GradientTransformation(_with_promotion(optimizer.init), _with_promotion(optimizer.update)), schedule


def _settings_of(config: ConfigDict, part: str) -> ConfigDict:
    """Return the settings of one part: those of `config`, replaced by those in `config.parts`."""
    settings = ConfigDict({key: value for key, value in config.items() if key != "parts"})
    return _replaced(settings, config.parts.get(part, {}), f"config.optimizer.parts.{part}", ("weight_average",))


def _replaced(settings: ConfigDict, others: Mapping[str, Any], where: str, shared: Sequence[str]) -> ConfigDict:
    """Return `settings` with the values of `others`; those named `shared` are the same for all.

    Raises:
      UserError: an unknown or shared setting, or a value of another type.
    """
    settings = settings.copy_and_resolve_references()
    for key, value in others.items():
        if key not in settings or key in shared:
            known = [name for name in settings if name not in shared]
            raise UserError(f"{where}.{key}: no such setting; {nearest(key, known)}")
        settings[key] = of_same_type(value, settings[key], f"{where}.{key}")
    return settings


def require_modules(config: ConfigDict, params: Mapping[str, Any]) -> None:
    """Check that the network has the modules that `config.modules` names.

    Args:
      config: the `optimizer` section of a run's config.
      params: the network's parameters, or their shapes.

    Raises:
      UserError: it has not.
    """
    modules = sorted({name for path in flatten_dict(dict(params)) for name in path[:-1]})
    for module in config.modules:
        if module not in modules:
            line = f"config.optimizer.modules: the network has no module {module!r}"
            raise UserError(f"{line}; {nearest(module, modules)}")


def with_constants(config: ConfigDict, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters, by part, with the modules of learning rate 0 as constants, which get no gradient."""
    constant = {module for module, settings in config.modules.items() if settings.get("learning_rate") == 0}
    if not constant:
        return dict(params)
    module_of = _module_of(config)
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: jax.lax.stop_gradient(leaf) if module_of(path) in constant else leaf, dict(params)
    )


def _module_of(config: ConfigDict) -> Callable[[tuple[Any, ...]], str]:
    """Return a function from a parameter's path to the innermost of its modules with settings of its own, or ""."""

    def module_of(path: tuple[Any, ...]) -> str:
        names = [key.key for key in path[1:]]  # below the part's name
        return next((name for name in reversed(names) if name in config.modules), "")

    return module_of


def _build_for_part(config: ConfigDict, steps: int) -> tuple[optax.GradientTransformation, optax.Schedule]:
    """Return the optimizer of one part's parameters, and the schedule of its modules that have none of their own."""
    for module, settings in config.modules.items():
        if not isinstance(settings, ConfigDict):
            raise UserError(f"config.optimizer.modules.{module}: needs a section, such as {{'learning_rate': 0.0}}")
    main, schedule = _build_for_modules(config, steps)
    if not config.modules:
        return main, schedule
    optimizers = {"": main}
    for module, others in config.modules.items():
        where, shared = f"config.optimizer.modules.{module}", ("weight_average", "modules")
        settings = _replaced(config, others, where, shared)
        constant = others.get("learning_rate") == 0
        optimizers[module] = optax.set_to_zero() if constant else _build_for_modules(settings, steps)[0]

    module_of = _module_of(config)

    def labels(params: Mapping[str, Any]) -> dict[str, Any]:
        return jax.tree_util.tree_map_with_path(lambda path, leaf: module_of(path), params)

    return optax.partition(optimizers, labels), schedule


def _build_for_modules(config: ConfigDict, steps: int) -> tuple[optax.GradientTransformation, optax.Schedule]:
    """Return the optimizer of the modules that share `config`, and its schedule."""
    if config.name not in OPTIMIZERS:
        raise UserError(f"config.optimizer.name={config.name!r}; {nearest(config.name, OPTIMIZERS)}")
    schedule = build_schedule(config, steps)
    for key in ("clip_norm", "weight_decay"):
        _require(config, key, 0 <= config[key] < math.inf, "0 (off) or more")
    _require(config, "weight_average", 0 <= config.weight_average < 1, "in [0, 1)")
    _require(config, "adam_beta1", 0 <= config.adam_beta1 < 1, "in [0, 1)")
    _require(config, "adam_learning_rate", 0 < config.adam_learning_rate < math.inf, "above 0")
    clipping = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    optimizer = optax.chain(*clipping, OPTIMIZERS[config.name](config, schedule))
    return optax.GradientTransformation(_with_promotion(optimizer.init), _with_promotion(optimizer.update)), schedule


def _adam(config: ConfigDict, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Adam (Kingma and Ba 2015), with optax's defaults but for `adam_beta1`."""
    if not config.weight_decay:
        return optax.adam(schedule, b1=config.adam_beta1)
    return optax.adamw(
        schedule,
        b1=config.adam_beta1,
        weight_decay=config.weight_decay,
        mask=lambda params: jax.tree.map(_is_kernel, params),
    )


def _muon(config: ConfigDict, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Muon (Jordan et al. 2024, with optax's defaults) for kernels, Adam for the other parameters.

    A kernel moves against its orthogonalized momentum; if it has more columns than rows, the step is multiplied by the
    root of columns / rows. Adam's rate is `adam_learning_rate` in place of `learning_rate`, on the same schedule.
    """
    factor = config.adam_learning_rate / config.learning_rate
    # optax's own Muon updates the other parameters by Adam with Nesterov momentum, not by Adam as published.
    kernels = optax.contrib.muon(
        schedule,
        weight_decay=config.weight_decay,
        muon_weight_dimension_numbers=lambda params: jax.tree.map(_matrix_of, params),
    )
    return optax.partition(
        {"kernels": kernels, "others": optax.adam(lambda count: factor * schedule(count), b1=config.adam_beta1)},
        lambda params: jax.tree.map(lambda leaf: "kernels" if _is_kernel(leaf) else "others", params),
    )


def _adadelta(config: ConfigDict, schedule: optax.Schedule) -> optax.GradientTransformation:
    """ADADELTA (Zeiler 2012), which finds the sizes of its steps itself: a `learning_rate` of 1 is the paper's."""
    decay = optax.add_decayed_weights(config.weight_decay, lambda params: jax.tree.map(_is_kernel, params))
    return optax.chain(optax.scale_by_adadelta(), decay, optax.scale_by_learning_rate(schedule))


OPTIMIZERS = {"adam": _adam, "muon": _muon, "adadelta": _adadelta}


def _is_kernel(leaf: jax.Array) -> bool:
    return leaf.ndim >= 2


def _matrix_of(kernel: jax.Array) -> optax.contrib.MuonDimensionNumbers:
    """Return the axes of a kernel that are the matrix's rows, and those that are its columns."""
    return optax.contrib.MuonDimensionNumbers(tuple(range(kernel.ndim - 1)), kernel.ndim - 1)


def update_average(average: Any, new: Any, step: jax.Array, decay: float) -> Any:
    """Return the bias-corrected exponential moving average after adding `new`.

    After n steps it is sum_i decay^(n-i) x_i / sum_i decay^(n-i) over i = 1..n. This is Adam's correction (Kingma and
    Ba 2015, section 3) as a recursion: `average += (1 - decay) / (1 - decay^n) (x_n - average)`. The first step puts
    the whole weight on `new`, so the untrained network has no influence and the average can be used after any step.

    Args:
      average: the average so far, a pytree of arrays; the values do not matter in the first step.
      new: pytree of the same structure.
      step: number of steps including this one, from 1 on.
      decay: in (0, 1), static.
    """
    # For a decay near one, 1 - decay^n loses its digits in float32; expm1 of the logarithm does not.
    total = -jnp.expm1(step.astype(jnp.float32) * math.log(decay))
    weight = jnp.minimum((1 - decay) / total, 1.0)
    return jax.tree.map(lambda old, x: old + weight * (x - old), average, new)


def _with_promotion(function: Callable) -> Callable:
    """Let optax divide floats by step counts, even if the rest of the program uses strict dtype promotion."""

    @functools.wraps(function)
    def wrapped(*args: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"):
            return function(*args)

    return wrapped


def _require(config: ConfigDict, key: str, valid: bool, wanted: str) -> None:
    if not valid:
        raise UserError(f"config.optimizer.{key}={config[key]}: must be {wanted}")
