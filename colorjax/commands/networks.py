"""Build, check and train the network of a run config, for the commands that need it."""

from collections.abc import Mapping
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
from colorjax.objectives import OBJECTIVES
from colorjax.runs.requeue import WARNINGS, note_start, requeue
from colorjax.runs.run_state import Heartbeat, read_state
from colorjax.tables.training_samples import PHOTOGRAPHS, save_samples
from colorjax.tasks import build_task
from colorjax.training import checks, loop
from colorjax.training.loop import OnValidation, ignore
from colorjax.training.workdir import require_same_config


def train_network(config: ConfigDict, workdir: Path, data: ModuleType, on_validation: OnValidation = ignore) -> Path:
    """Train the network of a run config, or continue its training; return the folder of its last checkpoint.

    Args:
      config: of the run.
      workdir: the run's folder.
      data: the `datasets` package.
      on_validation: as for `loop.train`.

    Raises:
      UserError: the folder belongs to another run, another process trains it, or a part of the config is impossible.
      Interrupted: a signal came, and a checkpoint was written.
    """
    require_same_config(workdir, config)  # before the state of another run could be overwritten
    new = processes.from_first(not workdir.is_dir())
    if new:  # checked before the folder is made, so that a mistake leaves no folder behind
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

        # Where parts work against each other, the numbers say little: pictures are kept of each validation.
        watched = PHOTOGRAPHS if len(OBJECTIVES[config.objective.name].parts) > 1 else 0
        samples = []

        def validate(variables: Any) -> dict[str, float]:
            evaluation = evaluate(network(variables), build_task(config.task), protocol, photographs, watched)
            samples[:] = evaluation.samples
            return {name: mean_with_interval(evaluation.values(name)).mean for name in evaluation.columns}

        def validated(step: int, metrics: Mapping[str, float]) -> None:
            if processes.is_first():
                save_samples(workdir, step, samples)
            on_validation(step, metrics)

        return loop.train(config, workdir, data, validate, on_validation=validated)


def train_in_queue(
    config: ConfigDict, workdir: Path, data: ModuleType, attempts: int, on_validation: OnValidation = ignore
) -> Path:
    """Train as `train_network` does; a Slurm job goes back into the queue when its time is up.

    Args:
      config: of the run.
      workdir: the run's folder.
      data: the `datasets` package.
      attempts: give up after this number of starts in a row without a new checkpoint; 0 to never requeue.
      on_validation: as for `loop.train`.

    Returns:
      The folder of the last checkpoint.

    Raises:
      UserError: as `train_network` and `note_start`.
      ColorjaxError: as `requeue`.
      Interrupted: a signal came, and a checkpoint was written.
    """
    attempts = attempts if processes.is_first() else 0  # only process 0 counts starts and requeues the job
    if attempts:
        note_start(workdir, attempts)
    try:
        return train_network(config, workdir, data, on_validation)
    except Interrupted as stop:
        if attempts and stop.signal in WARNINGS:
            requeue(workdir, read_state(workdir))
        raise


def _check_in_turn(config: ConfigDict, data: ModuleType) -> None:
    with processes.first_then_rest():  # the other processes then find the data set prepared
        check(config, data)


def check(config: ConfigDict, data: ModuleType) -> None:
    """Check, before a workdir is made, that all parts of a run config can be built.

    Raises:
      UserError: they can't.
    """
    check_settings(config)
    if "model" in config:
        checks.check_objective(config, len(data.photographs(config.data, "train").classes))
        return
    method = build_method(config.method)
    method.fingerprint()  # reads the files that it needs
    if method.learns():
        method.check_training(data.photographs(config.data, "train"))
    elif "references" in method.needs:
        data.photographs(config.data, "train")


def check_settings(config: ConfigDict) -> None:
    """Do the part of `check` that needs no photographs.

    Raises:
      UserError: a part of the config can't be built.
    """
    if "method" in config:
        _check_method(build_method(config.method), config)
    if "model" in config:
        network_of(config)({})
        checks.check(config, jax.devices())


def _check_method(method: Method, config: ConfigDict) -> None:
    """Check that a method can be measured on the config's task.

    Raises:
      UserError: it can't.
    """
    if config.task.name in method.tasks:
        return
    told = f", which is told {NEEDS[min(method.needs)]}," if method.needs else ""
    which = f"config.method.weights={config.method.weights!r}" if "weights" in config.method else "config.method"
    raise UserError(
        f"{which}: the method {method.name!r}{told} can't be measured on the task {config.task.name!r}; it is for "
        f"{', '.join(sorted(method.tasks))}"
    )


def network_of(config: ConfigDict):
    """Return a function that takes variables of the config's network and returns a `NetworkMethod`."""
    task = build_task(config.task)
    model = build_model(config.model, task.output_channels)
    frozen = model.frozen().variables
    return lambda variables: NetworkMethod(config.model.name, model, variables, task, frozen=frozen, **config.inference)


def frozen_of_config(config: ConfigDict) -> FrozenWeights:
    """Return the frozen weights of a run config's network."""
    return build_model(config.model, build_task(config.task).output_channels).frozen()
