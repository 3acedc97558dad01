"""Fit a whole image into a square, and undo it: float32 [H, W, C] to [S, S, C] and back."""

from typing import NamedTuple

import numpy as np
from skimage.transform import resize

from colorjax.runtime.pixelwise import pad_reflected


class Letterboxed(NamedTuple):
    """An image in a square: the top left `height` x `width` is the image, the rest is its reflection."""

    square: np.ndarray
    height: int
    width: int


def letterbox(picture: np.ndarray, size: int) -> Letterboxed:
    """Fit an image [H, W, C] into [size, size, C]: its longer side becomes `size`, its proportions are kept."""
    scale = size / max(picture.shape[:2])
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    return Letterboxed(pad_reflected(_resized(picture, height, width), size, size), height, width)


def unletterbox(square: np.ndarray, fitted: Letterboxed, height: int, width: int) -> np.ndarray:
    """Return the image that a square holds, resized to its own size: the inverse of `letterbox`.

    Args:
      square: [S, S, C], such as a network's output for `fitted.square`.
      fitted: what `letterbox` returned; it gives the part of the square that the image fills.
      height: of the result, pixels.
      width: of the result, pixels.

    Returns:
      [height, width, C].
    """
    return _resized(square[: fitted.height, : fitted.width], height, width)


def _resized(picture, height, width):
    if picture.shape[:2] == (height, width):
        return picture
    return resize(picture, (height, width), order=1, mode="edge", anti_aliasing=True).astype(np.float32)
