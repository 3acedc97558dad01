"""Sample pictures of a training with several parts: at each validation `WORKDIR/samples/STEP.png`, uint8 [H, W, 3].

A file has a row for each of the first validation photographs: what the network was given, what it made of it, and the
truth.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from colorjax.evaluation.evaluate import Sample
from colorjax.inference.resizing import resize
from colorjax.pictures.images import encode_png
from colorjax.runtime.atomic import replacing

PHOTOGRAPHS = 3
SIDE = 128  # of each picture, pixels: the longer side of what is shown
_GAP = 4


def save_samples(workdir: Path, step: int, samples: Sequence[Sample]) -> None:
    """Write the sample pictures of a validation.

    Args:
      workdir: the run's folder.
      step: number of steps taken.
      samples: of the validation; those beyond `PHOTOGRAPHS` are left out.
    """
    rows = [
        np.concatenate([_cell(one) for one in (sample.degraded, sample.restored, sample.truth)], axis=1)
        for sample in samples[:PHOTOGRAPHS]
    ]
    if rows:
        (workdir / "samples").mkdir(exist_ok=True)
        with replacing(workdir / "samples" / f"{step}.png") as file:
            file.write_bytes(encode_png(np.concatenate(rows)))


def find_samples(workdir: Path, most: int) -> list[tuple[int, Path]]:
    """Return steps and files of a run's sample pictures, at most `most`: the first, the last, and some between."""
    files = {int(path.stem): path for path in (workdir / "samples").glob("*.png") if path.stem.isdigit()}
    steps = sorted(files)
    if len(steps) > most:
        steps = [steps[round(place)] for place in np.linspace(0, len(steps) - 1, most)]
    return [(step, files[step]) for step in steps]


def _cell(picture: np.ndarray) -> np.ndarray:
    """Return the picture, reduced to a longer side of `SIDE`, in a white square."""
    height, width = picture.shape[:2]
    factor = min(1.0, SIDE / max(height, width))
    if factor < 1:
        size = (max(1, round(height * factor)), max(1, round(width * factor)))
        picture = np.rint(resize(picture, *size)).astype(np.uint8)
    cell = np.full((SIDE + _GAP, SIDE + _GAP, 3), 255, np.uint8)
    cell[: picture.shape[0], : picture.shape[1]] = picture
    return cell
