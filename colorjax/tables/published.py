"""Figures from a paper, shown beside a table and marked as other quantities, measured on other images.

`table.md` and the report use the same text.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from colorjax.methods import Identity
from colorjax.tables.table import Table
from colorjax.tasks import TASKS

HEADING = "Published figures: other quantities, measured on other pictures"
WARNING = (
    "They stand here to be looked at, not to be compared: how they were computed is not the way of the table above, "
    "even where a column has the same name."
)
# The metrics that papers report most. The degraded image alone scores well in them.
_OF_THE_INPUT = ("psnr", "ssim")


class Published(NamedTuple):
    """A table of published figures.

    Attributes:
      heading: above it.
      caption: where the figures are from, ending with the warning.
      columns: their headings.
      rows: the figures as text.
      input_alone: a sentence with the scores of the degraded images themselves on the photographs of our own table.
    """

    heading: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    input_alone: str


def for_table(table: Table, figures: Mapping[str, Any] | None) -> Published | None:
    """Return the figures of a config's `published` section (caption, columns, rows); None if it has no rows."""
    if not figures or not figures["rows"]:
        return None
    return Published(
        HEADING, f"{figures['caption']} {WARNING}".strip(), figures["columns"], figures["rows"], input_alone(table)
    )


def input_alone(table: Table) -> str:
    """Return a sentence with the scores of the degraded images themselves on the table's photographs."""
    label, row = next((label, row) for label, row in table.rows.items() if row.method == Identity.name)
    scores = []
    for column in table.columns:
        mean = row.mean[column.name].mean
        if column.name in _OF_THE_INPUT and not math.isnan(mean):
            name, _, unit = column.label.partition(" [")
            scores.append(" ".join([name, column.show(mean), unit.removesuffix("]")]).strip())
    without = "no color predicted" if TASKS[table.protocol.task].colorizes else "nothing restored"
    return (
        f"On the photographs of this table, the input as it is ({label}) scores {' and '.join(scores)}, with {without} "
        "at all."
    )
