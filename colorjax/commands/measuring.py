"""Measure the rows of a table, for the commands evaluate and table.

Of several processes, only process 0 reads and writes results. It sends the others what they need in order to measure;
they need no results.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ml_collections import ConfigDict
from tqdm import tqdm

from colorjax import processes, weights
from colorjax.commands.networks import frozen_of_config, network_of
from colorjax.config.defaults import test_data_config
from colorjax.config.rows import Run
from colorjax.config.serialization import to_plain
from colorjax.errors import UserError
from colorjax.evaluation.evaluate import Evaluation, evaluate
from colorjax.evaluation.protocol import Protocol, build_protocol
from colorjax.evaluation.results_cache import fingerprint, load_evaluation, save_evaluation
from colorjax.evaluation.sample import chosen
from colorjax.evaluation.seeds import average
from colorjax.evaluation.side_information import SideInformation
from colorjax.methods import Method, build_method
from colorjax.models import build_model
from colorjax.pictures.images import Photograph, hash_of_all
from colorjax.runs.history import read_history
from colorjax.tables.data_curve import Place
from colorjax.tables.report import write_table
from colorjax.tables.training_samples import find_samples
from colorjax.tasks import ColorizeBins, Task, build_task
from colorjax.training.checkpoints import load_network
from colorjax.training.logging import announce
from colorjax.training.workdir import require_same_frozen_weights

SAMPLES = 6  # images of each method that a report shows
MOST_SAMPLES = 5  # validations of a training whose sample pictures are in the report


def measure_rows(
    config: ConfigDict, directory: Path, runs: dict[str, tuple[Run, ...]], data: ModuleType
) -> tuple[Protocol, dict[str, Evaluation]]:
    """Measure the rows of a table config, then write and print the table; return its protocol and evaluations by label.

    Args:
      config: of the table.
      directory: folder for the table and the report.
      runs: row -> its runs, each measured in its own folder.
      data: the `datasets` package.

    Returns:
      The protocol, and the evaluations by label; of several processes only process 0 has them.

    Raises:
      UserError: photographs, a checkpoint or weights are missing or unusable.
    """
    test_data = test_data_config(config)
    with processes.first_then_rest():  # the other processes then find the data set prepared
        photographs = chosen(data.photographs(test_data, config.test_data.split), config.test_data.photographs)
    described = f"{test_data.name}, {config.test_data.split} split"
    protocol = build_protocol(config.protocol, described, config.task.name, photographs)
    evaluations, histories, samples, places = {}, {}, {}, {}
    for name, row in config.rows.items():
        first = runs[name][0]
        loss = config.task.loss  # of the table: rows may have been trained with others
        try:
            measured = {run.config.seed: _measure_run(run, protocol, loss, photographs, data) for run in runs[name]}
        except UserError as error:
            raise UserError(f"row {row.label!r}: {error}") from None
        if not processes.is_first():
            continue
        evaluations[row.label] = average(measured) if "seeds" in row else measured[first.config.seed]
        if "model" in row:
            histories[row.label] = read_history(first.directory)
            samples[row.label] = find_samples(first.directory, MOST_SAMPLES)
        if "series" in row:
            count = len(data.photographs(first.config.data, "train"))
            places[row.label] = Place(row.series, count, first.config.seed)
    if not processes.is_first():
        return protocol, evaluations
    reference = config.rows[config.reference].label
    published = config.published.to_dict()
    remarks = _remarks(config, runs)
    told = directory, config.title, evaluations, reference, protocol, histories, published, remarks, places, samples
    print(write_table(*told))
    announce(f"report: {directory / 'report.html'}")
    return protocol, evaluations


def _remarks(config: ConfigDict, runs: Mapping[str, Sequence[Run]]) -> tuple[str, ...]:
    """Return the warnings to print below the table, one sentence each."""
    labels = {}
    for name, row in config.rows.items():
        if "model" in row and (origin := frozen_of_config(runs[name][0].config).origin):
            labels.setdefault(origin, []).append(f'"{row.label}"')
    frozen = [f"The frozen branch of {', '.join(rows)}: {origin}." for origin, rows in labels.items()]
    return (*frozen, *_remarks_on_bins(config, runs))


def _remarks_on_bins(config: ConfigDict, runs: Mapping[str, Sequence[Run]]) -> list[str]:
    """Return how many bins of ab the networks choose from that predict a distribution, one sentence for each number."""
    labels = {}
    for name, row in config.rows.items():
        task = build_task(runs[name][0].config.task)
        if "model" in row and isinstance(task, ColorizeBins):
            labels.setdefault((task.output_channels, runs[name][0].config.task.bins), []).append(f'"{row.label}"')
    return [
        f"The colors of {', '.join(rows)} are chosen among {count} bins of ab, {file or 'those of this project'}."
        for (count, file), rows in labels.items()
    ]


def _measure_run(
    run: Run, protocol: Protocol, loss: str, photographs: Sequence[Photograph], data: ModuleType
) -> Evaluation | None:
    if "model" not in run.config:
        return _measure_method(run, protocol, loss, photographs, data)
    if run.weights:
        return _measure_weights(run, protocol, loss, photographs)
    return _measure_network(run, protocol, loss, photographs)


def _measure_network(run: Run, protocol: Protocol, loss: str, photographs: Sequence[Photograph]) -> Evaluation | None:
    config, workdir = run.config, run.directory
    # Only process 0 reads the checkpoint, because a shared file system may show a new file to other machines later.
    variables, step = processes.from_first(load_network(workdir)[1:] if processes.is_first() else None)
    frozen = frozen_of_config(config)
    require_same_frozen_weights(workdir, frozen)
    method = network_of(config)(variables)
    announce(f"{run.label}: the checkpoint of step {step}, the best of its validations")
    settings = {"config": to_plain(config), "step": step, "frozen": frozen.fingerprint}
    checkpoint = workdir / "checkpoints" / str(step)
    return _measure(method, run, protocol, loss, photographs, settings, checkpoint)


def _measure_weights(run: Run, protocol: Protocol, loss: str, photographs: Sequence[Photograph]) -> Evaluation | None:
    trained = load_weights(run.config, run.weights)
    announce(f"{run.label}: the weights {trained.name}, of step {trained.step}")
    settings = {"config": to_plain(run.config), "weights": trained.sha256}
    method = network_of(run.config)(trained.variables)
    return _measure(method, run, protocol, loss, photographs, settings)


def load_weights(config: ConfigDict, source: str) -> weights.TrainedNetwork:
    """Return trained weights for the network of a config.

    Args:
      config: of the run.
      source: the name of bundled weights, or a file.

    Raises:
      UserError: the weights can't be read, or are for another network.
    """
    trained = weights.load(source)
    task = build_task(config.task)
    model = build_model(config.model, task.output_channels)
    weights.require_model_variables(trained.variables, model, task.input_channels, f"--weights={source}")
    return trained


def _measure_method(
    run: Run, protocol: Protocol, loss: str, photographs: Sequence[Photograph], data: ModuleType
) -> Evaluation | None:
    config = run.config
    method = build_method(config.method)
    settings = {key: config[key].to_dict() for key in ("data", "task", "method")}
    settings["fingerprint"] = method.fingerprint()
    training = data.photographs(config.data, "train") if method.learns() else ()
    if method.learns():
        settings["learned_from"] = hash_of_all(training)
    references = data.photographs(config.data, "train") if "references" in method.needs else ()
    return _measure(method, run, protocol, loss, photographs, settings, None, training, references)


def _measure(
    method: Method,
    run: Run,
    protocol: Protocol,
    loss: str,
    photographs: Sequence[Photograph],
    settings: dict[str, Any],
    checkpoint: Path | None = None,
    training: Sequence[Photograph] = (),
    references: Sequence[Photograph] = (),
) -> Evaluation | None:
    """Return the evaluation saved in the run's folder if nothing that it depends on has changed; else make and save it.

    Of several processes only process 0 is sure to receive the evaluation; the others may receive None.

    Args:
      method: to measure.
      run: of the method.
      protocol: how to measure.
      loss: of the protocol's task, by which all rows are measured.
      photographs: to measure on.
      settings: everything else that the evaluation depends on.
      checkpoint: folder of the checkpoint, if there is one.
      training: photographs that a method must learn from before it is measured.
      references: color photographs for methods that need them.
    """
    label, directory = run.label, run.directory
    task = _measured_task(run.config.task, protocol, loss)
    settings = settings | {"loss": loss}
    digest = kept = told = None
    if processes.is_first():
        told = list(SideInformation(method, protocol, references).told)
    told = processes.from_first(told)
    side_information = SideInformation(method, protocol, references, tuple(told))
    if processes.is_first():
        digest = fingerprint(side_information.protocol, settings, checkpoint)
        kept = load_evaluation(directory, digest)
    if processes.from_first(kept is not None):
        announce(f"{label}: measured already, {directory}")
        return kept

    if method.learns():
        method.fit(training)
    if line := method.remark((protocol.noise_kind, protocol.noise_level)):
        announce(f"{label}: {line}")

    def progress(numbers):
        return tqdm(numbers, desc=f"measuring {label}", unit="picture", disable=None if processes.is_first() else True)

    evaluation = evaluate(method, task, protocol, photographs, SAMPLES, progress, side_information)
    if processes.is_first():
        save_evaluation(directory, evaluation, digest)
    return evaluation


def _measured_task(config: Mapping[str, Any], protocol: Protocol, loss: str) -> Task:
    """Return the protocol's task with the loss `loss`, or the row's if it can't be measured as that."""
    task = build_task(config)
    if protocol.task == task.name:
        return build_task({**config, "loss": loss})
    if protocol.task == task.measured_as:
        return build_task({**config, "name": protocol.task, "loss": loss, "bins": ""})
    return task
