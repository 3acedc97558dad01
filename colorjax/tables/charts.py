"""The report's charts of training and of the table, as SVG text."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.ticker import MaxNLocator

from colorjax.metrics.info import MEASURES
from colorjax.pages.svg import COLORS, INK, STYLE, finish, panels
from colorjax.tables.table import BASELINES, Table

TRIVIAL_COLOR = "#8c8c8c"

# The quantities of Sugumar's Fig. 4.
_CURVES = ("loss", "psnr", "ssim", "accuracy")
_MARKERS = ("o", "s", "^", "x")


def row_colors(table: Table) -> dict[str, str]:
    """Return the color of each row, by label, for all charts; the baselines are gray."""
    trained = itertools.cycle(COLORS)
    return {label: TRIVIAL_COLOR if row.method in BASELINES else next(trained) for label, row in table.rows.items()}


def training_curves(histories: Mapping[str, Sequence[Mapping]], colors: Mapping[str, str]) -> str:
    """Draw loss, PSNR, SSIM and accuracy over the steps of training, a line for each label.

    The training loss is a dashed line, validation a solid one.

    Args:
      histories: by label, the lines of history.jsonl.
      colors: by label, from `row_colors`.

    Returns:
      SVG. Panels without values in any history are left out; '' if none is left.
    """
    names = [name for name in _CURVES if any(_points(h, "validation", name)[0] for h in histories.values())]
    if "loss" not in names and any(_points(h, "train", "loss")[0] for h in histories.values()):
        names.insert(0, "loss")
    if not names:
        return ""
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": "curves"}):
        figure, axes = panels(len(names), min(len(names), 2), width=8.4, height=2.5)
        for axis, name in zip(axes, names, strict=True):
            drawn = Counter()  # lines by color; with many rows a color is used again, with another marker
            for label, history in histories.items():
                _draw_curve(axis, history, name, colors[label], _MARKERS[drawn[colors[label]] % len(_MARKERS)], label)
                drawn[colors[label]] += 1
            axis.set_title(MEASURES[name].title)
            axis.grid(axis="y")
            axis.set_xlabel("step")
            axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        if "loss" in names and _all_positive(axes[names.index("loss")]):
            axes[names.index("loss")].set_yscale("log")
        return finish(figure, axes[-1])


def part_curves(history: Sequence[Mapping]) -> str:
    """Draw the loss and the accuracies of each part of an objective over the steps; '' for an objective of one part.

    Args:
      history: the lines of history.jsonl.
    """
    lines = [line for line in history if line.get("kind") == "train"]
    names = sorted({name for line in lines for name in line if name.startswith(("loss", "accuracy_"))})
    panels_of = {"Loss": [n for n in names if n.startswith("loss")], "Accuracy": [n for n in names if "accuracy_" in n]}
    if len(panels_of["Loss"]) < 2:
        return ""
    shown = {title: drawn for title, drawn in panels_of.items() if drawn}
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": "parts"}):
        figure, axes = panels(len(shown), len(shown), width=8.4, height=2.8)
        for axis, (title, drawn) in zip(axes, shown.items(), strict=True):
            for color, name in zip(itertools.cycle(COLORS), drawn, strict=False):
                first, _, part = name.partition(".")
                label = part or "network" if title == "Loss" else f"{first.removeprefix('accuracy_')}, {part}"
                axis.plot(*_points(history, "train", name), color=color, linewidth=1.2, label=label)
            axis.set_title(title)
            axis.set_xlabel("step")
            axis.grid(axis="y")
            axis.legend(fontsize=7, frameon=False)
        if "Accuracy" in shown:
            axes[-1].set_ylim(-0.02, 1.02)
        return finish(figure)


def method_bars(table: Table) -> str:
    """Return an SVG chart with a panel for each quantity of the table: a bar with its interval for each row."""
    labels, colors = list(table.rows), list(row_colors(table).values())
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": "bars"}):
        row_height = 0.55 + 0.2 * len(labels)
        columns = 3 if max(map(len, labels)) <= 26 else 2  # long labels leave too little room for three titles
        figure, axes = panels(len(table.columns), columns, width=8.4, height=row_height, share_rows=True)
        for axis, column in zip(axes, table.columns, strict=True):
            estimates = [row.mean[column.name] for row in table.rows.values()]
            means = column.scale * np.array([estimate.mean for estimate in estimates])
            positions = np.arange(len(labels))
            axis.barh(positions, np.nan_to_num(means), color=colors, height=0.72)
            for position, estimate in zip(positions, estimates, strict=True):
                low, high = column.scale * estimate.low, column.scale * estimate.high
                axis.plot([low, high], [position, position], color=INK, linewidth=1.0)
            arrow = {True: " (higher is better)", False: " (lower is better)", None: ""}
            axis.set_title(column.label + arrow[column.higher_is_better], fontsize=8.5)
            axis.set_yticks(positions, labels)
            axis.set_ylim(len(labels) - 0.5, -0.5)  # the first row on top
            axis.tick_params(axis="y", length=0)
            axis.axvline(0, color=INK, linewidth=0.6)
            axis.grid(axis="x")
            axis.set_axisbelow(True)
            axis.xaxis.set_major_locator(MaxNLocator(4))
        return finish(figure)


def _draw_curve(axis, history, name, color, marker, label):
    if name == "loss":
        steps, values = _points(history, "train", "loss")
        axis.plot(steps, values, color=color, linewidth=0.9, linestyle=(0, (3, 2)), alpha=0.7)
    steps, values = _points(history, "validation", name)
    values, every = np.multiply(MEASURES[name].scale, values), -(-len(steps) // 20) or None
    axis.plot(steps, values, color=color, linewidth=1.5, marker=marker, markersize=3.5, markevery=every, label=label)


def _points(history, kind, name):
    """Return the steps and the values of one quantity from the lines that have it."""
    lines = [line for line in history if line.get("kind") == kind and line.get(name) is not None]
    return [line["step"] for line in lines], [line[name] for line in lines]


def _all_positive(axis):
    values = [value for line in axis.lines for value in line.get_ydata()]
    return bool(values) and min(values) > 0
