"""A comparison of methods, as data and as CSV files.

A `Table` holds all numbers; `table.md`, `table.csv` and `report.html` only format them.
"""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from colorjax.errors import UserError, nearest
from colorjax.evaluation.evaluate import Evaluation
from colorjax.evaluation.protocol import Protocol
from colorjax.evaluation.seeds import describe
from colorjax.evaluation.statistics import LEVEL, RESAMPLES, Estimate, means_with_intervals, paired_differences
from colorjax.methods import Identity, MeanColor
from colorjax.metrics.info import MEASURES
from colorjax.pages.text import write_csv
from colorjax.runtime.atomic import write_atomically
from colorjax.tasks import TASKS

# Sugumar's columns come first, in the order of that paper's Table 1.
_FIRST = ("accuracy", "precision", "sensitivity", "loss", "psnr", "mse")
# Baselines required in every table (the mean color only for colorization); without them the scores cannot be judged.
BASELINES = (Identity.name, MeanColor.name)


@dataclasses.dataclass(frozen=True)
class Column:
    """How a measured quantity is displayed: `scale` times the value, with `digits` decimals.

    `higher_is_better` is None if values near 0 are best.
    """

    name: str
    label: str
    description: str
    higher_is_better: bool | None
    scale: float
    digits: int

    def show(self, value: float, sign: bool = False) -> str:
        """Return the value as text, 'n/a' for NaN; `sign` adds a plus to positive values."""
        return "n/a" if math.isnan(value) else f"{self.scale * value:{'+' if sign else ''}.{self.digits}f}"

    def show_interval(self, estimate: Estimate, sign: bool = False) -> str:
        """Return '[low, high]', or 'n/a' if there is no interval; `sign` as for `show`."""
        if math.isnan(estimate.low):
            return "n/a"
        return f"[{self.show(estimate.low, sign)}, {self.show(estimate.high, sign)}]"


@dataclasses.dataclass(frozen=True)
class Row:
    """A method's estimates by column name.

    `difference` is this row minus the reference row, image by image; None in the reference row itself.
    """

    method: str
    mean: dict[str, Estimate]
    difference: dict[str, Estimate] | None


@dataclasses.dataclass(frozen=True)
class Table:
    """A comparison of methods.

    Attributes:
      title: of the table.
      protocol: under which all rows were measured.
      reference: label of the row that the others are compared with.
      columns: the quantities, in order.
      rows: by label, in order.
      foot: notes below the table that explain the numbers, one sentence each; they include the remarks.
      remarks: warnings that every reader must see, one sentence each.
      costs: of each row the texts of `COSTS`; () if none was taken.
    """

    title: str
    protocol: Protocol
    reference: str
    columns: tuple[Column, ...]
    rows: dict[str, Row]
    foot: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    costs: tuple[tuple[str, ...], ...] = ()


#: Header of `Table.costs`.
COSTS = ("Method", "Weights", "Seconds a megapixel", "Given besides the picture")


def make_table(
    title: str,
    evaluations: Mapping[str, Evaluation],
    protocol: Protocol,
    reference: str,
    remarks: Sequence[str] = (),
) -> Table:
    """Compare evaluations of one protocol with one of them, the reference.

    Args:
      title: of the table.
      evaluations: by the label of the row, in the order of the table.
      protocol: of the measurement.
      reference: label of the row that the others are compared with.
      remarks: warnings that every reader must see, one sentence each.

    Raises:
      UserError: no such reference, a baseline is missing, or the evaluations are not of the same measurement.
    """
    if reference not in evaluations:
        raise UserError(f"config.reference: no row is labelled {reference!r}; {nearest(reference, evaluations)}")
    for trivial in BASELINES if TASKS[protocol.task].colorizes else BASELINES[:1]:
        if trivial not in {evaluation.method for evaluation in evaluations.values()}:
            raise UserError(f"every table has a row for the method {trivial!r}; add it to config.rows")
    first = evaluations[reference]
    ordered = {}
    for label, evaluation in evaluations.items():
        measured = (evaluation.protocol_hash, evaluation.loss, sorted(row["hash"] for row in evaluation.rows))
        if measured != (protocol.with_told(evaluation.told).hash, first.loss, list(protocol.pictures)):
            raise UserError(
                f"the row {label!r} was measured under another protocol, on other pictures or with another loss"
            )
        # Sorted, because differences compare rows of the same image, in whatever order they were measured.
        ordered[label] = dataclasses.replace(evaluation, rows=tuple(sorted(evaluation.rows, key=_picture)))
    columns = tuple(_column(name, first.loss, protocol) for name in _in_order(first.columns))
    weights = picture_weights(ordered[reference], protocol)
    names = [column.name for column in columns]
    values = {k: np.stack([evaluation.values(name) for name in names], axis=1) for k, evaluation in ordered.items()}
    rows = {}
    for label, evaluation in ordered.items():
        means = means_with_intervals(values[label], weights)
        differences = paired_differences(values[label], values[reference], weights)
        rows[label] = Row(
            evaluation.method,
            dict(zip(names, means, strict=True)),
            None if label == reference else dict(zip(names, differences, strict=True)),
        )
    told = [_told(label, e, protocol) for label, e in evaluations.items() if e.told]
    seeds = [describe(label, e.by_seed) + "." for label, e in evaluations.items() if e.by_seed]
    foot = _foot(protocol, columns, rows, told, seeds, remarks)
    return Table(title, protocol, reference, columns, rows, foot, tuple(remarks), _costs(evaluations))


