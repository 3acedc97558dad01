"""Colorize images of any size by reference photographs, which are given or found in a folder.

Images are uint8 or uint16 sRGB, `[H, W, 1]` or `[H, W, 3]`; their gray levels stay exactly as they are. `restoration`
has the functions for users; these also tell how well the references fit.
"""

from collections.abc import Callable

import numpy as np

from colorjax.color.gray import gray_levels, lightness_of_levels
from colorjax.errors import UserError
from colorjax.inference.colorizing import colorize_pixels
from colorjax.methods.by_example.method import ByExample, working_shape
from colorjax.methods.retrieval.descriptor import describe
from colorjax.methods.retrieval.index import lab_at_working_size
from colorjax.methods.retrieval.method import Colors, colors_from_references
from colorjax.methods.retrieval.search import Search, cell_distances
from colorjax.pictures.images import content_hash

#: Median distance (`cell_distances`) of 5,320 random pairs of photographs. A reference that is farther fits badly.
MEDIAN_DISTANCE = 0.77

Progress = Callable[[float], None]


def by_reference(
    picture: np.ndarray, transfer: ByExample, reference: np.ndarray, regions: np.ndarray | None, progress: Progress
) -> tuple[np.ndarray, str]:
    """Return the image in color, and a line for the user if the reference fits badly, else "".

    Args:
      picture: the image.
      transfer: takes the colors of the reference.
      reference: uint8 or uint16 `[h, w, 3]`.
      regions: which region of the reference each of its pixels belongs to, int `[h, w]`; None to find regions.
      progress: called with the finished share, 0 to 1.

    Raises:
      UserError: the transfer can't use this reference.
    """
    example = lab_at_working_size(reference)
    if regions is not None:
        regions = _nearest_pixels(regions, *example.shape[:2])
    distance = cell_distances(describe(_small_lightness(picture))[None], describe(example[..., 0])[None])[0]
    result = _colored(picture, lambda lightness: transfer.transfer(lightness, example, regions).ab, progress)
    if distance <= MEDIAN_DISTANCE:
        return result, ""
    return result, (
        f"the reference fits badly: its distance from the picture is {distance:.2f}, and that of random pairs of "
        f"photographs {MEDIAN_DISTANCE}"
    )


def by_references(
    picture: np.ndarray, search: Search, transfer: ByExample, count: int, progress: Progress
) -> tuple[np.ndarray, Colors]:
    """Return the image in color, and the references that were used.

    Args:
      picture: the image.
      search: in the index of the references.
      transfer: takes the colors of one reference.
      count: number of references, 1 or more.
      progress: called with the finished share, 0 to 1.

    Raises:
      UserError: a count below 1, or as `colors_from_references`.
    """
    if count < 1:
        raise UserError(f"count={count}: must be 1 or more")
    content = content_hash(picture) if picture.dtype == np.uint8 and picture.shape[2] == 3 else ""
    found = []

    def predict(lightness: np.ndarray) -> np.ndarray:
        found.append(colors_from_references(lightness, search, transfer, count, content))
        return found[0].ab

    return _colored(picture, predict, progress), found[0]


def _colored(picture, predict, progress):
    height, width = picture.shape[:2]
    return colorize_pixels(picture, predict, working_shape(height, width), lambda rows: progress(rows / height))


def _small_lightness(picture):
    height, width = picture.shape[:2]
    step = max(1, min(height, width) // 512)
    return lightness_of_levels(gray_levels(picture[::step, ::step]))


def _nearest_pixels(regions, height, width):
    """Return regions at another size; each pixel has the number of the nearest one."""
    rows, columns = (
        (np.arange(target) + 0.5) * source // target
        for source, target in zip(regions.shape, (height, width), strict=True)
    )
    return regions[rows.astype(int)[:, None], columns.astype(int)]
