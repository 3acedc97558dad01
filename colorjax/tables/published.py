"""Figures from a paper, to stand beside a table as what they are: other quantities, measured on other pictures.

`table.md` and the report set the same text in type, so both say the same.
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
# What papers report most, and what most looks like skill where there is none.
_OF_THE_INPUT = ("psnr", "ssim")


class Published(NamedTuple):
    """A table of published figures; `caption` ends with the warning, `input_alone` says what no method at all scores
    on the pictures of our own table.
    """

    heading: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    input_alone: str


def for_table(table: Table, figures: Mapping[str, Any] | None) -> Published | None:
    """Return a config's `published` section (caption, columns, rows) for `table`; None where it has no rows."""
    if not figures or not figures["rows"]:
        return None
    return Published(
        HEADING, f"{figures['caption']} {WARNING}".strip(), figures["columns"], figures["rows"], input_alone(table)
    )


def input_alone(table: Table) -> str:
    """Return the sentence that says what the input as it is scores on the photographs of the table."""
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
