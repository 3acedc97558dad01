"""Gupta's colorization with superpixels: cascaded matching, a vote among neighbors, and micro-scribbles.

Lightness is L in 0..100, [h, w]; colors are Lab a and b, [h, w, 2] or, of superpixels, [n, 2]; references are Lab
[H, W, 3].
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import scipy.sparse
from scipy.spatial.distance import cdist

from colorjax.errors import UserError
from colorjax.methods.by_example.method import ByExample, Transfer
from colorjax.methods.by_example.micro_scribbles import spread
from colorjax.methods.by_example.neighborhoods import remapped
from colorjax.methods.by_example.superpixels import Superpixels, described, superpixels
from colorjax.methods.settings import require_at_least, require_positive, require_within

#: Of the blocks of features in the final cost: Gabor, DAISY, intensity, neighbors. The values of an open copy.
WEIGHTS = (0.2, 0.5, 0.2, 0.1)

#: Superpixels whose distances to all of the reference are in memory at the same time.
CHUNK = 1024

#: Steps of the two means among the colors of a neighborhood.
STEPS = 5


@dataclasses.dataclass
class Gupta(ByExample):
    """Matches superpixels of the image and of the reference, and spreads the colors of the best matches.

    After Gupta et al. 2012. Superpixels are matched in a cascade: each block of features in turn keeps the best of the
    candidates that are left, and the weighted sum of all blocks decides between the last ones. A vote among touching
    superpixels replaces the colors that are in a minority. The superpixels with the best matches become
    micro-scribbles for Levin's equations. The reference's lightness is first remapped to the image's.

    What takes the place of the paper's parts:
      SLIC that of Turbopixels, on lightness also for the reference.
      DAISY that of SURF, whose 128 values need a library that may not be used freely; DAISY has 104.
      The two means of the colors around a superpixel that of the paper's vote.

    Each feature is divided by its standard deviation over the reference, and each block's distance by the root of its
    number of features. The confidence is exp(-cost / scale), alike for all pixels of a superpixel.

    Attributes:
      area: of a superpixel, pixels.
      fraction: of the candidates that each block keeps, above 0, at most 1. At 1 the search is exhaustive.
      scribbled: share of the superpixels, those with the best matches, that become micro-scribbles. At 0 none do, and
        at 1 all: then the pixels between the scribbles are still found by Levin's equations.
      radius: of a micro-scribble around the center of its superpixel, pixels. It stays within the superpixel.
      scale: cost at which the confidence is 1/e, in standard deviations.

    Raises:
      UserError: a setting outside its range.

    Reference: R. K. Gupta, A. Y.-S. Chia, D. Rajan, E. S. Ng and H. Zhiyong, "Image colorization using similar images",
    ACM Multimedia 2012.
    """

    area: int = 100
    fraction: float = 0.5
    scribbled: float = 0.5
    radius: float = 3.0
    scale: float = 1.0
    name: ClassVar[str] = "gupta"

    def __post_init__(self):
        require_at_least(1, self, "area")
        if not 0 < self.fraction <= 1:
            raise UserError(f"method.fraction={self.fraction}: must be above 0 and at most 1")
        require_within(0, 1, self, "scribbled")
        require_positive(self, "radius", "scale")

    def transfer(self, lightness: np.ndarray, example: np.ndarray, regions: np.ndarray | None = None) -> Transfer:
        """Return the colors of the best matches, voted upon, and spread. The confidence is that of the own match."""
        del regions
        own = superpixels(lightness, self.area)
        there = superpixels(example[..., 0], self.area)
        source = described(remapped(example[..., 0], lightness), there)
        wanted, source = normalized(described(lightness, own), source)
        found, cost = cascaded(wanted, source, WEIGHTS, self.fraction)
        colors = voted((there.means @ example[..., 1:].reshape(-1, 2))[found], own.touching)
        count = math.ceil(self.scribbled * len(cost))
        chosen = np.zeros(len(cost), bool)
        chosen[np.argsort(cost, kind="stable")[:count]] = True
        marked = centers(own, self.radius) & chosen[own.labels]
        ab = spread(lightness, colors[own.labels].astype(np.float32), marked)
        return Transfer(ab, np.exp(-cost / self.scale)[own.labels].astype(np.float32))


def normalized(wanted: Sequence[np.ndarray], source: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return blocks of features [n, D] of image and reference, divided so that blocks and features weigh alike.

    Every feature is divided by its standard deviation over the reference, and by the root of the number of features.
    A feature that is constant in the reference tells nothing and becomes 0.
    """
    scales = []
    for block in source:
        deviation = block.std(axis=0)
        # A deviation of rounding errors is none.
        varies = deviation > 1e-6 * np.abs(block).max(axis=0)
        scales.append(np.where(varies, 1 / np.where(varies, deviation, 1), 0) / math.sqrt(block.shape[1]))
    return tuple([block * scale for block, scale in zip(blocks, scales, strict=True)] for blocks in (wanted, source))


