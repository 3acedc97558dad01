"""Micro-scribbles: colors of the pixels that a method is sure of, spread over the others by Levin's equations.

Lightness is L in 0..100, [h, w]; colors are Lab a and b, float32 [h, w, 2].
"""

import numpy as np

from colorjax.methods.scribble.levin import propagate


def spread(lightness: np.ndarray, ab: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """Return the colors with those of unmarked pixels replaced. Marked ones stay, and none leaves their range.

    L / 100 takes the place of Levin's luma, and a and b that of I and Q; the equations are the same.

    Args:
      lightness: [h, w].
      ab: [h, w, 2].
      marked: bool [h, w]. If no pixel is marked, all colors stay.
    """
    if marked.all() or not marked.any():
        return ab
    return propagate(lightness / np.float32(100), ab, marked)
