"""Tables and counts as text: aligned lines for a terminal, Markdown and CSV files; and printing to a closed pipe."""

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from colorjax.runtime.atomic import replacing


def markdown_table(header: Sequence[str], rows: Iterable[Sequence], left: int = 1) -> str:
    """Return a Markdown table; the first `left` columns are left-aligned, the others right-aligned."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = [f"| {' | '.join(_padded(row, widths, left))} |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 1) + ("-" if i < left else ":") for i, w in enumerate(widths)) + "|")
    return "\n".join(lines)


def text_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """Return the lines of an aligned table.

    The first `left` columns and the last column are left-aligned, the others right-aligned.
    """
    cells = [list(header), *map(list, rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return ["  ".join([*_padded(row[:-1], widths[:-1], left), row[-1]]).rstrip() for row in cells]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 file` or `2,000 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def write_csv(path: Path, lines: Iterable[Sequence]) -> None:
    """Write lines, each a sequence of cells, as a CSV file, atomically."""
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        csv.writer(file).writerows(lines)


@contextmanager
def ignore_broken_pipe() -> Iterator[None]:
    """Within this context, exit quietly if the reader closes the pipe (`... | head`)."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Otherwise Python would try again at exit to write what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _padded(row, widths, left):
    pairs = enumerate(zip(row, widths, strict=True))
    return [cell.ljust(width) if i < left else cell.rjust(width) for i, (cell, width) in pairs]
