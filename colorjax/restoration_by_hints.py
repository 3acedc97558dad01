"""Colors that a person marked on an image of any size: found on a painted copy, and spread by scribbles.

Images are uint8 or uint16 sRGB, `[H, W, 1]` or `[H, W, 3]`. `restoration` has the functions for users.
"""

import numpy as np

from colorjax.color.gray import color_gray, gray_levels
from colorjax.color.spaces import rgb2lab
from colorjax.errors import UserError
from colorjax.methods.method import Hints, Observation
from colorjax.methods.scribble.method import Scribble
from colorjax.methods.scribble.paint import find_paint
from colorjax.pictures.arrays import check_image, in_unit_range
from colorjax.runtime.pixelwise import map_pixels


def find_hints(picture: np.ndarray, marked: np.ndarray) -> Hints:
    """Return the colors that a person painted over a copy of an image (see `methods.scribble.paint`).

    Args:
      picture: the image, uint8 or uint16 `[H, W, 1]` or `[H, W, 3]`.
      marked: the copy, uint8 or uint16 `[H, W, 1, 3 or 4]`; the fourth channel is alpha. It may also be strokes alone
        on transparency.

    Raises:
      UserError: the two have different sizes, or nothing or more than half of the pixels is painted.
    """
    check_image(picture)
    alpha = None
    if isinstance(marked, np.ndarray) and marked.ndim == 3 and marked.shape[2] == 4:
        alpha, marked = in_unit_range(marked[..., 3]), marked[..., :3]
    check_image(marked)
    require_size(marked.shape[:2], picture.shape[:2])
    shape = (*picture.shape[:2], 3)
    gray = np.broadcast_to(in_unit_range(gray_levels(picture))[..., np.newaxis], shape)
    own, painted = (np.broadcast_to(in_unit_range(array), shape) for array in (picture, marked))
    return find_paint(own, gray, painted, alpha)


def require_size(hints: tuple[int, int], picture: tuple[int, int]) -> None:
    """Raise a `UserError` unless hints are for a picture of this size; both are height and width."""
    if tuple(hints) != tuple(picture):
        sizes = [f"{width}x{height} pixels" for height, width in (hints, picture)]
        raise UserError(f"the hints are {sizes[0]} and the picture {sizes[1]}: they must be alike")


def by_scribbles(picture: np.ndarray, hints: Hints, exact: bool) -> np.ndarray:
    """Return the image in color by Levin et al. 2004; `exact` as for `Scribble`."""
    levels = gray_levels(picture)
    gray = np.repeat(in_unit_range(levels)[..., np.newaxis], 3, axis=-1)
    colored = Scribble(exact=exact).restore(Observation(gray, hints=hints)).image
    return color_gray(levels, map_pixels(rgb2lab, np.clip(colored, 0, 1))[..., 1:])
