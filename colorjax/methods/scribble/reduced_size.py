"""Scribbles on a reduced copy of a large image, whose colors are then brought to full size along the image's edges.

Luminance is float32 [H, W] in [0, 1], chroma float32 [H, W, 2], a mask bool [H, W].
"""

import math

import numpy as np

from colorjax.inference.color_upsampling import upsample_colors
from colorjax.inference.resizing import resize
from colorjax.methods.scribble.hints import means_of_marked
from colorjax.methods.scribble.levin import propagate


def propagate_reduced(luminance: np.ndarray, chroma: np.ndarray, mask: np.ndarray, most_pixels: int) -> np.ndarray:
    """Return what `levin.propagate` does, nearly, by the solution for a copy of at most `most_pixels` pixels.

    Every pixel of the copy that covers a marked one is marked, with their mean color, so no stroke is too thin for it.
    Marked pixels keep their chroma, and no other pixel is outside the range of the marked ones.
    """
    height, width = luminance.shape
    scale = min(1.0, math.sqrt(most_pixels / luminance.size))
    # A picture of few rows keeps at least one of them, and gets fewer columns for it.
    rows = max(1, math.floor(height * scale))
    columns = max(1, math.floor(min(width * scale, most_pixels / rows)))
    means, marked = means_of_marked(chroma, mask, rows, columns)
    small = resize(luminance, rows, columns)
    colors = upsample_colors(propagate(small, means, marked), 100 * small, 100 * luminance)
    return np.where(mask[..., np.newaxis], chroma, colors)
