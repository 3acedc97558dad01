"""What guides a colorizing network, in the form that it takes: hints on its copy of an image, and a palette."""

import numpy as np

from colorjax.color.spaces import rgb2lab
from colorjax.inference.resizing import resize
from colorjax.methods.method import Hints
from colorjax.methods.scribble.hints import means_of_marked
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks.colorize_guided import palette

_REFERENCE_SIDE = 224  # pixels of the square that a reference is resized to


def reduced_hints(hints: Hints, height: int, width: int) -> np.ndarray:
    """Return the hints on a copy of an image: Lab a and b, and 1 where there is a hint, float32 [height, width, 3].

    A pixel of the copy has the mean color of the hints that it covers.
    """
    rows, columns = np.nonzero(hints.mask)
    ab = np.zeros((*hints.mask.shape, 2), np.float32)
    if rows.size:
        ab[rows, columns] = map_pixels(rgb2lab, hints.colors[rows, columns][np.newaxis])[0, :, 1:]
    means, there = means_of_marked(ab, hints.mask, height, width)
    return np.concatenate([means, there[..., np.newaxis].astype(np.float32)], axis=-1)


def palette_of_image(image: np.ndarray) -> np.ndarray:
    """Return the palette [PALETTE] of a whole color image, float32 [H, W, 3] in [0, 1], of any size."""
    lab = map_pixels(rgb2lab, resize(image, _REFERENCE_SIDE, _REFERENCE_SIDE))
    return np.asarray(palette(lab[np.newaxis, ..., 1:]))[0]