def cascaded(
    wanted: Sequence[np.ndarray], source: Sequence[np.ndarray], weights: Sequence[float], fraction: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return each superpixel's match in the reference, int [n], and its cost, [n].

    Args:
      wanted: the image's blocks of features, [n, D] each.
      source: the reference's, [m, D] each.
      weights: of the distances of the blocks in the cost.
      fraction: of the candidates that each block keeps, rounded up.
    """
    found, cost = [], []
    for first in range(0, len(wanted[0]), CHUNK):
        distances = [cdist(a[first : first + CHUNK], b) for a, b in zip(wanted, source, strict=True)]
        candidates = np.broadcast_to(np.arange(len(source[0])), distances[0].shape)
        for distance in distances:
            order = np.argsort(np.take_along_axis(distance, candidates, axis=1), axis=1, kind="stable")
            kept = math.ceil(candidates.shape[1] * fraction)
            candidates = np.take_along_axis(candidates, order[:, :kept], axis=1)
        costs = sum(weight * distance for weight, distance in zip(weights, distances, strict=True))
        costs = np.take_along_axis(costs, candidates, axis=1)
        best = costs.argmin(axis=1)[:, None]
        found.append(np.take_along_axis(candidates, best, axis=1)[:, 0])
        cost.append(np.take_along_axis(costs, best, axis=1)[:, 0])
    return np.concatenate(found), np.concatenate(cost)


def voted(colors: np.ndarray, touching: scipy.sparse.csr_array) -> np.ndarray:
    """Return colors [n, 2], with those of minorities replaced.

    The colors of a superpixel and of those that touch it are divided among two means. If its own mean has fewer
    members than the other, it takes the other.
    """
    count = np.diff(touching.indptr)
    members = np.tile(np.arange(len(count))[:, None], (1, count.max(initial=0) + 1))
    rows = np.repeat(np.arange(len(count)), count)
    members[rows, 1 + np.arange(len(rows)) - touching.indptr[rows]] = touching.indices
    there = np.arange(members.shape[1]) <= count[:, None]
    around = colors[members]
    # The means begin at the own color and at the one farthest from it.
    first = colors
    apart = np.where(there, np.square(around - first[:, None]).sum(axis=-1), -1)
    second = np.take_along_axis(around, apart.argmax(axis=1)[:, None, None], axis=1)[:, 0]
    for _ in range(STEPS):
        nearer = np.square(around - first[:, None]).sum(axis=-1) <= np.square(around - second[:, None]).sum(axis=-1)
        first, second = (
            np.where(part.any(axis=1)[:, None], _mean(around, part), mean)
            for part, mean in ((there & nearer, first), (there & ~nearer, second))
        )
    sizes = np.stack([(there & nearer).sum(axis=1), (there & ~nearer).sum(axis=1)])
    with_first = nearer[:, 0]
    minority = np.where(with_first, sizes[0] < sizes[1], sizes[1] < sizes[0])
    return np.where(minority[:, None], np.where(with_first[:, None], second, first), colors)


def centers(parts: Superpixels, radius: float) -> np.ndarray:
    """Return the pixels of each superpixel within `radius` of its center, bool [h, w]: at least one of each.

    The center is the superpixel's pixel nearest to the mean of their places.
    """
    places = np.indices(parts.labels.shape).reshape(2, -1).T.astype(np.float64)
    labels = parts.labels.ravel()
    distance = np.linalg.norm(places - (parts.means @ places)[labels], axis=1)
    order = np.lexsort((distance, labels))
    nearest = order[np.searchsorted(labels[order], np.arange(labels.max() + 1))]
    return (np.linalg.norm(places - places[nearest][labels], axis=1) <= radius).reshape(parts.labels.shape)


def _mean(values: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Return the mean [n, 2] of the values [n, m, 2] in a part, bool [n, m]; 0 if it is empty."""
    return (values * part[..., None]).sum(axis=1) / np.maximum(part.sum(axis=1), 1)[:, None]