def picture_weights(evaluation: Evaluation, protocol: Protocol) -> np.ndarray | None:
    """Return the weight of each image in a mean, `[n]`; None if all weights are equal."""
    if protocol.averaging == "picture":
        return None
    cut = 2 * protocol.border
    return np.array([(row["height"] - cut) * (row["width"] - cut) for row in evaluation.rows], np.float64)


def write_files(table: Table, evaluations: Mapping[str, Evaluation], directory: Path) -> None:
    """Write table.csv (a row per method), pictures.csv (a row per method and image) and protocol.json."""
    write_atomically(directory / "protocol.json", json.dumps(table.protocol.as_dict(), indent=1) + "\n")
    names = [column.name for column in table.columns]
    parts = ("", "_low", "_high", "_count", "_difference", "_difference_low", "_difference_high")
    lines = [["row", "method", *(name + part for name in names for part in parts)]]
    for label, row in table.rows.items():
        line = [label, row.method]
        for name in names:
            line += row.mean[name]
            line += ["", "", ""] if row.difference is None else row.difference[name][:3]
        lines.append(line)
    write_csv(directory / "table.csv", lines)
    if table.costs:
        write_csv(
            directory / "costs.csv", [["row", "weights", "seconds_per_megapixel", "told"], *_cost_lines(evaluations)]
        )
    about = ["picture", "hash", "height", "width"]
    lines = [["row", "method", *about, *names]]
    for label, evaluation in evaluations.items():
        lines += [[label, evaluation.method, *(row[key] for key in about + names)] for row in evaluation.rows]
    write_csv(directory / "pictures.csv", lines)


def _cost_lines(evaluations: Mapping[str, Evaluation]) -> list[list]:
    costs = ((label, e.cost or ("", ""), " and ".join(e.told)) for label, e in evaluations.items())
    return [[label, *cost, told] for label, cost, told in costs]


def _costs(evaluations: Mapping[str, Evaluation]) -> tuple[tuple[str, ...], ...]:
    if not any(evaluation.cost for evaluation in evaluations.values()):
        return ()
    lines = []
    for label, evaluation in evaluations.items():
        weights, seconds = evaluation.cost or (None, math.nan)
        shown = "n/a" if weights is None else f"{weights:,}"
        taken = "n/a" if math.isnan(seconds) else f"{seconds:.3g}"
        lines.append((label, shown, taken, " and ".join(evaluation.told) or "nothing"))
    return tuple(lines)


def _in_order(names):
    return [name for name in _FIRST if name in names] + [name for name in names if name not in _FIRST]


def _column(name, loss, protocol):
    if name == "loss":
        description = (
            f"{loss}, the task's own training loss, over the whole picture before clipping, rounding and cutting; of "
            "a network's own outputs, and for the other rows of their picture turned back into such outputs (which "
            "has lost what sRGB cannot show)"
        )
    else:
        description = _described(name, protocol)
    measure = MEASURES[name]
    return Column(name, measure.title, description, measure.higher_is_better, measure.scale, measure.digits)


def _described(name, protocol):
    """Return the description of a metric, with the protocol's setting for it if there is one."""
    if name == "accuracy":
        distance = f"{protocol.accuracy_distance:g}"
        return f"share of the pixels whose ab (CIE Lab, D65) lies within {distance} of the true ab"
    if name == "ssim":
        window = f"Gaussian window of {protocol.ssim_window}x{protocol.ssim_window}, sigma {protocol.ssim_sigma:g}"
        return f"structural similarity (Wang et al. 2004), {window}, mean of the channels"
    if name == "psnr":
        ceiling = f"{protocol.psnr_ceiling:g} dB"
        return f"{MEASURES[name].description}; a picture restored without any error counts as {ceiling}"
    return MEASURES[name].description


def _picture(row):
    return row["hash"], row["picture"]


def _told(label, evaluation, protocol):
    """Return the note on the side information that the method of the row `label` received."""
    hash_ = protocol.with_told(evaluation.told).hash
    return f"{label} is told {' and '.join(evaluation.told)}; with this its protocol has the hash {hash_}."


def _foot(protocol, columns, rows, told, seeds, remarks):
    lines = [f"Protocol {protocol.name}, hash {protocol.hash}: {protocol.describe()}."]
    lines += [*remarks, *told, *seeds]
    lines += [f"{column.label}: {column.description}." for column in columns]
    names = {column.name for column in columns}
    if "accuracy" in names:
        lines.append(
            "Accuracy, precision and sensitivity are defined here on the ab plane in steps of 10, because the paper "
            "does not define its own: its figures are not the same quantities."
        )
    undefined = {c.label: len(protocol.pictures) - next(iter(rows.values())).mean[c.name].count for c in columns}
    lines += [
        f"{label} is not defined on {count} of the pictures (smaller than its window), which its mean leaves out."
        for label, count in undefined.items()
        if count
    ]
    lines.append(
        f"Intervals: {LEVEL:.0%}, percentile bootstrap over pictures, {RESAMPLES:,} seeded resamples; n/a with fewer "
        "than two pictures. Differences are means over pictures of this row minus the reference; * where the interval "
        "does not hold zero."
    )
    if seeds:
        lines[-1] += " All these intervals are over pictures alone: the chance in the seeds is not in them."
    return tuple(lines)
