"""Combine the runs of one row with several seeds into one evaluation: each image's numbers are means over the seeds."""

from collections.abc import Mapping

import numpy as np

from colorjax.errors import UserError
from colorjax.evaluation.evaluate import Evaluation
from colorjax.pages.text import counted


def average(evaluations: Mapping[int, Evaluation]) -> Evaluation:
    """Return the average over seeds of evaluations on the same images.

    Args:
      evaluations: by seed; at least one.

    Returns:
      An evaluation with the numbers of each image averaged over the seeds (NaN where one of them is), the images in the
      order of the first evaluation, its samples, and the given evaluations as `by_seed`.

    Raises:
      UserError: the evaluations have different methods, protocols, losses, columns or images.
    """
    (first_seed, first), *_ = evaluations.items()
    ordered = {seed: sorted(evaluation.rows, key=_picture) for seed, evaluation in evaluations.items()}
    for seed, evaluation in evaluations.items():
        if _measurement(evaluation) != _measurement(first):
            raise UserError(
                f"seeds {first_seed} and {seed} can't be averaged: they were measured under different protocols, on "
                "different pictures, or are not of one method and loss"
            )
    places = sorted(range(len(first.rows)), key=lambda i: _picture(first.rows[i]))
    rows = [dict(row) for row in first.rows]
    for place, same_picture in zip(places, zip(*ordered.values(), strict=True), strict=True):
        for column in first.columns:
            rows[place][column] = float(np.mean([row[column] for row in same_picture]))
    return Evaluation(
        first.method,
        first.loss,
        first.protocol_hash,
        first.columns,
        tuple(rows),
        first.samples,
        first.told,
        dict(evaluations),
        first.cost,
    )


def describe(label: str, seeds: Mapping[int, Evaluation]) -> str:
    """Return the note below a table that names the seeds of the row `label`."""
    numbers = ", ".join(map(str, seeds))
    return f"{label}: mean of {counted(len(seeds), 'seed')} ({numbers})"


def _measurement(evaluation):
    pictures = sorted((_picture(row), row["height"], row["width"]) for row in evaluation.rows)
    return evaluation.method, evaluation.protocol_hash, evaluation.loss, tuple(evaluation.columns), pictures


def _picture(row):
    return row["hash"], row["picture"]
