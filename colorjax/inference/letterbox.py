"""Whole pictures fitted into a square and brought back: float32 [H, W, C] to [S, S, C] and the other way round."""

from typing import NamedTuple

import numpy as np
from skimage.transform import resize

from colorjax.runtime.pixelwise import pad_reflected


class Letterboxed(NamedTuple):
    """A picture in a square: it lies at the top left, `height` x `width`, and the rest is its reflection."""

    square: np.ndarray
    height: int
    width: int


def letterbox(picture: np.ndarray, size: int) -> Letterboxed:
    """Fit a picture [H, W, C] into [size, size, C], its longer side along the whole of one and its proportions kept."""
    scale = size / max(picture.shape[:2])
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    return Letterboxed(pad_reflected(_resized(picture, height, width), size, size), height, width)


def unletterbox(square: np.ndarray, fitted: Letterboxed, height: int, width: int) -> np.ndarray:
    """Return the picture [height, width, C] that lies in `square` [S, S, C] where `fitted` has put one."""
    return _resized(square[: fitted.height, : fitted.width], height, width)


def _resized(picture, height, width):
    if picture.shape[:2] == (height, width):
        return picture
    return resize(picture, (height, width), order=1, mode="edge", anti_aliasing=True).astype(np.float32)
