"""The report: one HTML page that needs no other file.

`write_table` writes all files of the command `table`.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from PIL import Image

from colorjax.evaluation.evaluate import Evaluation
from colorjax.evaluation.protocol import Protocol
from colorjax.evaluation.statistics import LEVEL
from colorjax.inference.resizing import resize
from colorjax.methods import Identity
from colorjax.metrics.fidelity import ciede2000_map
from colorjax.pages.page import page
from colorjax.pictures.images import encode_png
from colorjax.runtime.atomic import write_atomically
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tables.charts import method_bars, part_curves, row_colors, training_curves
from colorjax.tables.data_curve import Place, Point, data_curves, write_data_curves
from colorjax.tables.data_curve_chart import data_curve_chart
from colorjax.tables.markdown import markdown, summary
from colorjax.tables.published import Published, for_table
from colorjax.tables.table import COSTS, Table, make_table, write_files

WIDTH = 208  # largest width of an image in the page, pixels; it limits the page's size
DETAIL = 96  # width of a detail, pixels; the page enlarges it
FULL_ERROR = 20.0  # CIEDE2000 that is drawn brightest; a difference of 1 is hardly visible, 10 is obvious


class Cell(NamedTuple):
    """An image in the page, as a data URL, with its label and the caption below it."""

    label: str
    picture: str
    caption: str


def write_table(
    directory: Path,
    title: str,
    evaluations: Mapping[str, Evaluation],
    reference: str,
    protocol: Protocol,
    histories: Mapping[str, Sequence[Mapping]] | None = None,
    published: Mapping | None = None,
    remarks: Sequence[str] = (),
    places: Mapping[str, Place] | None = None,
    samples: Mapping[str, Sequence[tuple[int, Path]]] | None = None,
) -> str:
    """Write table.md, table.csv, pictures.csv, protocol.json and report.html into `directory`.

    Rows on learning curves add learning_curve.csv.

    Args:
      directory: where the files go; created if it doesn't exist.
      title: of the table.
      evaluations: by the label of the row, in the order of the table; all of one protocol and one loss.
      reference: label of the row that the others are compared with, image by image.
      protocol: under which all rows were measured.
      histories: by label, the lines of history.jsonl of each trained row; of the first seed if it has several.
      published: 'caption', 'columns' and 'rows' of figures from a paper, shown beside the table as other quantities.
      remarks: warnings that every reader must see, one sentence each; shown below the protocol, highlighted, and in
        the foot.
      places: by label, the places of the rows that are on a learning curve.
      samples: by label, steps and files of the sample pictures of its training, as `find_samples` returns them.

    Returns:
      The table's means, protocol and remarks as Markdown, for printing; everything else is in the files.

    Raises:
      UserError: no such reference, a baseline is missing, or the evaluations are not of the same measurement.
    """
    table = make_table(title, evaluations, protocol, reference, remarks)
    figures = for_table(table, published)
    curves = data_curves(table, evaluations, places or {})
    directory.mkdir(parents=True, exist_ok=True)
    write_atomically(directory / "table.md", markdown(table, figures))
    write_files(table, evaluations, directory)
    if curves:
        write_data_curves(curves, table, directory / "learning_curve.csv")
    write_atomically(
        directory / "report.html", report(table, evaluations, histories or {}, figures, curves, samples or {})
    )
    return summary(table)


def report(
    table: Table,
    evaluations: Mapping[str, Evaluation],
    histories: Mapping[str, Sequence[Mapping]],
    published: Published | None,
    curves: Mapping[str, Sequence[Point]],
    samples: Mapping[str, Sequence[tuple[int, Path]]],
) -> str:
    """Return the page as HTML.

    Args:
      table: from `make_table`.
      evaluations: by the label of the row.
      histories: by label, the lines of history.jsonl of each trained row.
      published: figures from a paper, or None.
      curves: from `data_curves`; empty without any.
      samples: by label, steps and files of the sample pictures of its training.
    """
    return page(
        "tables/report.html",
        table=table,
        costs=COSTS,
        level=f"{LEVEL:.0%}",
        published=published,
        over_seeds=any(evaluation.by_seed for evaluation in evaluations.values()),
        data_curves=data_curve_chart(curves, table),
        training_curves=training_curves(histories, row_colors(table)),
        training_parts={label: chart for label, history in histories.items() if (chart := part_curves(history))},
        training_samples={
            label: [(step, _url(file.read_bytes())) for step, file in files]
            for label, files in samples.items()
            if files
        },
        bars=method_bars(table),
        pictures=sample_pictures(table.protocol, evaluations),
        full_error=f"{FULL_ERROR:g}",
        color_scale=_magma_url(np.tile(np.arange(256, dtype=np.uint8), (8, 1))),
    )


def sample_pictures(protocol: Protocol, evaluations: Mapping[str, Evaluation], most: int | None = None) -> list[dict]:
    """Return for each sample its name, its rows of cells by heading, and the number of cells in a row.

    Args:
      protocol: of the measurement.
      evaluations: by the label of the row.
      most: so many samples at most; None for all.
    """
    # The degraded image needs no cell of its own, because the method Identity is a row of every table; it comes first.
    labels = sorted(evaluations, key=lambda label: evaluations[label].method != Identity.name)
    pictures = []
    for index, sample in enumerate(evaluations[labels[0]].samples[:most]):
        restored = {label: evaluations[label].samples[index].restored for label in labels}
        captions = {label: _caption(evaluations[label], sample.picture) for label in labels}
        shown = {**restored, "Truth": sample.truth}
        rows = {"": [Cell(k, _data_url(_reduced(p)), captions.get(k, "")) for k, p in shown.items()]}
        if protocol.noise_kind != "none":
            # Reducing an image removes its noise, so a detail at full size shows it.
            details = {k: _middle(p) for k, p in shown.items()}
            height, width = details["Truth"].shape[:2]
            heading = f"The middle, {width}x{height} pixels, enlarged"
            rows[heading] = [Cell(k, _data_url(p), "") for k, p in details.items()]
        rows["Where it is wrong"] = [Cell(k, _error(sample.truth, p), "") for k, p in restored.items()]
        pictures.append({"name": sample.picture, "rows": rows, "count": len(shown)})
    return pictures


def _caption(evaluation, picture):
    if evaluation.by_seed:  # the image is the first seed's, so its numbers must not be the average's
        evaluation = next(iter(evaluation.by_seed.values()))
    row = next(row for row in evaluation.rows if row["picture"] == picture)
    parts = ["input"] if evaluation.method == Identity.name else []
    parts.append(f"{row['psnr']:.1f} dB")
    if "ciede2000" in row:
        parts.append(f"ΔE {row['ciede2000']:.1f}")
    return ", ".join(parts)


def _error(truth, picture):
    """Return the map of CIEDE2000 between two uint8 images, in the magma colors, as a data URL."""
    truth, picture = (np.float32(p) / np.float32(255) for p in (truth, picture))
    difference = map_pixels(_difference, truth, picture)
    return _magma_url(_reduced(np.rint(255 * np.clip(difference / FULL_ERROR, 0, 1)).astype(np.uint8))[..., 0])


def _difference(truth, picture):
    return ciede2000_map(truth, picture)[..., None]


def _magma_url(levels):
    """Return a data URL of levels, uint8 [h, w], in the magma colors; a palette takes a third of the bytes of RGB."""
    image = Image.fromarray(levels, mode="P")
    image.putpalette(matplotlib.colormaps["magma"](range(256), bytes=True)[:, :3].tobytes())
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return _url(file.getvalue())


def _reduced(picture):
    """Return the image, uint8 [h, w, c], reduced to at most `WIDTH` in width and 1.5 times that in height."""
    height, width = picture.shape[:2]
    factor = min(1.0, WIDTH / width, 1.5 * WIDTH / height)
    if factor == 1.0:
        return picture
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    return np.rint(resize(picture, *size)).astype(np.uint8)


def _middle(picture):
    """Return the middle of the image, at most `DETAIL` pixels wide and two thirds of that high."""
    height, width = min(picture.shape[0], DETAIL * 2 // 3), min(picture.shape[1], DETAIL)
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return picture[top : top + height, left : left + width]


def _data_url(picture):
    return _url(encode_png(picture))


def _url(png):
    return "data:image/png;base64," + base64.b64encode(png).decode()
