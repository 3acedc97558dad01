"""The chart of a comparison with a panel for each setting, as SVG text for a page."""

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from colorjax.comparison.results import Comparison, Group, grouped
from colorjax.comparison.scales import Scale, spread
from colorjax.comparison.settings import MISSING, short_names, show
from colorjax.pages.svg import COLORS, STYLE, finish, panels

_UNFINISHED = "#8c8c8c"
_MOST_LINES = 6  # a setting with more values than this gets no line for each of them
_MOST_MEANS = 12  # with more values, as from random draws, a line through the means would only zigzag
_APART = 0.014  # distance between the marks of two lines at one value, as a share of the axis
_LETTERS = 26  # most letters of a panel's labels that fit horizontally; longer labels are rotated


def setting_charts(comparison: Comparison, scales: Mapping[str, Scale]) -> str:
    """Draw the metric against each setting: a dot for each run, mean and standard deviation over the seeds.

    With exactly two settings, each panel has a line for each value of the other setting.

    Args:
      comparison: of the runs.
      scales: setting -> scale, for the settings to draw.

    Returns:
      SVG; '' if `scales` is empty.
    """
    if not scales:
        return ""
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": "settings"}):
        columns = min(len(scales), 3) if len(scales) > 2 else 2
        figure, axes = panels(len(scales), columns, width=8.4, height=2.7, share_rows=True)
        for axis, key in zip(axes, scales, strict=True):
            _draw_panel(axis, comparison, key, scales)
        for axis in axes[::columns]:
            axis.set_ylabel(comparison.measure.title)
        return finish(figure)


def _draw_panel(axis: Axes, comparison: Comparison, key: str, scales: Mapping[str, Scale]) -> None:
    others = [other for other in scales if other != key]
    lines = others if len(others) == 1 and len(scales[others[0]].values) <= _MOST_LINES else []
    results = [result for result in comparison.measured if result.settings.get(key, MISSING) is not MISSING]
    series = grouped(results, lines)
    if lines:
        series = [line for line in series if line.settings[0] is not MISSING]
        series.sort(key=lambda line: scales[lines[0]].fraction(line.settings[0]))
    for i, line in enumerate(series):
        shift = _APART * (i - (len(series) - 1) / 2)
        _draw_line(axis, comparison, key, scales[key], line, COLORS[i % len(COLORS)], shift)
    marks = scales[key].marks()
    axis.set_xticks([scales[key].fraction(value) for value, _ in marks], [text for _, text in marks])
    if sum(len(text) for _, text in marks) > _LETTERS:
        axis.tick_params(axis="x", labelrotation=30)
    axis.set_xlim(-0.08, 1.08)
    axis.set_xlabel(key)
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    if lines:
        axis.legend(title=short_names(lines)[lines[0]], fontsize=7, title_fontsize=7, frameon=False)


def _draw_line(
    axis: Axes, comparison: Comparison, key: str, scale: Scale, line: Group, color: str, shift: float
) -> None:
    """Draw the runs of one line as dots, the means of several runs with error bars, and the line through the means."""
    measure, metric = comparison.measure, comparison.metric
    groups = grouped(line.results, [key, *comparison.keys])
    at = np.array([scale.fraction(group.settings[0]) for group in groups]) + shift
    places = spread(at, min(0.05, 0.3 / len(scale.values)))
    dots = [
        (place, measure.scale * result.value(metric), result.done)
        for place, group in zip(places, groups, strict=True)
        for result in group.results
    ]
    x, y, done = np.array(dots).T
    means, deviations, counts = np.array([group.summary(metric) for group in groups]).T
    means, deviations, several = measure.scale * means, measure.scale * deviations, counts > 1
    faint = 0.45 if several.any() else 0.85  # without means only the dots are visible
    axis.scatter(x[done == 1], y[done == 1], s=12, color=color, linewidths=0, alpha=faint)
    axis.scatter(x[done == 0], y[done == 0], s=12, color=_UNFINISHED, linewidths=0.9, alpha=0.7, marker="x")
    look = {"fmt": "o", "color": color, "markersize": 3.5, "linewidth": 1.1}
    axis.errorbar(places[several], means[several], deviations[several], **look)
    values = np.unique(at[counts > 0])
    if len(values) <= _MOST_MEANS:
        through = [means[(at == value) & (counts > 0)].mean() for value in values]
        axis.plot(values, through, color=color, linewidth=1.3, label=show(line.settings[0]) if line.settings else None)
