"""Learning curves: the quality of a method against the number of photographs that it was trained on."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from colorjax.evaluation.evaluate import Evaluation
from colorjax.evaluation.statistics import Estimate, mean_over_seeds, means_over_pictures
from colorjax.pages.text import write_csv
from colorjax.tables.table import Table, picture_weights


class Place(NamedTuple):
    """The place of a row on a curve.

    Attributes:
      series: name of the curve.
      photographs: number of training photographs.
      seed: of the run, for a row of one run.
    """

    series: str
    photographs: int
    seed: int


@dataclasses.dataclass(frozen=True)
class Point:
    """One row on a learning curve; `means` are means over images, by seed and then by column name."""

    series: str
    row: str
    photographs: int
    means: dict[int, dict[str, float]]

    def estimate(self, column: str) -> Estimate:
        """Return the mean over the seeds with its interval; with one seed there is no interval (NaN)."""
        return mean_over_seeds([means[column] for means in self.means.values()])


def data_curves(
    table: Table, evaluations: Mapping[str, Evaluation], places: Mapping[str, Place]
) -> dict[str, list[Point]]:
    """Return the points of each series, sorted by their number of photographs.

    Args:
      table: of the same evaluations.
      evaluations: by label; for an average over seeds, the evaluations of each seed are used.
      places: by label, for the rows that are on a curve.
    """
    curves = {}
    for label, place in places.items():
        runs = evaluations[label].by_seed or {place.seed: evaluations[label]}
        means = {seed: _means(run, table) for seed, run in runs.items()}
        curves.setdefault(place.series, []).append(Point(place.series, label, place.photographs, means))
    return {series: sorted(points, key=lambda point: point.photographs) for series, points in curves.items()}


def write_data_curves(curves: Mapping[str, Sequence[Point]], table: Table, path: Path) -> None:
    """Write a CSV file with a line for each row and seed: the means over images of every column.

    Args:
      curves: from `data_curves`.
      table: of the same rows.
      path: the file.
    """
    names = [column.name for column in table.columns]
    lines = [["series", "row", "photographs", "seed", *names]]
    for points in curves.values():
        for point in points:
            for seed, means in point.means.items():
                about = [point.series, point.row, point.photographs, seed]
                lines.append([*about, *(means[name] for name in names)])
    write_csv(path, lines)


def _means(evaluation, table):
    names = [column.name for column in table.columns]
    values = np.stack([evaluation.values(name) for name in names], axis=1)
    means = means_over_pictures(values, picture_weights(evaluation, table.protocol))
    return dict(zip(names, means.tolist(), strict=True))
