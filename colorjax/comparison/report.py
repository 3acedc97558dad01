"""The page of a comparison: one self-contained HTML file."""

from colorjax.comparison import tables
from colorjax.comparison.results import Comparison
from colorjax.comparison.run_charts import colored_by_group, parallel_coordinates, validation_curves
from colorjax.comparison.scales import drawn_scales
from colorjax.comparison.setting_charts import setting_charts
from colorjax.pages.page import page


def report(comparison: Comparison) -> str:
    """Return the HTML page of a comparison."""
    drawn = drawn_scales(comparison)
    return page(
        "comparison/report.html",
        comparison=comparison,
        states=tables.states(comparison.results),
        most=tables.MOST_ROWS,
        groups=tables.group_cells(comparison),
        settings=setting_charts(comparison, drawn),
        not_drawn=[key for key in comparison.keys if key not in drawn],
        parallel=parallel_coordinates(comparison, drawn),
        curves=validation_curves(comparison),
        colored_by_group=colored_by_group(comparison),
        unfinished=tables.unfinished_cells(comparison),
        runs=tables.run_cells(comparison),
        foot=tables.foot(comparison),
    )
