"""One function for each command of `launch.py`: config in, files out.

They put the parts together (data, task, network, training, methods, evaluation) and know nothing of how a part works.
`data` is the `datasets` package, handed in because colorjax does not import it.
"""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
from ml_collections import ConfigDict
from tqdm import tqdm

from colorjax.config import is_table, load, single_row_table, test_data_config
from colorjax.errors import ColorjaxError, UserError
from colorjax.evaluation.evaluate import Evaluation, evaluate
from colorjax.evaluation.learning_curve import Place
from colorjax.evaluation.protocol import Protocol, build_protocol
from colorjax.evaluation.report import write_table
from colorjax.evaluation.results import fingerprint, load_evaluation, save_evaluation
from colorjax.evaluation.seeds import average
from colorjax.evaluation.statistics import mean_with_interval
from colorjax.images import Photograph
from colorjax.methods import Method, NetworkMethod, build_method
from colorjax.models import build_model, inception_weights
from colorjax.models.context import Frozen, frozen_of
from colorjax.rows import Run, table_runs
from colorjax.tasks import build_task
from colorjax.training import loop
from colorjax.training.checkpoints import load_network
from colorjax.training.logging import announce, read_history
from colorjax.training.workdir import hold_to_frozen, open_workdir, to_plain

SAMPLES = 6  # pictures of each method that a report shows


