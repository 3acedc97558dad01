"""A table as Markdown: the printed summary, and table.md."""

import math

from colorjax.evaluation.statistics import LEVEL
from colorjax.pages.text import markdown_table
from colorjax.tables.published import Published
from colorjax.tables.table import COSTS, Table


def summary(table: Table) -> str:
    """Return only title, means, protocol and remarks, as Markdown with aligned columns."""
    header = ["Method", *(column.label for column in table.columns)]
    means = [[label, *(c.show(row.mean[c.name].mean) for c in table.columns)] for label, row in table.rows.items()]
    remarks = (f"> **{line}**" for line in table.remarks)
    parts = [f"# {table.title}", markdown_table(header, means), table.foot[0], *remarks]
    return "\n\n".join(parts)


def markdown(table: Table, published: Published | None = None) -> str:
    """Return the whole table as aligned Markdown: means, published figures, intervals, differences, and the foot."""
    labels = [column.label for column in table.columns]
    intervals = [
        [label, *(c.show_interval(row.mean[c.name]) for c in table.columns)] for label, row in table.rows.items()
    ]
    differences = [
        [label, *(_show_difference(c, row.difference[c.name]) for c in table.columns)]
        for label, row in table.rows.items()
        if row.difference is not None
    ]
    parts = [
        summary(table),
        *_published(published),
        f"## {LEVEL:.0%} intervals of the means",
        markdown_table(["Method", *labels], intervals),
        f"## Difference to {table.reference}, picture by picture",
        markdown_table(["Method", *labels], differences),
        *_costs(table),
        "## What the numbers are",
        "\n".join(f"- {line}" for line in table.foot[1:]),
    ]
    return "\n\n".join(parts) + "\n"


def _costs(table):
    if not table.costs:
        return []
    about = (
        "Weights are those that the results rest on, learned here or published. The seconds are those of the fastest "
        "picture, on the machine that measured."
    )
    return ["## What each costs, and what it is given", markdown_table(COSTS, table.costs), about]


def _published(published):
    if published is None:
        return []
    figures = markdown_table(published.columns, published.rows)
    return [f"## {published.heading}", published.caption, figures, published.input_alone]


def _show_difference(column, estimate):
    mark = "" if math.isnan(estimate.low) or estimate.low <= 0 <= estimate.high else " *"
    interval = column.show_interval(estimate, sign=True)
    return f"{column.show(estimate.mean, sign=True)} {interval}{mark}"
