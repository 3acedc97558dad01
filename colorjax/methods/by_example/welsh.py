"""Welsh's transfer: each pixel takes the color of the sampled reference pixel most like it.

Lightness is L in 0..100, [h, w]; colors are Lab a and b, [h, w, 2]; references are Lab [H, W, 3].
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from colorjax.errors import UserError
from colorjax.methods.by_example.method import ByExample, Transfer
from colorjax.methods.by_example.neighborhoods import mean_and_deviation, remapped, windows
from colorjax.methods.settings import require_at_least, require_odd, require_positive, require_within

#: A part of an image: bool [h, w], or a rectangle (top, left, bottom, right) without its bottom row and right column.
Part = np.ndarray | tuple[int, int, int, int]

#: Of each swatch of the gray image, so many colored pixels at most serve as examples for the rest.
EXAMPLES_OF_SWATCH = 500


class Swatch(NamedTuple):
    """A part of the gray image, and the part of the reference that it takes its colors from."""

    target: Part
    example: Part


@dataclasses.dataclass
class Welsh(ByExample):
    """Matches lightness and its local deviation with some 200 samples of the reference, and takes the best one's color.

    After Welsh et al. 2002. Luminance here is Lab's L, and colors are Lab's a and b; the paper works in l, alpha,
    beta, whose l gives other matches. The reference's lightness is first remapped to the image's mean and deviation.

    Attributes:
      samples: samples of the reference, on a jittered grid: so many or a few more, or all pixels if they are fewer.
      window: side of the neighborhood whose deviation is compared, pixels, odd. Swatches compare its pixels too.
      weight: of the difference of lightness, from 0 to 1; the difference of deviations has the rest.
      swatch_samples: samples of each swatch.
      scale: cost at which the confidence exp(-cost / scale) is 1/e, in units of L.
      seed: of the places of the samples.

    Raises:
      UserError: a setting outside its range.

    Reference: T. Welsh, M. Ashikhmin and K. Mueller, "Transferring color to greyscale images", SIGGRAPH 2002.
    """

    samples: int = 200
    window: int = 5
    weight: float = 0.5
    swatch_samples: int = 50
    scale: float = 5.0
    seed: int = 0
    name: ClassVar[str] = "welsh"

    def __post_init__(self):
        require_at_least(1, self, "samples", "swatch_samples")
        require_at_least(0, self, "seed")
        require_odd(self, "window")
        require_within(0, 1, self, "weight")
        require_positive(self, "scale")

    def transfer(self, lightness: np.ndarray, example: np.ndarray, regions: np.ndarray | None = None) -> Transfer:
        """Return each pixel's best match; the confidence falls with its cost."""
        del regions
        rows, columns = jittered_grid(*example.shape[:2], self.samples, np.random.default_rng(self.seed))
        source = self._features(remapped(example[..., 0], lightness))[rows, columns]
        cost, found = cKDTree(source).query(self._features(lightness), p=1)
        return Transfer(example[rows, columns, 1:][found], self._confidence(cost))

    def transfer_swatches(self, lightness: np.ndarray, example: np.ndarray, swatches: Sequence[Swatch]) -> Transfer:
        """Return the colors with pairs of parts that belong together, which a person marked.

        Each swatch of the image is colored from its own part of the reference. Every other pixel takes the color of
        the pixel in a swatch of the image whose neighborhood differs least, in the mean square.

        Args:
          lightness: of the image, [h, w].
          example: the reference, Lab [H, W, 3].
          swatches: one or more. A later one covers an earlier one.

        Raises:
          UserError: no swatch, an empty one, or one that doesn't fit its image.
        """
        if not len(swatches):
            raise UserError("coloring by swatches needs a swatch, and there is none")
        random = np.random.default_rng(self.seed)
        features = self._features(lightness)
        ab, cost = np.zeros((*lightness.shape, 2), np.float32), np.zeros(lightness.shape)
        taken, colored = np.zeros(lightness.shape, bool), []
        for number, swatch in enumerate(swatches):
            target = _mask(swatch.target, lightness.shape, f"target of swatch {number}")
            there = _mask(swatch.example, example.shape[:2], f"example of swatch {number}")
            source = self._features(remapped(example[..., 0], lightness[target], there))[there]
            chosen = _some(len(source), self.swatch_samples, random)
            cost[target], found = cKDTree(source[chosen]).query(features[target], p=1)
            ab[target] = example[there, 1:][chosen[found]]
            taken |= target
            places = np.flatnonzero(target)
            colored.append(places[_some(len(places), EXAMPLES_OF_SWATCH, random)])
        if not taken.all():
            patches = windows(lightness, self.window)
            places = np.unravel_index(np.unique(np.concatenate(colored)), lightness.shape)
            distance, found = cKDTree(patches[places].reshape(len(places[0]), -1)).query(
                patches[~taken].reshape(-1, self.window**2)
            )
            ab[~taken] = ab[places][found]
            cost[~taken] = cost[places][found] + distance / self.window
        return Transfer(ab, self._confidence(cost))

    def _features(self, lightness: np.ndarray) -> np.ndarray:
        """Return lightness and its local deviation, weighted so that the cost is the sum of differences, [h, w, 2]."""
        deviation = mean_and_deviation(lightness, self.window)[1]
        return np.stack([self.weight * lightness, (1 - self.weight) * deviation], axis=-1)

    def _confidence(self, cost: np.ndarray) -> np.ndarray:
        return np.exp(-cost / self.scale).astype(np.float32)


def jittered_grid(height: int, width: int, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and the columns of one random pixel in each cell of a grid, int [n] each.

    The cells are about square and cover the image. There are at least `count`, or one for each pixel if these are
    fewer.
    """
    down = min(height, math.ceil(math.sqrt(count * height / width)))
    across = min(width, math.ceil(count / down))
    top = np.arange(down + 1) * height // down
    left = np.arange(across + 1) * width // across
    shape = (down, across)
    rows = random.integers(np.broadcast_to(top[:-1, None], shape), np.broadcast_to(top[1:, None], shape))
    columns = random.integers(np.broadcast_to(left[:-1], shape), np.broadcast_to(left[1:], shape))
    return rows.ravel(), columns.ravel()


def _some(total: int, count: int, random: np.random.Generator) -> np.ndarray:
    """Return `count` different numbers below `total` in order, or all of them if they are fewer."""
    return np.sort(random.choice(total, min(count, total), replace=False))


def _mask(part: Part, shape: tuple[int, int], what: str) -> np.ndarray:
    """Return a part of an image as bool [h, w]."""
    if isinstance(part, np.ndarray) and part.dtype == bool:
        mask = part
        if mask.shape != shape:
            raise UserError(f"the {what} is a mask of {list(mask.shape)}, for an image of {list(shape)}")
    else:
        top, left, bottom, right = map(int, part)
        mask = np.zeros(shape, bool)
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    if not mask.any():
        raise UserError(f"the {what} has no pixel of the image of {list(shape)}")
    return mask
