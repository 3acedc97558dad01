"""The charts of a comparison in which each run is a line, as SVG text for a page.

Runs that are not done have dashed lines. The colors of values go from blue (low) to orange (high).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_hex

from colorjax.comparison.results import Comparison, Result
from colorjax.comparison.scales import Scale, spread
from colorjax.comparison.settings import MISSING, short_names
from colorjax.comparison.tables import group_label
from colorjax.pages.svg import COLORS, INK, PAPER, STYLE, finish, panels

_FEW_GROUPS = 6  # up to this number each group has its own color
_MANY_RUNS = 60  # above this number the lines are thinner
_POINTS = 12_000  # points of all learning curves together; limits the page's size
_UNFINISHED = (0, (2, 1.5))  # dashes
# Visible on white and on black, and distinguishable with any color vision.
_LOW_TO_HIGH = LinearSegmentedColormap.from_list("low to high", ["#2f6db5", "#8f8f8f", "#e07b00"], N=32)


def parallel_coordinates(comparison: Comparison, scales: Mapping[str, Scale]) -> str:
    """Draw each run as a line through its settings to its metric; the metric gives the color.

    Args:
      comparison: of the runs.
      scales: setting -> scale, for the settings to draw.

    Returns:
      SVG; '' if fewer than two settings are to be drawn.
    """
    measure = comparison.measure
    results = [r for r in comparison.measured if all(r.settings.get(k, MISSING) is not MISSING for k in scales)]
    if len(scales) < 2 or not results:
        return ""
    results.sort(key=lambda result: measure.merit(result.value(comparison.metric)))  # draws the best on top
    values = [measure.scale * result.value(comparison.metric) for result in results]
    last = Scale(values, kind="linear")
    heights = [
        spread([scale.fraction(result.settings[key]) for result in results], min(0.035, 0.3 / len(scale.values)))
        for key, scale in scales.items()
    ]
    heights.append([last.fraction(value) for value in values])
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": "parallel"}):
        figure, (axis,) = panels(1, 1, width=8.4, height=3.6)
        axis.add_collection(_lines([list(enumerate(line)) for line in np.transpose(heights)], _colors(values), results))
        for i, scale in enumerate([*scales.values(), last]):
            axis.axvline(i, color=INK, linewidth=0.8)
            for value, text in scale.marks():
                box = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8, "alpha": 0.75}
                where = {"xytext": (3, 0), "textcoords": "offset points", "va": "center"}
                axis.annotate(text, (i, scale.fraction(value)), fontsize=7.5, bbox=box, **where)
        axis.set_xlim(-0.05, len(scales) + 0.35)
        axis.set_ylim(-0.05, 1.05)
        axis.set_xticks(range(len(scales) + 1), [*short_names(list(scales)).values(), measure.title])
        axis.tick_params(axis="x", length=0)
        axis.set_yticks([])
        axis.spines[:].set_visible(False)
        return finish(figure)


def colored_by_group(comparison: Comparison) -> bool:
    """Whether the learning curves have the colors of their groups (if there are few) or those of their values."""
    return len(comparison.groups) <= _FEW_GROUPS


def validation_curves(comparison: Comparison) -> str:
    """Draw the metric of all validations over the training steps; a dot marks each run's best checkpoint.

    Returns:
      SVG; '' without any validation.
    """
    metric, measure = comparison.metric, comparison.measure
    results = [result for result in comparison.results if any(line.get(metric) is not None for line in result.curve)]
    if not results:
        return ""
    colors = _colors([result.value(metric) for result in results])
    groups = dict(zip(COLORS, comparison.groups, strict=False)) if colored_by_group(comparison) else {}
    if groups:
        color_of = {result.status.name: color for color, group in groups.items() for result in group.results}
        colors = [color_of[result.status.name] for result in results]
    points = max(12, _POINTS // len(results))
    curves = [
        [(line["step"], measure.scale * line[metric]) for line in _thinned(result, metric, points)]
        for result in results
    ]
    best = [(result.status.best_step or math.nan, measure.scale * result.value(metric)) for result in results]
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": "learning"}):
        figure, (axis,) = panels(1, 1, width=8.4, height=3.6)
        axis.add_collection(_lines(curves, colors, results))
        axis.scatter(*np.transpose(best), s=14 if len(results) <= _MANY_RUNS else 4, c=colors, linewidths=0)
        for color, group in groups.items():
            if color in colors:
                axis.plot([], [], color=color, label=group_label(comparison.by, group))
        axis.autoscale_view()
        axis.set_xlabel("step")
        axis.set_ylabel(measure.title)
        axis.grid(axis="y")
        return finish(figure, axis if groups and comparison.by else None)


def _lines(lines: Sequence, colors: Sequence[str], results: Sequence[Result]) -> LineCollection:
    styles = ["solid" if result.done else _UNFINISHED for result in results]
    width = 1.3 if len(results) <= _MANY_RUNS else 0.7
    return LineCollection(lines, colors=colors, linestyles=styles, linewidths=width, alpha=0.8)


def _colors(values: Sequence[float]) -> list[str]:
    """Return a color for each value, scaled between the 5th and 95th percentiles so that outliers matter little."""
    finite = [value for value in values if not math.isnan(value)]
    low, high = np.percentile(finite, [5, 95]) if finite else (0.0, 0.0)
    fractions = [(value - low) / (high - low) if high > low else 0.5 for value in values]
    return [to_hex(_LOW_TO_HIGH(0.5 if math.isnan(f) else min(1.0, max(0.0, f)))) for f in fractions]


def _thinned(result: Result, metric: str, points: int) -> list[Mapping[str, Any]]:
    """Return about `points` evenly spaced lines of a run's curve, always with the first, the best and the last."""
    lines = [line for line in result.curve if line.get(metric) is not None]
    kept = set(np.linspace(0, len(lines) - 1, min(points, len(lines))).round().astype(int).tolist())
    return [line for i, line in enumerate(lines) if i in kept or line["step"] == result.status.best_step]
