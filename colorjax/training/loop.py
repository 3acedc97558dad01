"""The training loop, from the config to the last checkpoint. It is independent of the task, objective and devices.

After each step, in this order: the loop checks the metrics of the step before, while the present step runs; it writes a
checkpoint if one is due, after checking that the present step's metrics are finite; it stops if there is a request to
stop; it validates the network if a validation is due. Since a checkpoint is written before its validation, a run that
was stopped during a validation begins with that validation.

Each of several processes runs this loop on its rows of the batches. A request to stop passes through the step and comes
back in its metrics, so that all processes stop after the same step, usually the next.
"""

import functools
import math
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
from ml_collections import ConfigDict

from colorjax import processes
from colorjax.config.defaults import total_steps
from colorjax.errors import Interrupted, NotFiniteError, UserError
from colorjax.models import build_model
from colorjax.objectives import build_objective
from colorjax.tasks import build_task
from colorjax.training import parallel
from colorjax.training.checkpoints import Checkpoints
from colorjax.training.checks import check, check_start
from colorjax.training.conditioning import conditioning_of_training
from colorjax.training.logging import announce, open_log
from colorjax.training.optimizer import build_optimizer, with_constants
from colorjax.training.preemption import StopRequest
from colorjax.training.state import TrainState, create_state, network_variables, start_from
from colorjax.training.step import make_step
from colorjax.training.workdir import open_workdir, require_same_frozen_weights
from colorjax.weights import load

Validate = Callable[[Any], Mapping[str, float]]
OnValidation = Callable[[int, Mapping[str, float]], None]


def ignore(step: int, metrics: Mapping[str, float]) -> None:
    """Do nothing with a validation (the default callback)."""


