"""Irony's colorization by example: learn which region of the reference a pixel belongs to, then take colors there.

Lightness is L in 0..100, [h, w]; colors are Lab a and b, [h, w, 2]; references are Lab [H, W, 3]; labels are numbers of
regions, int.
"""

import dataclasses
from typing import ClassVar, NamedTuple

import numpy as np
import scipy.fft
import scipy.ndimage
from scipy.spatial import cKDTree

from colorjax.methods.by_example.method import ByExample, Transfer
from colorjax.methods.by_example.micro_scribbles import spread
from colorjax.methods.by_example.neighborhoods import remapped, windows
from colorjax.methods.by_example.regions import regions_of
from colorjax.methods.settings import require_at_least, require_odd, require_positive, require_within

#: Side of the neighborhood that is described, pixels.
SIDE = 7

#: Random pairs of pixels in each region, and of regions, whose differences are analyzed.
PAIRS = 2000

#: Keeps weights above 0, so that the sum over a window is never 0.
SMALLEST_WEIGHT = 1e-200


class Matches(NamedTuple):
    """What each pixel of an image found among samples of the reference.

    Attributes:
      label: region, int [h, w].
      sample: the nearest sample of that region, as its number, int [h, w].
      distance: to that sample in the discriminating subspace, [h, w].
    """

    label: np.ndarray
    sample: np.ndarray
    distance: np.ndarray


