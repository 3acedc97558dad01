"""The copy of an image that a colorizing network sees as a whole, and its way there and back.

Two kinds. A *reduced* copy keeps the image's proportions, so images of different proportions need programs of their
own. A *stretched* copy always fills a square of one size, so one compiled program serves every image.
"""

from typing import NamedTuple

import numpy as np

from colorjax.inference.reduced_size import reduced_shape
from colorjax.runtime.pixelwise import pad_reflected
from colorjax.runtime.shape_buckets import network_side

KINDS = ("reduced", "stretched")

# An image is stretched by at most this factor; beyond it the square is filled with the image's reflection.
MOST_STRETCH = 2.0


class WorkingCopy(NamedTuple):
    """The shape of a copy: `height` x `width` pixels of a canvas are the image, the rest is its reflection."""

    height: int
    width: int
    canvas: tuple[int, int]

    def on_canvas(self, copy: np.ndarray) -> np.ndarray:
        """Return a copy [height, width, C] extended to the canvas by reflection."""
        return pad_reflected(copy, *self.canvas)

    def hints_on_canvas(self, hints: np.ndarray) -> np.ndarray:
        """Return hints [height, width, 3] extended to the canvas, without any hint outside the copy."""
        return np.pad(hints, [(0, self.canvas[0] - self.height), (0, self.canvas[1] - self.width), (0, 0)])

    def of_image(self, outputs: np.ndarray) -> np.ndarray:
        """Return the part of outputs [h, w, C] for the canvas that is the image; h and w may be coarser than it."""
        rows = max(1, round(self.height * outputs.shape[0] / self.canvas[0]))
        columns = max(1, round(self.width * outputs.shape[1] / self.canvas[1]))
        return outputs[:rows, :columns]


def working_copy(kind: str, height: int, width: int, size: int) -> WorkingCopy:
    """Return the shape of an image's copy.

    Args:
      kind: one of `KINDS`.
      height: of the image, any.
      width: of the image, any.
      size: pixels, 1 or more: of the reduced copy's short side, or of the square. Rounded to a multiple of 16.
    """
    if kind == "reduced":
        shape = reduced_shape(height, width, size)
        return WorkingCopy(*shape, shape)
    side = network_side(size)
    shorter = min(1.0, MOST_STRETCH * min(height, width) / max(height, width))
    short = min(side, max(16, round(side * shorter / 16) * 16))
    shape = (short, side) if height < width else (side, short)
    return WorkingCopy(*shape, (side, side))
