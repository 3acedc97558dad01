"""Find the references that are most like a gray image, first by the whole and then by what lies where.

The whole: the blocks of the descriptors are standardized over the index and reduced to their principal components; the
cosine of the angle between two of them is their likeness.
What lies where: the best of those are compared cell by cell. Each cell of the target is as far from a reference as from
the most similar of the cells there or next to there; the distance is the mean over the cells, 0 for equal images. It
does not depend on the index. In these two steps, with the features of a network, M. He, D. Chen, J. Liao, P. Sander
and L. Yuan recommend references ("Deep exemplar-based colorization", SIGGRAPH 2018).
"""

import itertools
from typing import NamedTuple

import numpy as np
import scipy.linalg

from colorjax.errors import UserError
from colorjax.methods.retrieval.descriptor import BLOCKS, GRID, cells, describe
from colorjax.methods.retrieval.index import Index

COMPONENTS = 64
CANDIDATES = 20  # compared cell by cell, or as many as are wanted

#: Images whose thumbnails correlate more are copies of each other.
COPY = 0.98

PAIRS = 2000  # random pairs of references, whose distances tell what chance gives

#: If a larger share of random pairs is nearer than the best match, nothing like the image is there. Of 4,800
#: photographs of all kinds one in fifty is that far from all others.
UNLIKE = 0.1

# Mean energy of a filter in a cell over 4,800 photographs, to which differences of energies are related.
_TYPICAL_ENERGY = 0.05


class Match(NamedTuple):
    """A reference that was found.

    Attributes:
      number: in the index.
      name: in the index.
      distance: from the target, 0 or more.
    """

    number: int
    name: str
    distance: float


class Matches(NamedTuple):
    """What was found for one image.

    Attributes:
      found: the nearest first.
      chance: share of random pairs of references that are nearer to each other than the nearest one is to the image,
        0 to 1. None if the index has no pairs.
      copies: names of references left out because they are copies of the image.
    """

    found: tuple[Match, ...]
    chance: float | None
    copies: tuple[str, ...]

    @property
    def are_poor(self) -> bool:
        """Whether even the nearest reference is hardly nearer than chance (`UNLIKE`), so that colors may be any."""
        return self.chance is not None and self.chance > UNLIKE


class Search:
    """Searches in one index."""

    def __init__(self, index: Index):
        """Prepare for an index, which takes two seconds for 10,000 references."""
        self.index = index
        descriptors = index.descriptors
        self._mean = descriptors.mean(axis=0)
        self._projection = _projection(descriptors - self._mean)
        self._wholes = _unit((descriptors - self._mean) @ self._projection)
        self._thumbnails = np.ascontiguousarray(descriptors[:, BLOCKS["thumbnail"]])
        self._chance = np.sort(_random_distances(descriptors))

    def nearest(self, lightness: np.ndarray, count: int, content: str = "", keep_copies: bool = False) -> Matches:
        """Return the references most like an image, `count` of them or as many as there are.

        Args:
          lightness: of the image, 0..100, [h, w].
          count: 1 or more.
          content: `content_hash` of the image, if there is one; a reference with this hash is a copy.
          keep_copies: whether copies of the image can be found, too.

        Raises:
          UserError: all references are copies of the image.
        """
        own = describe(lightness)[np.newaxis]
        descriptors = self.index.descriptors
        is_copy = self._thumbnails @ own[0, BLOCKS["thumbnail"]] > COPY
        if content:
            is_copy |= [one == content for one in self.index.hashes]
        if keep_copies:
            is_copy[:] = False
        if is_copy.all():
            raise UserError("no reference but copies of the picture itself; give a folder with other photographs")
        likeness = self._wholes @ _unit((own - self._mean) @ self._projection)[0]
        likeness[is_copy] = -np.inf
        wanted = min(max(count, CANDIDATES), int(np.sum(~is_copy)))
        candidates = np.argsort(-likeness, kind="stable")[:wanted]
        distances = cell_distances(own, descriptors[candidates])
        best = np.argsort(distances, kind="stable")[:count]
        found = tuple(
            Match(int(candidates[place]), self.index.names[candidates[place]], float(distances[place]))
            for place in best
        )
        pairs = len(self._chance)
        return Matches(
            found=found,
            chance=float(np.searchsorted(self._chance, found[0].distance) / pairs) if pairs else None,
            copies=tuple(self.index.names[number] for number in np.flatnonzero(is_copy)),
        )


def cell_distances(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the distance of each image from another, as the module says, [n].

    Two cells differ by the sum of three terms, each up to about 1: the mean difference of the filters' energies, half
    the squared difference of the histograms of orientations, and the earth mover's distance of those of lightness.

    Args:
      own: descriptors, [n or 1, LENGTH].
      others: descriptors, [n, LENGTH].
    """
    mine, theirs = ([cells(one, block) for block in ("gabor", "gradients", "tones")] for one in (own, others))
    nearest = np.full((len(others), GRID, GRID), np.inf, np.float32)
    for steps in itertools.product((-1, 0, 1), repeat=2):
        here = (slice(None), *(slice(max(0, -step), GRID - max(0, step)) for step in steps))
        there = (slice(None), *(slice(max(0, step), GRID - max(0, -step)) for step in steps))
        gabor, gradients, tones = (a[here] - b[there] for a, b in zip(mine, theirs, strict=True))
        differences = (
            np.abs(gabor).mean(axis=-1) / _TYPICAL_ENERGY
            + np.square(gradients).sum(axis=-1) / 2
            + np.abs(np.cumsum(tones, axis=-1)).mean(axis=-1)
        )
        nearest[here] = np.minimum(nearest[here], differences)
    return nearest.mean(axis=(1, 2))


def _random_distances(descriptors: np.ndarray) -> np.ndarray:
    """Return the distances of `PAIRS` random pairs of different images, or of none if there is but one."""
    if len(descriptors) < 2:
        return np.zeros(0, np.float32)
    generator = np.random.default_rng(0)
    first = generator.integers(len(descriptors), size=PAIRS)
    second = (first + generator.integers(1, len(descriptors), size=PAIRS)) % len(descriptors)
    return cell_distances(descriptors[first], descriptors[second])


def _projection(centered: np.ndarray) -> np.ndarray:
    """Return the matrix that standardizes descriptors and takes their principal components, float32 [LENGTH, K].

    Every value is divided by its standard deviation, to which that of its block is added in quadrature, so that no
    value that hardly varies becomes large. All blocks then weigh the same, however long they are.

    Args:
      centered: descriptors less their mean, [n, LENGTH].
    """
    scale = np.ones(centered.shape[1], np.float32)
    for place in BLOCKS.values():
        variance = np.square(centered[:, place]).mean(axis=0)
        length = place.stop - place.start
        scale[place] = 1 / np.sqrt(np.maximum((variance + variance.mean()) * length, 1e-12))
    standardized = centered * scale
    if len(standardized) <= COMPONENTS:
        _, _, components = np.linalg.svd(standardized, full_matrices=False)
        return scale[:, np.newaxis] * components.T
    last = len(scale) - 1
    _, vectors = scipy.linalg.eigh(standardized.T @ standardized, subset_by_index=(last - COMPONENTS + 1, last))
    return scale[:, np.newaxis] * vectors


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors [n, K] of norm one; zeros stay."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
