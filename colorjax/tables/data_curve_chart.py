"""The report's chart of learning curves: quality against the number of training photographs, a line per series."""

import itertools
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from colorjax.pages.svg import STYLE, finish, panels
from colorjax.tables.charts import TRIVIAL_COLOR
from colorjax.tables.data_curve import Point
from colorjax.tables.table import BASELINES, Table

# A series consists of several rows, so it has none of the rows' colors. After Tol's "bright" and "muted" schemes, which
# people with any color vision can distinguish; each series also has its own marker.
SERIES_COLORS = ("#aa3377", "#8f8f1f", "#3f9e92", "#e8604c", "#6a6ad0")
_MARKERS = ("o", "s", "^", "D", "v")
_DASHES = ((0, (5, 2.5)), (0, (1.2, 1.8)), (0, (5, 2, 1.2, 2)))
_PANELS = ("psnr", "ssim", "ciede2000", "colorfulness")
_APART = 0.012  # share of the axis between two series' markers at the same number, so that both intervals are visible


def data_curve_chart(curves: Mapping[str, Sequence[Point]], table: Table) -> str:
    """Draw those of PSNR, SSIM, CIEDE2000 and colorfulness that the table has; the baselines are dashed lines.

    Args:
      curves: from `data_curves`.
      table: of the same rows.

    Returns:
      SVG; '' without any curve.
    """
    if not curves:
        return ""
    columns = [column for name in _PANELS for column in table.columns if column.name == name]
    counts = sorted({point.photographs for points in curves.values() for point in points})
    trivial = {
        label: row
        for label, row in table.rows.items()
        if row.method in BASELINES and label not in {point.row for points in curves.values() for point in points}
    }
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": "learning curves"}):
        figure, axes = panels(len(columns), min(len(columns), 2), width=8.4, height=2.7)
        for axis, column in zip(axes, columns, strict=True):
            # The limits are set explicitly, because a curve of one point has no width to fit them to.
            axis.set_xscale("log")
            axis.set_xlim(counts[0] / 1.35, counts[-1] * 1.35)
            axis.xaxis.set_major_locator(FixedLocator(counts))
            axis.xaxis.set_minor_locator(NullLocator())
            axis.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
            for (label, row), dashes in zip(trivial.items(), itertools.cycle(_DASHES), strict=False):
                height = column.scale * row.mean[column.name].mean
                axis.axhline(height, color=TRIVIAL_COLOR, linewidth=1.2, linestyle=dashes, label=label)
            styles = zip(itertools.cycle(SERIES_COLORS), itertools.cycle(_MARKERS), strict=False)
            for index, ((series, points), style) in enumerate(zip(curves.items(), styles, strict=False)):
                _draw_series(axis, column, series, points, *style, shift=index - (len(curves) - 1) / 2)
            arrow = {True: " (higher is better)", False: " (lower is better)", None: " (0 is the truth's)"}
            axis.set_title(column.label + arrow[column.higher_is_better])
            axis.set_xlabel("training photographs")
            axis.grid(axis="y")
            axis.set_axisbelow(True)
        return finish(figure, axes[-1])


def _draw_series(axis, column, series, points, color, marker, shift):
    low, high = axis.get_xlim()
    places = [point.photographs * (high / low) ** (_APART * shift) for point in points]
    estimates = [point.estimate(column.name) for point in points]
    means, lows, highs = column.scale * np.array([estimate[:3] for estimate in estimates]).T
    axis.vlines(places, lows, highs, color=color, linewidth=1.1, alpha=0.8)
    axis.plot(places, means, color=color, marker=marker, markersize=4.5, linewidth=1.5, label=series)
