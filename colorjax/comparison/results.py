"""The results of runs, and groups of runs that differ only in the seed.

A run's values are those of its best checkpoint, at the validated step with the highest PSNR. Only runs that are done
count in a mean, since the others might still have improved.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from colorjax.comparison import settings
from colorjax.config.keys import KEYS, Bears
from colorjax.errors import UserError, nearest
from colorjax.metrics.info import MEASURES, Measure
from colorjax.runs.find import FoundRun
from colorjax.runs.status import RunStatus, run_status

# The settings that change what a validation measures.
_OF_VALIDATION = tuple(key for key, bears in KEYS.items() if bears & Bears.VALIDATION)


class Summary(NamedTuple):
    """Mean and standard deviation (over n - 1) of `count` values; NaN if there are too few values."""

    mean: float
    deviation: float
    count: int


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of one run.

    Attributes:
      status: its state and progress.
      settings: all its settings by their full names.
      curve: the validation lines of its history.
      values: its metrics at the step of its best checkpoint.
    """

    status: RunStatus
    settings: dict[str, Any]
    curve: list[dict[str, Any]]
    values: dict[str, float]

    @property
    def done(self) -> bool:
        """Whether the run is done, and so counts in a mean."""
        return self.status.state == "done"

    def value(self, metric: str) -> float:
        """Return the value of a metric; NaN if the run does not have it."""
        return self.values.get(metric, math.nan)


@dataclasses.dataclass(frozen=True)
class Group:
    """Runs with the same values of the settings that they are grouped by.

    Attributes:
      settings: these values, one for each key.
      results: the runs.
    """

    settings: tuple[Any, ...]
    results: tuple[Result, ...]

    def summary(self, metric: str) -> Summary:
        """Return the mean and deviation of a metric over the runs that are done."""
        values = [result.value(metric) for result in self.results if result.done]
        values = [value for value in values if not math.isnan(value)]
        if not values:
            return Summary(math.nan, math.nan, 0)
        mean = math.fsum(values) / len(values)
        squares = math.fsum((value - mean) ** 2 for value in values)
        return Summary(mean, math.sqrt(squares / (len(values) - 1)) if len(values) > 1 else math.nan, len(values))


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The comparison of the runs in a folder.

    Attributes:
      title: of the page.
      results: one per run, sorted by name.
      differing: the settings that differ between the runs.
      keys: those of `differing` that are neither the seed nor a setting that follows it.
      by: the settings that the groups are made by.
      metric: the metric that sorts the groups, the best first.
      metrics: all metrics of the validations.
      groups: the runs, grouped by `by`.
      remarks: warnings to show with the numbers, one sentence each.
    """

    title: str
    results: tuple[Result, ...]
    differing: tuple[str, ...]
    keys: tuple[str, ...]
    by: tuple[str, ...]
    metric: str
    metrics: tuple[str, ...]
    groups: tuple[Group, ...]
    remarks: tuple[str, ...]

    @property
    def measured(self) -> list[Result]:
        """The results that have a value of the metric."""
        return [result for result in self.results if not math.isnan(result.value(self.metric))]

    @property
    def measure(self) -> Measure:
        """The description of the metric."""
        return MEASURES[self.metric]


def compare(title: str, runs: Iterable[FoundRun], metric: str = "psnr", by: str | None = None) -> Comparison:
    """Return the comparison of runs.

    Args:
      title: of the page.
      runs: at least one run.
      metric: the metric of the validations to sort by.
      by: the only setting to group by; None to group by all that differ except the seed.

    Raises:
      UserError: no run has this setting, or no run was validated by this metric.
    """
    results = tuple(map(result_of, runs))
    every = [result.settings for result in results]
    measured = {name for result in results for line in result.curve for name in line}
    metrics = tuple(name for name in MEASURES if name in measured)
    if metric not in (metrics or MEASURES):
        raise UserError(f"--metric={metric}: no run was validated by it; {nearest(metric, metrics or MEASURES)}")
    differing = tuple(settings.differing(every))
    keys = tuple(settings.swept(differing, every))
    chosen = keys if by is None else (settings.whole_name(by, every),)
    groups = sorted(grouped(results, chosen), key=lambda group: _rank(MEASURES[metric], group.summary(metric).mean))
    remarks = tuple(_remarks(results, differing, metric))
    return Comparison(title, results, differing, keys, chosen, metric, metrics, tuple(groups), remarks)


def result_of(run: FoundRun) -> Result:
    """Return the result of a run."""
    status = run_status(run)
    curve = [line for line in run.history if line["kind"] == "validation"]
    at_best = {line["step"]: line for line in curve}.get(status.best_step, {})
    values = {name: math.nan if at_best[name] is None else at_best[name] for name in MEASURES if name in at_best}
    return Result(status, run.settings, curve, values)


def grouped(results: Iterable[Result], keys: Sequence[str]) -> list[Group]:
    """Return the results grouped by the values of `keys`; the groups are in the order of their first results."""
    groups = {}
    for result in results:
        groups.setdefault(_values(result.settings, keys), []).append(result)
    return [Group(values, tuple(members)) for values, members in groups.items()]


def _values(of: Mapping[str, Any], keys: Sequence[str]) -> tuple[Any, ...]:
    return tuple(settings.hashable(of.get(key, settings.MISSING)) for key in keys)


def _rank(measure: Measure, value: float) -> tuple[bool, float]:
    return (True, 0.0) if math.isnan(value) else (False, -measure.merit(value))


def _remarks(results: Sequence[Result], differing: Sequence[str], metric: str) -> Iterable[str]:
    kinds = {*_OF_VALIDATION, *(["task.loss"] if metric == "loss" else [])}
    apart = [key for key in differing if key in kinds]
    if apart:
        yield f"The validations of these runs do not all measure the same: {', '.join(apart)} differ."
    twice = len(results) - len(grouped(results, differing))
    if twice:
        yield (
            f"{twice} of the {len(results)} runs have the settings of another, seed and all: they are no more seeds, "
            "yet they count as such in mean and deviation."
        )
