"""What the methods of coloring by example share: a working size, and the way of the colors to the full image.

Lightness is float32 L in 0..100, [h, w]; colors are Lab a and b, [h, w, 2]; references are Lab [h, w, 3].
"""

import abc
import math
from typing import ClassVar, NamedTuple

import numpy as np

from colorjax.color.spaces import recolor, rgb2lab
from colorjax.inference.color_upsampling import upsample_colors
from colorjax.inference.resizing import resize
from colorjax.methods.method import Method, Observation, Restored
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks import TASKS

#: The longest side at which references and images are compared, pixels.
WORKING_SIDE = 256


class Transfer(NamedTuple):
    """Colors from one reference.

    Attributes:
      ab: [h, w, 2].
      confidence: how well each pixel's source fits, from 0 to 1, [h, w]. Comparable between references for one method.
    """

    ab: np.ndarray
    confidence: np.ndarray


class ByExample(Method):
    """A method that colors by one reference; a subclass defines `transfer`, and is a dataclass with its settings."""

    tasks: ClassVar[frozenset[str]] = frozenset(name for name, task in TASKS.items() if task.colorizes)
    needs: ClassVar[frozenset[str]] = frozenset({"references"})

    @abc.abstractmethod
    def transfer(self, lightness: np.ndarray, example: np.ndarray, regions: np.ndarray | None = None) -> Transfer:
        """Return the colors of an image at the working size. The same arguments give the same colors.

        Args:
          lightness: of the image, [h, w].
          example: the reference, Lab [H, W, 3].
          regions: for methods that learn which region a pixel takes its color from: a number for each pixel of the
            reference, int [H, W]; None to find regions. Other methods ignore it.
        """

    def restore(self, observation: Observation) -> Restored:
        """Return the image with the colors of its first reference, not clipped; lightness stays."""
        lightness = map_pixels(rgb2lab, observation.image)[..., 0]
        small = at_working_size(lightness)
        example = at_working_size(map_pixels(rgb2lab, observation.references[0]))
        found = self.transfer(small, example)
        return Restored(map_pixels(recolor, observation.image, upsample_colors(found.ab, small, lightness)))


def working_shape(height: int, width: int) -> tuple[int, int]:
    """Return the height and width of an image reduced so that no side is longer than `WORKING_SIDE`; never enlarged."""
    scale = min(1.0, WORKING_SIDE / max(height, width))
    return max(1, math.floor(height * scale + 0.5)), max(1, math.floor(width * scale + 0.5))


def at_working_size(values: np.ndarray) -> np.ndarray:
    """Return values [H, W] or [H, W, C] of an image at its `working_shape`."""
    return resize(values, *working_shape(*values.shape[:2]))
