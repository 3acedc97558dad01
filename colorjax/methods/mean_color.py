"""The baseline of colorization: one color for every pixel of every image."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from colorjax.color.spaces import recolor, rgb2lab
from colorjax.errors import UserError
from colorjax.methods.method import Method, Observation, Restored
from colorjax.pictures.images import Photograph
from colorjax.runtime.pixelwise import map_pixels


@dataclass
class MeanColor(Method):
    """Keeps the lightness of the input and gives every pixel the mean ab of training photographs.

    Of all single colors, the mean has the least squared error in ab on those photographs.

    Attributes:
      photographs: number of training photographs to learn from, evenly spaced among all of them. The mean of some
        hundreds is stable to a fraction of a unit of ab.
      ab: the mean a and b, every photograph with the same weight; None until `fit`.
    """

    photographs: int = 500
    ab: tuple[float, float] | None = field(default=None, init=False)
    name: ClassVar[str] = "mean_color"

    def fit(self, photographs: Sequence[Photograph]) -> "MeanColor":
        """Learn the mean ab of the training photographs and return self.

        Raises:
          UserError: there are no photographs, or the setting `photographs` is less than 1.
        """
        if self.photographs < 1 or not len(photographs):
            raise UserError(
                f"the mean color needs at least one training photograph; there are {len(photographs)}, "
                f"and method.photographs is {self.photographs}"
            )
        count = min(self.photographs, len(photographs))
        chosen = np.linspace(0, len(photographs) - 1, count).round().astype(int)
        means = [_mean_ab(photographs[int(index)].picture) for index in chosen]
        self.ab = tuple(float(value) for value in np.mean(means, axis=0))
        return self

    def weight_count(self) -> int:
        """Return 2, a and b."""
        return 2

    def restore(self, observation: Observation) -> Restored:
        """Return the image with its own lightness and the mean color, as far as sRGB can represent it.

        Raises:
          UserError: `fit` has not been called.
        """
        if self.ab is None:
            raise UserError("the mean color must learn from training photographs (fit) before it restores pictures")
        color = np.broadcast_to(np.float32(self.ab), (*observation.image.shape[:2], 2))
        return Restored(map_pixels(recolor, observation.image, color))


def _mean_ab(picture: np.ndarray) -> np.ndarray:
    """Return the mean a and b `[2]` of an image, uint8 `[H, W, 3]`."""
    return map_pixels(rgb2lab, picture.astype(np.float32) / np.float32(255))[..., 1:].mean(
        axis=(0, 1), dtype=np.float64
    )