@dataclasses.dataclass
class Irony(ByExample):
    """Classifies pixels by texture, votes among neighbors, and spreads the colors of the pixels that agree.

    After Irony et al. 2005. In four steps: neighborhoods are described by their cosine transform, in a subspace that
    separates the reference's regions; the nearest samples vote for a pixel's region; the pixels of a window vote
    again, which gives a color and a confidence; confident pixels are micro-scribbles for Levin's equations. The
    reference's lightness is first remapped to the image's. If no regions are given, k-means finds some, while the
    paper takes them from a person.

    The confidence of the result is that of the vote, times exp(-distance / scale) of the match.

    Attributes:
      regions: number of regions to find in a reference that comes without.
      samples: samples of each region.
      neighbors: nearest samples that vote for a pixel's region.
      dropped: leading directions of the differences within regions that are left out, at most 48.
      kept: leading directions of the differences between regions that are used.
      window: side of the window of the second vote, pixels, odd.
      scale: distance at which a pixel's weight is 1/e, in units of L summed over the window's pixels as a norm.
      threshold: confidence of the vote from which on a pixel is a micro-scribble. At 0 all are, and none is changed.
      seed: of the samples.

    Raises:
      UserError: a setting outside its range.

    Reference: R. Irony, D. Cohen-Or and D. Lischinski, "Colorization by example", Eurographics Symposium on Rendering
    2005.
    """

    regions: int = 5
    samples: int = 500
    neighbors: int = 8
    dropped: int = 2
    kept: int = 12
    window: int = 7
    scale: float = 10.0
    threshold: float = 0.5
    seed: int = 0
    name: ClassVar[str] = "irony"

    def __post_init__(self):
        require_at_least(1, self, "regions", "samples", "neighbors", "kept")
        require_at_least(0, self, "seed")
        require_odd(self, "window")
        require_within(0, SIDE**2 - 1, self, "dropped")
        require_within(0, 1, self, "threshold")
        require_positive(self, "scale")

    def transfer(self, lightness: np.ndarray, example: np.ndarray, regions: np.ndarray | None = None) -> Transfer:
        """Return the colors of the matches, where the vote is sure of them, spread over the rest.

        Raises:
          UserError: regions of another size than the reference.
        """
        regions = regions_of(example, regions, self.regions, self.seed)
        places, matches = self.matched(lightness, example[..., 0], regions)
        weights = np.maximum(np.exp(-matches.distance / self.scale), SMALLEST_WEIGHT)
        labels, certainty = voted(matches.label, weights, self.window)
        ab = blended(example[..., 1:], regions, places[matches.sample], matches.label, labels, weights, self.window)
        ab = spread(lightness, ab, certainty >= self.threshold)
        return Transfer(ab, (certainty * weights).astype(np.float32))

    def matched(self, lightness: np.ndarray, source: np.ndarray, regions: np.ndarray) -> tuple[np.ndarray, Matches]:
        """Return the first vote's outcome.

        Args:
          lightness: of the image, [h, w].
          source: lightness of the reference, [H, W].
          regions: of the reference, int [H, W].

        Returns:
          The samples' rows and columns in the reference, int [n, 2], and the `Matches`.
        """
        random = np.random.default_rng(self.seed)
        flat = regions.ravel()
        chosen = np.concatenate([self._some(np.flatnonzero(flat == label), random) for label in np.unique(flat)])
        known = features(remapped(source, lightness)).reshape(-1, SIDE**2)[chosen]
        subspace = discriminating_subspace(known, flat[chosen], self.dropped, self.kept, random)
        wanted = features(lightness).reshape(-1, SIDE**2) @ subspace
        distances, found = cKDTree(known @ subspace).query(wanted, k=np.arange(min(self.neighbors, len(known))) + 1)
        # The first neighbor whose region has most votes: ties go to the nearest, and it is that region's nearest.
        labels = flat[chosen][found]
        best = (labels[:, :, None] == labels[:, None, :]).sum(axis=-1).argmax(axis=1)[:, None]
        parts = (np.take_along_axis(part, best, axis=1).reshape(lightness.shape) for part in (labels, found, distances))
        return np.stack(np.unravel_index(chosen, regions.shape), axis=-1), Matches(*parts)

    def _some(self, pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
        return random.choice(pixels, min(self.samples, len(pixels)), replace=False)


def features(lightness: np.ndarray) -> np.ndarray:
    """Return the orthonormal cosine transform (DCT-II) of each pixel's 7x7 neighborhood, float64 [h, w, 49]."""
    basis = scipy.fft.dct(np.eye(SIDE), axis=0, norm="ortho")
    transformed = basis @ windows(np.asarray(lightness, np.float64), SIDE) @ basis.T
    return transformed.reshape(*lightness.shape, SIDE**2)


def discriminating_subspace(
    described: np.ndarray, labels: np.ndarray, dropped: int, kept: int, random: np.random.Generator
) -> np.ndarray:
    """Return orthonormal directions in which regions differ, as a matrix [D, K] to multiply features with.

    The leading directions of differences within regions are dropped: they vary without meaning another region. Of the
    rest, the leading directions of differences between regions are kept. With a single region there are none, and
    those within it are used.

    Args:
      described: features, [n, D].
      labels: their regions, [n].
      dropped: number of directions to drop; fewer if not `kept` would be left.
      kept: number of directions to return, K, or D if it is less.
      random: draws the pairs.
    """
    first, second = random.integers(len(labels), size=(2, 8 * PAIRS))
    alike = labels[first] == labels[second]
    differences = described[first] - described[second]
    dimensions = described.shape[1]
    within = _leading(differences[alike][:PAIRS])[:, max(0, min(dropped, dimensions - kept)) :]
    between = differences[~alike] if not alike.all() else differences
    return within @ _leading(between[:PAIRS] @ within)[:, :kept]


def voted(labels: np.ndarray, weights: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels that windows vote for, int [h, w], and their share of the weights, 0 to 1, [h, w].

    conf(p, label) is the weight of the pixels of the window around p that have the label, divided by the weight of
    all. The window is cut at the image's edges.

    Args:
      labels: int [h, w].
      weights: above 0, [h, w].
      window: side, odd.
    """
    total = _window_sums(weights, window)
    known = np.unique(labels)
    shares = np.stack([_window_sums(np.where(labels == label, weights, 0.0), window) / total for label in known])
    return known[shares.argmax(axis=0)], shares.max(axis=0)


def blended(
    colors: np.ndarray,
    regions: np.ndarray,
    sources: np.ndarray,
    labels: np.ndarray,
    final: np.ndarray,
    weights: np.ndarray,
    window: int,
) -> np.ndarray:
    """Return the mean color [h, w, 2] that the matches around each pixel give it, float32.

    A neighbor q of pixel p with p's final label counts with its weight. It offers the color at its own match, moved
    by p - q; and that of its match itself where the moved place is outside the reference or the region.

    Args:
      colors: of the reference, [H, W, 2].
      regions: of the reference, int [H, W].
      sources: row and column of each pixel's match in the reference, int [h, w, 2].
      labels: region of each pixel's match, int [h, w].
      final: region of each pixel, which some pixel of its window matched, int [h, w].
      weights: of the matches, [h, w].
      window: side, odd.
    """
    height, width = labels.shape
    reach = window // 2
    total, mean = np.zeros(labels.shape), np.zeros((*labels.shape, 2))
    for dy in range(-min(reach, height - 1), min(reach, height - 1) + 1):
        for dx in range(-min(reach, width - 1), min(reach, width - 1) + 1):
            here = (slice(max(-dy, 0), height - max(dy, 0)), slice(max(-dx, 0), width - max(dx, 0)))
            there = (slice(max(dy, 0), height - max(-dy, 0)), slice(max(dx, 0), width - max(-dx, 0)))
            source, label = sources[there], labels[there]
            moved = np.clip(source - [dy, dx], 0, np.subtract(regions.shape, 1))
            stays = (moved == source - [dy, dx]).all(axis=-1) & (regions[moved[..., 0], moved[..., 1]] == label)
            place = np.where(stays[..., None], moved, source)
            weight = np.where(label == final[here], weights[there], 0.0)
            total[here] += weight
            mean[here] += weight[..., None] * colors[place[..., 0], place[..., 1]]
    return (mean / total[..., None]).astype(np.float32)


def _leading(differences: np.ndarray) -> np.ndarray:
    """Return the principal directions of differences [n, D], those of largest variance first, [D, D]."""
    return np.linalg.eigh(differences.T @ differences)[1][:, ::-1]


def _window_sums(values: np.ndarray, window: int) -> np.ndarray:
    """Return the sums over windows. Adding each term anew keeps tiny weights exact, as a running sum doesn't."""
    ones = np.ones(window)
    for axis in range(2):
        values = scipy.ndimage.correlate1d(values, ones, axis=axis, mode="constant")
    return values
