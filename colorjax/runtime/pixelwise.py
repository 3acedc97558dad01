"""Functions of a picture's pixels, compiled for few shapes. Pictures are NumPy arrays `[H, W, C]` of any range."""

import functools
import math
from collections.abc import Callable

import jax
import numpy as np


def pad_reflected(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the picture continued to `height` x `width` below and to the right by reflection at its edges."""
    below, right = height - picture.shape[0], width - picture.shape[1]
    if below == right == 0:
        return picture
    return np.pad(picture, [(0, below), (0, right), (0, 0)], mode="reflect")


def pad_to_shared_size(picture: np.ndarray) -> np.ndarray:
    """Return the picture padded by reflection to sides that many pictures share.

    They are the powers of two from 32 to 256, then the multiples of 256. A jitted function is compiled once a shape,
    which takes it longer than many pictures of that shape.
    """
    return pad_reflected(picture, *map(_shared_side, picture.shape[:2]))


def map_pixels(function: Callable, *pictures: np.ndarray) -> np.ndarray:
    """Return `function(*pictures)` `[H, W, D]` as numpy, compiled for few shapes only.

    Args:
      function: jit-safe and a function of each pixel alone (a color conversion, not a filter), so that the padding
        changes nothing; a function of a module, or a method of a hashable object.
      pictures: float32 arrays `[H, W, C]` of one height and width.
    """
    height, width = pictures[0].shape[:2]
    padded = [pad_to_shared_size(np.asarray(picture, np.float32)) for picture in pictures]
    # Bound methods of equal objects are unequal to Python; taken apart, they share what was compiled.
    owner = getattr(function, "__self__", None)
    result = _call(function if owner is None else function.__func__, owner, *padded)
    return np.asarray(result)[:height, :width]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _call(function, owner, *pictures):
    return function(*pictures) if owner is None else function(owner, *pictures)


def _shared_side(side: int) -> int:
    return max(32, 1 << (side - 1).bit_length()) if side <= 256 else math.ceil(side / 256) * 256
