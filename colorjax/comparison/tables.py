"""A comparison as text: Markdown for people, CSV files for programs. CSV values are as measured (shares, not %)."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from colorjax.comparison import settings
from colorjax.comparison.results import Comparison, Group, Result, Summary
from colorjax.metrics.info import MEASURES, Measure
from colorjax.pages.text import markdown_table, write_csv
from colorjax.runtime.atomic import write_atomically

MOST_ROWS = 30  # most rows of a table shown at once; more would hide the rest of the output
_HEADLINES = ("psnr", "ssim", "ciede2000", "loss")  # metrics that have a column besides the one that sorts

Cells = tuple[list[str], list[list[str]]]  # a header, and rows of the same length


def markdown(comparison: Comparison, whole: bool = True) -> str:
    """Return the comparison as Markdown: the groups, the runs that do not count, and what the numbers mean.

    Args:
      comparison: of the runs.
      whole: whether tables have all their rows; otherwise `MOST_ROWS` at most.
    """
    parts = [f"# {comparison.title}", _table(group_cells(comparison), len(comparison.by) or 1, whole, "compare.md")]
    parts += [f"> **{remark}**" for remark in comparison.remarks]
    if any(not result.done for result in comparison.results):
        parts += ["Not done, so in no mean:", _table(unfinished_cells(comparison), 3, whole, "compare.md")]
    return "\n\n".join([*parts, "\n".join(f"- {line}" for line in foot(comparison))]) + "\n"


def group_cells(comparison: Comparison) -> Cells:
    """Return the table of groups: settings, count, the metric that sorts, further metrics, runs not counted."""
    metrics = [comparison.metric]
    metrics += [name for name in _HEADLINES if name in comparison.metrics and name not in metrics]
    names = settings.short_names(comparison.by)
    header = [*names.values()] or ["group"]
    header += ["runs", *(MEASURES[name].title for name in metrics)]
    shown = settings.show_rows([group.settings for group in comparison.groups])
    rows = [
        (about or ["all runs"])
        + [str(group.summary(comparison.metric).count)]
        + [show_summary(MEASURES[name], group.summary(name)) for name in metrics]
        + [_not_done(group)]
        for about, group in zip(shown, comparison.groups, strict=True)
    ]
    if any(row[-1] for row in rows):
        return [*header, "not counted"], rows
    return header, [row[:-1] for row in rows]


def unfinished_cells(comparison: Comparison) -> Cells:
    """Return the table of the runs that are not done, with their results so far."""
    header = ["run", "state", "why", "step", f"{comparison.measure.title} so far"]
    rows = [
        [
            result.status.name,
            result.status.state,
            result.status.reason,
            f"{result.status.step:,}",
            comparison.measure.show(result.value(comparison.metric)),
        ]
        for result in comparison.results
        if not result.done
    ]
    return header, rows


def run_cells(comparison: Comparison) -> Cells:
    """Return the table of all runs: name, state, the settings that differ, the best step and the metrics there."""
    keys = comparison.differing
    header = ["run", "state", *settings.short_names(keys).values(), "best step"]
    header += [MEASURES[name].title for name in comparison.metrics]
    shown = settings.show_rows([[r.settings.get(key, settings.MISSING) for key in keys] for r in comparison.results])
    rows = [
        [result.status.name, result.status.state]
        + about
        + ["–" if result.status.best_step is None else f"{result.status.best_step:,}"]
        + [MEASURES[name].show(result.value(name)) for name in comparison.metrics]
        for about, result in zip(shown, comparison.results, strict=True)
    ]
    return header, rows


def foot(comparison: Comparison) -> list[str]:
    """Return lines that explain the numbers."""
    counted = sum(result.done for result in comparison.results)
    lines = [
        f"{comparison.measure.label}: {comparison.measure.description}.",
        "A run's values are those of its best checkpoint: of the validation where its PSNR is highest, on its own "
        f"validation photographs{_validated_on(comparison.results)}.",
        "Means, with ± the standard deviation (over n - 1), are over those runs of a group that are done, here "
        f"{counted} of {len(comparison.results)}.",
    ]
    if sum(group.summary(comparison.metric).count > 0 for group in comparison.groups) > 2:
        lines.append("The best of many groups owes a part of that to chance: train it again with other seeds.")
    if comparison.by != comparison.keys:
        others = [key for key in comparison.keys if key not in comparison.by]
        averaged = f" They are averaged over {', '.join(others)} too." if others else ""
        lines.append(f"Grouped by {comparison.by[0]} alone.{averaged}")
    return lines


def show_summary(measure: Measure, summary: Summary) -> str:
    """Return mean and deviation as text, such as '21.40 ± 0.12'."""
    deviation = "" if math.isnan(summary.deviation) else f" ± {measure.show(summary.deviation)}"
    return measure.show(summary.mean) + deviation


def group_label(keys: Sequence[str], group: Group) -> str:
    """Return the settings of a group as text, such as 'learning_rate 0.001, width 32'."""
    names = settings.short_names(keys).values()
    pairs = zip(names, map(settings.show, group.settings), strict=True)
    return ", ".join(f"{name} {value}" for name, value in pairs) or "all runs"


def write_files(comparison: Comparison, directory: Path) -> None:
    """Write compare.md, compare.csv (one row per group) and runs.csv (one row per run) into `directory`."""
    write_atomically(directory / "compare.md", markdown(comparison))
    parts = ("", "_deviation", "_count")
    lines = [[*comparison.by, "runs", "states", *(name + part for name in comparison.metrics for part in parts)]]
    for group in comparison.groups:
        line = [*map(_cell, group.settings), len(group.results), states(group.results)]
        for name in comparison.metrics:
            line += map(_cell, group.summary(name))
        lines.append(line)
    write_csv(directory / "compare.csv", lines)
    keys = comparison.differing
    about = ["run", "state", "reason", "step", "steps", "examples_per_second", "best_step"]
    lines = [[*about, *keys, *comparison.metrics]]
    for result in comparison.results:
        status = result.status
        line = [status.name, status.state, status.reason, status.step, status.steps, status.rate, status.best_step]
        line += [result.settings.get(key, settings.MISSING) for key in keys]
        lines.append([_cell(value) for value in line + [result.value(name) for name in comparison.metrics]])
    write_csv(directory / "runs.csv", lines)


def _table(cells: Cells, left: int, whole: bool, where: str) -> str:
    header, rows = cells
    more = "" if whole or len(rows) <= MOST_ROWS else f"\n\n... and {len(rows) - MOST_ROWS} more in {where}"
    return markdown_table(header, rows if whole else rows[:MOST_ROWS], left) + more


def _not_done(group: Group) -> str:
    return states([result for result in group.results if not result.done])


def states(results: Iterable[Result]) -> str:
    """Return the number of runs in each state, such as '2 done, 1 failed'."""
    return ", ".join(f"{count} {state}" for state, count in Counter(r.status.state for r in results).items())


def _validated_on(results: Sequence[Result]) -> str:
    keys = ("training.validation_photographs", "training.validation_split", "data.name")
    said = {tuple(result.settings.get(key) for key in keys) for result in results}
    if len(said) > 1 or None in (said := said.pop()):
        return ""
    return " (the first {} of the split {!r} of {})".format(*said)


def _cell(value: Any) -> Any:
    """Return a value's cell in a CSV file: empty for NaN and missing values, JSON for lists and booleans."""
    if value is settings.MISSING or (isinstance(value, float) and math.isnan(value)):
        return ""
    return json.dumps(value) if isinstance(value, list | tuple | bool) else value
