"""Pixelwise functions of an image, compiled for few shapes. Images are NumPy arrays `[H, W, C]` of any range."""

import functools
from collections.abc import Callable

import jax
import numpy as np

from colorjax.runtime.shape_buckets import pixelwise_side


def pad_reflected(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the image extended to `height` x `width` at the bottom and the right, by reflection at its edges."""
    below, right = height - picture.shape[0], width - picture.shape[1]
    if below == right == 0:
        return picture
    return np.pad(picture, [(0, below), (0, right), (0, 0)], mode="reflect")


def pad_to_shared_size(picture: np.ndarray) -> np.ndarray:
    """Return the image padded by reflection to sides that many images share.

    The sides are those of `shape_buckets.pixelwise_side`: powers of two from 32 to 256, then multiples of 256.
    """
    return pad_reflected(picture, *map(pixelwise_side, picture.shape[:2]))


def map_pixels(function: Callable, *pictures: np.ndarray) -> np.ndarray:
    """Return `function(*pictures)` as a NumPy array `[H, W, D]`, compiled for few shapes only.

    Args:
      function: a function of a module or a method of a hashable object. It must work under jit and treat each pixel
        alone (a color conversion, not a filter), so that the padding changes nothing.
      *pictures: images `[H, W, C]` of one height and width; converted to float32.
    """
    height, width = pictures[0].shape[:2]
    padded = [pad_to_shared_size(np.asarray(picture, np.float32)) for picture in pictures]
    # Bound methods of equal objects are not equal in Python. As function and object they share a compiled program.
    owner = getattr(function, "__self__", None)
    result = _call(function if owner is None else function.__func__, owner, *padded)
    return np.asarray(result)[:height, :width]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _call(function, owner, *pictures):
    return function(*pictures) if owner is None else function(owner, *pictures)