def run(command: str, arguments: Mapping[str, str], overrides: Sequence[str], data: ModuleType) -> int:
    """Run a command and return the process's exit status; a `ColorjaxError` becomes one line on standard error.

    Args:
      command: a key of `COMMANDS`.
      arguments: of that command, as given; `config` is loaded, with the overrides, and `workdir` made a path.
      overrides: words such as --config.seed=1.
      data: the `datasets` package.
    """
    try:
        arguments = dict(arguments)
        if "config" in arguments:
            arguments["config"] = load(arguments["config"], overrides)
        elif overrides:
            raise UserError(f"unknown argument {overrides[0]!r}")
        if "workdir" in arguments:
            arguments["workdir"] = Path(arguments["workdir"])
        COMMANDS[command](data=data, **arguments)
    except ColorjaxError as error:
        print(f"launch.py {command}: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def prepare(config: ConfigDict, data: ModuleType) -> None:
    """Build the data sets that the config names and print what is in them."""
    print(data.prepare(config.data).describe())
    if config.test_data.name:
        print(data.prepare(test_data_config(config)).describe())


def train(config: ConfigDict, workdir: Path, data: ModuleType) -> None:
    """Train the network of a run config, or go on with it."""
    _require(not is_table(config), "this config describes a table: use the command table, or another variant")
    announce(f"last checkpoint: {_train(config, workdir, data)}")


def evaluate_run(config: ConfigDict, workdir: Path, data: ModuleType) -> None:
    """Measure the best checkpoint of a run beside the trivial rows; the results go to `workdir/evaluation`."""
    _require(not is_table(config), "this config describes a table: use the command table, or another variant")
    open_workdir(workdir, config, jax.local_devices())
    table = single_row_table(config)
    runs = table_runs(table, workdir / "evaluation" / "rows")
    runs["network"] = tuple(dataclasses.replace(run, directory=workdir) for run in runs["network"])
    _measure_rows(table, workdir / "evaluation", runs, data)


def table(config: ConfigDict, workdir: Path, data: ModuleType) -> None:
    """Train each row of a table that is not trained yet, measure all of them, write the table and the report."""
    _require(is_table(config), "this config describes one run: use the commands train and evaluate")
    _require(
        config.reference in config.rows, f"config.reference={config.reference}: no such row in {', '.join(config.rows)}"
    )
    runs = table_runs(config, workdir / "rows")
    every = [run for row in runs.values() for run in row]
    for run in every:  # before anything is trained: a mistake in the last row must not cost the first
        try:
            _check(run.config, data)
            if "model" in run.config:
                hold_to_frozen(run.directory, _frozen(run.config))
        except UserError as error:
            raise UserError(f"row {run.label!r}: {error}") from None
    open_workdir(workdir, config, jax.local_devices())
    for run in every:
        if "model" not in run.config:
            continue
        announce(f"== {run.label}: {run.directory}")
        _train(run.config, run.directory, data)
    _measure_rows(config, workdir, runs, data)


def weights(network: str, source: str, data: ModuleType) -> None:
    """Convert the published weights in the file `source` and say what was read and where it is kept now."""
    del data  # no photographs are needed
    target, converted = CONVERTERS[network](Path(source))
    count = sum(leaf.size for leaf in jax.tree.leaves(converted.variables))
    print(f"read     {converted.origin}: {count:,} numbers, {converted.classes or 'no'} classes")
    print(f"SHA-256  {converted.sha256}")
    print(f"written  {target}")


CONVERTERS = {"inception": inception_weights.convert}
COMMANDS = {"prepare": prepare, "train": train, "evaluate": evaluate_run, "table": table, "weights": weights}


def _train(config: ConfigDict, workdir: Path, data: ModuleType) -> Path:
    _check(config, data)
    split = config.training.validation_split
    photographs = data.photographs(config.data, split)[: config.training.validation_photographs]
    protocol = build_protocol(config.protocol, f"{config.data.name}, {split} split", config.task.name, photographs)
    network = _network(config)

    def validate(variables: Any) -> dict[str, float]:
        evaluation = evaluate(network(variables), build_task(config.task), protocol, photographs)
        return {name: mean_with_interval(evaluation.values(name)).mean for name in evaluation.columns}

    return loop.train(config, workdir, data, validate)


def _check(config: ConfigDict, data: ModuleType) -> None:
    """Raise a `UserError` for a run config whose parts can't be built, before any workdir belongs to it."""
    if "model" in config:
        _network(config)({})
        loop.check(config, jax.local_devices())
    if "model" in config or hasattr(build_method(config.method), "fit"):
        data.photographs(config.data, "train")


def _network(config: ConfigDict):
    """Return a function that makes a method of the network's variables."""
    task = build_task(config.task)
    model = build_model(config.model, task.output_channels)
    frozen = frozen_of(model).variables
    return lambda variables: NetworkMethod(config.model.name, model, variables, task, frozen=frozen, **config.inference)


def _frozen(config: ConfigDict) -> Frozen:
    return frozen_of(build_model(config.model, build_task(config.task).output_channels))


def _measure_rows(config: ConfigDict, directory: Path, runs: dict[str, tuple[Run, ...]], data: ModuleType) -> None:
    """Measure the rows of a table config, each of their runs in its own folder; write and print the table."""
    test_data = test_data_config(config)
    photographs = data.photographs(test_data, config.test_data.split)
    described = f"{test_data.name}, {config.test_data.split} split"
    protocol = build_protocol(config.protocol, described, config.task.name, photographs)
    evaluations, histories, places = {}, {}, {}
    for name, row in config.rows.items():
        first = runs[name][0]
        measured = {run.config.seed: _measure_run(run, protocol, photographs, data) for run in runs[name]}
        evaluations[row.label] = average(measured) if "seeds" in row else measured[first.config.seed]
        if "model" in row:
            histories[row.label] = read_history(first.directory)
        if "series" in row:
            count = len(data.photographs(first.config.data, "train"))
            places[row.label] = Place(row.series, count, first.config.seed)
    reference = config.rows[config.reference].label
    published = config.published.to_dict()
    remarks = _remarks(config, runs)
    print(write_table(directory, config.title, evaluations, reference, protocol, histories, published, remarks, places))
    announce(f"report: {directory / 'report.html'}")


def _remarks(config: ConfigDict, runs: Mapping[str, Sequence[Run]]) -> tuple[str, ...]:
    """Return what nobody who reads a number of this table may miss, a sentence each."""
    labels = {}
    for name, row in config.rows.items():
        if "model" in row and (origin := _frozen(runs[name][0].config).origin):
            labels.setdefault(origin, []).append(f'"{row.label}"')
    return tuple(f"The frozen branch of {', '.join(rows)}: {origin}." for origin, rows in labels.items())


def _measure_run(run: Run, protocol: Protocol, photographs: Sequence[Photograph], data: ModuleType) -> Evaluation:
    if "model" in run.config:
        return _measure_network(run.config, run.directory, run.label, protocol, photographs)
    return _measure_method(run.config, run.directory, run.label, protocol, photographs, data)


def _measure_network(
    config: ConfigDict, workdir: Path, label: str, protocol: Protocol, photographs: Sequence[Photograph]
) -> Evaluation:
    _, variables, step = load_network(workdir)
    frozen = _frozen(config)
    hold_to_frozen(workdir, frozen)
    method = _network(config)(variables)
    announce(f"{label}: the checkpoint of step {step}, the best of its validations")
    settings = {"config": to_plain(config), "step": step, "frozen": frozen.mark}
    checkpoint = workdir / "checkpoints" / str(step)
    return _measure(method, config, label, workdir, protocol, photographs, settings, checkpoint)


def _measure_method(
    config: ConfigDict, workdir: Path, label: str, protocol: Protocol, photographs: Sequence[Photograph], data
) -> Evaluation:
    method = build_method(config.method)
    settings = {key: config[key].to_dict() for key in ("data", "task", "method")}
    if hasattr(method, "fit"):
        method.fit(data.photographs(config.data, "train"))
    return _measure(method, config, label, workdir, protocol, photographs, settings, None)


def _measure(
    method: Method,
    config: ConfigDict,
    label: str,
    directory: Path,
    protocol: Protocol,
    photographs: Sequence[Photograph],
    settings: dict[str, Any],
    checkpoint: Path | None,
) -> Evaluation:
    """Return the evaluation kept in `directory` if nothing it depends on has changed, else measure and keep it."""
    mark = fingerprint(protocol, settings, checkpoint)
    kept = load_evaluation(directory, mark)
    if kept is not None:
        announce(f"{label}: measured already, {directory}")
        return kept

    def progress(pictures):
        return tqdm(pictures, desc=f"measuring {label}", unit="picture", disable=None)

    evaluation = evaluate(method, build_task(config.task), protocol, photographs, SAMPLES, progress)
    save_evaluation(directory, evaluation, mark)
    return evaluation


def _require(condition: bool, line: str) -> None:
    if not condition:
        raise UserError(line)