def train(
    config: ConfigDict,
    workdir: Path | str,
    data: ModuleType,
    validate: Validate | None = None,
    devices: parallel.Devices | None = None,
    best_metric: str = "psnr",
    on_validation: OnValidation = ignore,
) -> Path:
    """Train the network of `config`, or continue where an earlier call with the same config and workdir stopped.

    Args:
      config: a run's config.
      workdir: folder for all files of the run: config.json, versions.json, history.jsonl, tensorboard/, checkpoints/.
      data: the `datasets` package, or another object with its functions `patches` and `photographs`.
      validate: receives the network's variables (the averaged ones if the run keeps an average) and returns metrics;
        called every `validate_every` steps and at the end.
      devices: the devices of all processes to train on; by default all that jax has.
      best_metric: the metric of `validate` that is highest for the best checkpoint.
      on_validation: receives the step and the metrics of each validation when they are in the history; an exception of
        it ends the run.

    Returns:
      the folder of the last checkpoint.

    Raises:
      UserError: the config is invalid, or the workdir belongs to another config.
      NotFiniteError: the loss, the gradient or the state is no longer finite.
      Interrupted: a signal arrived; a checkpoint is written, and the same call continues from it.
    """
    workdir = Path(workdir)
    devices = list(devices or jax.devices())
    settings = config.training
    check(config, devices)
    steps = total_steps(config)

    task = build_task(config.task)
    model = build_model(config.model, task.output_channels, axis_name=parallel.AXIS)
    objective = build_objective(
        config.objective, model, task, axis_name=parallel.AXIS, side=config.data.get("patch_size", 0)
    )
    network = objective.parts[0]
    frozen = model.frozen()
    optimizer, schedule = build_optimizer(config.optimizer, steps, objective.parts)
    decay = config.optimizer.weight_average
    open_workdir(workdir, config, devices)
    require_same_frozen_weights(workdir, frozen)
    start_weights = load(settings.start_from) if settings.start_from else None

    def create() -> TrainState:
        state = create_state(config.seed, objective, optimizer, averaged=decay > 0, frozen=frozen.variables)
        return start_from(state, start_weights.variables, network) if start_weights else state

    with ExitStack() as stack:
        checkpoints = stack.enter_context(Checkpoints(workdir, config, best_metric, network))
        stop = stack.enter_context(StopRequest())
        start, state = checkpoints.restore(create)
        log = stack.enter_context(open_log(workdir, start, steps, settings.batch_size, settings.log_every))

        def validation_due(step: int) -> bool:
            due = step % settings.validate_every == 0 or step == steps
            return validate is not None and step > 0 and due

        def run_validation(step: int, state: TrainState) -> None:
            variables = jax.device_put(network_variables(state, network), parallel.local(devices)[0])
            with checkpoints.named_when_stopped(), stop.interruptible():
                metrics = validate(variables)
            if best_metric not in metrics:
                raise UserError(f"validation measures {', '.join(metrics)}; the best needs {best_metric!r}")
            log.validation(step, metrics)
            on_validation(step, metrics)

        if validation_due(start) and not processes.from_first(log.validated(start)):
            run_validation(start, state)
        if start == steps:
            announce(f"{workdir}: this run is finished, all its {steps} steps are done")
            return checkpoints.latest()[1]
        if not start and (random := check_start(config, model, task.input_channels)):
            names = ", ".join(random[:5]) + (f" and {len(random) - 5} more" if len(random) > 5 else "")
            announce(f"{workdir}: not in {settings.start_from}, so they begin at random: {names}")
        if start:
            announce(f"{workdir}: going on from the checkpoint of step {start} of {steps}")

        stream = data.patches(
            config.data,
            config.seed,
            settings.batch_size,
            start_step=start,
            steps=steps - start,
            process_index=processes.index(),
            process_count=processes.count(),
        )
        with checkpoints.named_when_stopped(), stop.interruptible():
            conditioning, source = conditioning_of_training(config, model, frozen, task, data)
        step_function = make_step(
            objective,
            optimizer,
            schedule,
            lambda batch, resident: stream.clean(batch, resident["data"]),
            config.seed,
            decay,
            parallel.mean,
            lambda batch, resident, inputs: conditioning(batch, resident["context"], inputs),
            functools.partial(with_constants, config.optimizer),
        )
        train_step = parallel.map_step(step_function, devices)
        resident = parallel.replicate({"data": stream.resident, "context": source}, devices)
        mapped = parallel.replicate(state, devices)
        batches = parallel.prefetch(stack.enter_context(closing(iter(stream))), devices)

        remarks = [""]

        def check_and_log(step: int, metrics: Any) -> int:
            metrics = parallel.first(metrics)
            _require_finite(step, metrics, objective.parts, checkpoints)
            lines = log.train(step, {name: value for name, value in metrics.items() if name != "request"})
            # Said once, and again when it changes: a training in which one part has won stays so for long.
            if lines and (remark := objective.remark(lines)) != remarks[-1]:
                remarks.append(remark)
                if remark:
                    announce(f"{workdir}: WARNING: step {step}: {remark}")
            return int(metrics["request"])

        unseen = None  # the newest step and its metrics, until they are checked
        for step, batch in zip(range(start + 1, steps + 1), batches, strict=True):
            mapped, metrics = train_step(mapped, batch, resident, stop.number)
            request = check_and_log(*unseen) if unseen else 0
            unseen = step, metrics

            validating = validation_due(step)
            if request or validating or step % settings.checkpoint_every == 0 or step == steps:
                request = max(request, check_and_log(*unseen))
                unseen = None
                _require_same_memory(mapped.memory, config)
                state = parallel.first(mapped)
                checkpoints.save(step, state)
            if request:
                name = signal.Signals(request).name
                with checkpoints.named_when_stopped():
                    raise Interrupted(name, name)
            if validating:
                run_validation(step, state)
        return checkpoints.latest()[1]


def _require_same_memory(memory: Any, config: ConfigDict) -> None:
    """Check, before a checkpoint takes it from one device, that the objective's memory is the same on all.

    Raises:
      UserError: it differs, so that a resumed run would not go on as this one.
    """
    if not parallel.same_everywhere(memory):
        raise UserError(
            f"config.objective.name={config.objective.name!r}: its memory differs between devices; it must come from "
            "the whole batch (Objective.over_devices)"
        )


def _require_finite(step: int, metrics: Mapping[str, Any], parts: Sequence[str], checkpoints: Checkpoints) -> None:
    """Raise a `NotFiniteError` if a loss, the gradient or another metric of a step is not finite.

    Of several parts the message names those whose loss is not.
    """
    loss_of = {"loss" if part == parts[0] else f"loss.{part}": part for part in parts}
    bad = [part for name, part in loss_of.items() if not math.isfinite(metrics[name])]
    for name in sorted(metrics, key=lambda name: name != "loss"):  # the loss first, because it tells most
        if not math.isfinite(value := metrics[name]):
            raise NotFiniteError(
                f"step {step}: {_in_words(name, value, bad if len(parts) > 1 else ())}; {checkpoints.describe_last()}; "
                "try a lower config.optimizer.learning_rate, or a config.optimizer.clip_norm"
            )


def _in_words(name: str, value: float, bad: Sequence[str]) -> str:
    return f"loss is {value} ({', '.join(bad)})" if bad and name.startswith("loss") else f"{name} is {value}"
