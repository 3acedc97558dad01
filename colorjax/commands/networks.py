"""The network of a run config, and the training of it, for the commands that need them."""

from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
from ml_collections import ConfigDict

from colorjax import processes
from colorjax.errors import Interrupted, UserError
from colorjax.evaluation.evaluate import evaluate
from colorjax.evaluation.protocol import build_protocol
from colorjax.evaluation.statistics import mean_with_interval
from colorjax.methods import Method, NetworkMethod, build_method
from colorjax.methods.method import NEEDS
from colorjax.models import build_model
from colorjax.models.network import FrozenWeights
from colorjax.runs.requeue import WARNINGS, note_start, requeue
from colorjax.runs.run_state import Heartbeat, read_state
from colorjax.tasks import build_task
from colorjax.training import checks, loop
from colorjax.training.loop import OnValidation, ignore
from colorjax.training.workdir import require_same_config


def train_network(config: ConfigDict, workdir: Path, data: ModuleType, on_validation: OnValidation = ignore) -> Path:
    """Train the network of a run config, or go on with it; return the folder of its last checkpoint."""
    require_same_config(workdir, config)  # the state of another run is not ours to write
    new = processes.from_first(not workdir.is_dir())
    if new:  # then a mistake leaves no folder behind
        _check_in_turn(config, data)
    with ExitStack() as stack:
        if processes.is_first():
            workdir.mkdir(parents=True, exist_ok=True)
            beat = stack.enter_context(Heartbeat(workdir))
            stack.enter_context(processes.on_peer_failure(beat.fail))
        if not new:
            _check_in_turn(config, data)
        split = config.training.validation_split
        photographs = data.photographs(config.data, split)[: config.training.validation_photographs]
        protocol = build_protocol(config.protocol, f"{config.data.name}, {split} split", config.task.name, photographs)
        network = network_of(config)

        def validate(variables: Any) -> dict[str, float]:
            evaluation = evaluate(network(variables), build_task(config.task), protocol, photographs)
            return {name: mean_with_interval(evaluation.values(name)).mean for name in evaluation.columns}

        return loop.train(config, workdir, data, validate, on_validation=on_validation)


def train_in_queue(
    config: ConfigDict, workdir: Path, data: ModuleType, attempts: int, on_validation: OnValidation = ignore
) -> Path:
    """Train as `train_network` does, in a job of Slurm that goes back into the queue when its time is up.

    Args:
      config: of the run.
      workdir: its folder.
      data: the `datasets` package.
      attempts: give up after so many starts in a row without a new checkpoint. 0: this is no such job.
      on_validation: as for `loop.train`.
    """
    attempts = attempts if processes.is_first() else 0  # a job is put back once, and its starts counted once
    if attempts:
        note_start(workdir, attempts)
    try:
        return train_network(config, workdir, data, on_validation)
    except Interrupted as stop:
        if attempts and stop.signal in WARNINGS:
            requeue(workdir, read_state(workdir))
        raise


def _check_in_turn(config: ConfigDict, data: ModuleType) -> None:
    with processes.first_then_rest():  # which find the data set prepared
        check(config, data)


def check(config: ConfigDict, data: ModuleType) -> None:
    """Raise a `UserError` for a run config whose parts can't be built, before any workdir belongs to it."""
    check_settings(config)
    if "model" in config or build_method(config.method).learns():
        data.photographs(config.data, "train")


def check_settings(config: ConfigDict) -> None:
    """Do what of `check` needs no photographs."""
    if "method" in config:
        _check_method(build_method(config.method), config)
    if "model" in config:
        network_of(config)({})
        checks.check(config, jax.devices())


def _check_method(method: Method, config: ConfigDict) -> None:
    """Raise a `UserError` for a method that can't be measured on the config's task."""
    if config.task.name in method.tasks:
        return
    told = f", which is told {NEEDS[min(method.needs)]}," if method.needs else ""
    which = f"config.method.weights={config.method.weights!r}" if "weights" in config.method else "config.method"
    raise UserError(
        f"{which}: the method {method.name!r}{told} can't be measured on the task {config.task.name!r}; it is for "
        f"{', '.join(sorted(method.tasks))}"
    )


def network_of(config: ConfigDict):
    """Return a function that makes a method of the network's variables."""
    task = build_task(config.task)
    model = build_model(config.model, task.output_channels)
    frozen = model.frozen().variables
    return lambda variables: NetworkMethod(config.model.name, model, variables, task, frozen=frozen, **config.inference)


def frozen_of_config(config: ConfigDict) -> FrozenWeights:
    """Return the frozen weights of a run config's network."""
    return build_model(config.model, build_task(config.task).output_channels).frozen()
