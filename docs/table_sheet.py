"""What each row of a table makes of some photographs, on one sheet: `ways_of_coloring.jpg` in results.md.

    python docs/table_sheet.py WORKDIR_OF_A_TABLE SHEET.jpg [NUMBER_OF_PHOTOGRAPHS]

The photographs are the first of those that the table's report shows; a row with several seeds has its first one.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH = 172  # of a cell, pixels
TEXT = 30  # height of the label below it
COLUMNS = 9
GAP = 4


def labels(workdir: Path) -> dict[str, str]:
    """Return the label of each row of a table by the row's name."""
    config = json.loads((workdir / "config.json").read_text())
    return {name: row["label"] for name, row in config["rows"].items()}


def samples(workdir: Path, row: str) -> np.lib.npyio.NpzFile:
    """Return the kept pictures of a row: degraded, restored and true, by the number of the photograph."""
    return np.load(sorted((workdir / "rows" / row).glob("**/samples.npz"))[0])


def cell(picture: np.ndarray, label: str) -> Image.Image:
    """Return a picture [H, W, 3], `WIDTH` wide, above its label in one line or two."""
    height = round(picture.shape[0] * WIDTH / picture.shape[1])
    result = Image.new("RGB", (WIDTH, height + TEXT), "white")
    result.paste(Image.fromarray(picture).resize((WIDTH, height), Image.Resampling.LANCZOS))
    draw, font = ImageDraw.Draw(result), ImageFont.load_default(12)
    lines = [""]
    for word in label.split():
        longer = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], longer] if draw.textlength(longer, font) <= WIDTH else [*lines, word]
    draw.multiline_text(
        (WIDTH / 2, height + 1), "\n".join(lines), "black", font, anchor="ma", align="center", spacing=1
    )
    return result


def sheet(cells: list[Image.Image]) -> Image.Image:
    """Return cells of one size in rows of `COLUMNS`."""
    width, height = cells[0].size
    result = Image.new("RGB", (COLUMNS * (width + GAP) - GAP, -(-len(cells) // COLUMNS) * height), "white")
    for number, image in enumerate(cells):
        below, across = divmod(number, COLUMNS)
        result.paste(image, (across * (width + GAP), below * height))
    return result


def main(workdir: Path, target: Path, count: int) -> None:
    """Write the sheet."""
    named = labels(workdir)
    kept = {row: samples(workdir, row) for row in named}
    parts = []
    for number in range(count):
        cells = [cell(pictures[f"{number}/restored"], named[row]) for row, pictures in kept.items()]
        parts.append(sheet([*cells, cell(next(iter(kept.values()))[f"{number}/truth"], "Truth")]))
    Image.fromarray(np.concatenate(parts)).save(target, quality=85)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 2)
