"""The look of all charts, and their conversion from matplotlib to SVG text for a page.

Text and axes have the page's text color (`currentColor`) and the background is transparent, so that a chart is
readable on a light page and on a dark one. The same input gives the same SVG text.
"""

import io
import re

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Those of Okabe and Ito's colors that are visible on white and on black. People with any color vision can tell them
# apart.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

INK = "#010203"  # stands for the page's text color until the chart is SVG
PAPER = "#010204"  # stands for the page's background color

STYLE = {
    "svg.fonttype": "path",  # the page has no font files
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#8c8c8c",
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
}


def panels(
    count: int, columns: int, width: float, height: float, share_rows: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, laid out on a grid.

    Args:
      count: number of axes.
      columns: axes in each row of the grid.
      width: of the figure, in inches.
      height: of each row, in inches.
      share_rows: whether the axes of a row share their y scale.
    """
    rows = -(-count // columns)
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    figure.patch.set_alpha(0)
    grid = figure.subplots(rows, columns, squeeze=False, sharey="row" if share_rows else False).ravel()
    for unused in grid[count:]:
        unused.remove()
    for axis in grid[:count]:
        axis.patch.set_alpha(0)
    return figure, grid[:count]


def finish(figure: Figure, legend_of: Axes | None = None) -> str:
    """Return the figure as an SVG element that fills the width of its place and uses the page's text color.

    Args:
      figure: from `panels`.
      legend_of: the axes whose labels go into a legend below the figure; None for no legend.
    """
    if legend_of is not None:
        handles, labels = legend_of.get_legend_handles_labels()
        # A line of the legend has room for some 120 letters; the sample line and gaps of an entry take that of 7.
        columns = max(1, min(len(labels), 4, 120 // (7 + max(map(len, labels), default=0))))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
    file = io.StringIO()
    FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None, "Creator": None})
    svg = file.getvalue()[file.getvalue().index("<svg") :]
    svg = re.sub(
        r'<svg [^>]*viewBox="([^"]*)"[^>]*>',
        r'<svg viewBox="\1" xmlns:xlink="http://www.w3.org/1999/xlink">',
        svg,
        count=1,
    )
    return svg.replace(INK, "currentColor").replace(PAPER, "var(--paper)")
