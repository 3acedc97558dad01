"""Regions of a reference: numbers 0, 1, ... for its pixels, given by a person or found by k-means.

References are Lab [H, W, 3]; regions are int [H, W].
"""

import numpy as np

from colorjax.errors import UserError

#: Of so many pixels k-means finds its means; then every pixel goes to the nearest.
SAMPLES = 4000
STEPS = 30

#: Length of the image's longer side, in units of Lab: larger, and regions become more compact.
EXTENT = 40.0


def regions_of(example: np.ndarray, given: np.ndarray | None, count: int, seed: int) -> np.ndarray:
    """Return the regions of a reference, numbered without gaps.

    Args:
      example: Lab [H, W, 3].
      given: any whole numbers [H, W], one for each region; None to find `count` regions or fewer.
      count: number of regions to find.
      seed: of the search.

    Raises:
      UserError: the given regions have another size than the reference.
    """
    shape = example.shape[:2]
    if given is None:
        given = found_regions(example, count, seed)
    elif given.shape != shape:
        raise UserError(f"regions of {list(given.shape)} for a reference of {list(shape)}: they must be alike")
    return np.unique(given, return_inverse=True)[1].reshape(shape)


def found_regions(example: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return regions alike in color and place: k-means of L, a, b and the pixel's coordinates, begun by k-means++."""
    height, width = example.shape[:2]
    places = np.indices((height, width)) * (EXTENT / max(height, width))
    points = np.concatenate([example.astype(np.float64), np.moveaxis(places, 0, -1)], axis=-1).reshape(-1, 5)
    random = np.random.default_rng(seed)
    some = points[random.choice(len(points), min(SAMPLES, len(points)), replace=False)]
    means = some[:1]
    while len(means) < count:
        distance = _squared_distances(some, means).min(axis=1)
        if distance.max() < 1e-6:
            break
        means = np.concatenate([means, some[random.choice(len(some), p=distance / distance.sum())][None]])
    for _ in range(STEPS):
        nearest = _squared_distances(some, means).argmin(axis=1)
        means = np.stack([some[nearest == k].mean(axis=0) if (nearest == k).any() else m for k, m in enumerate(means)])
    return _squared_distances(points, means).argmin(axis=1).reshape(height, width)


def _squared_distances(points: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Return [n, k] for points [n, d] and means [k, d]."""
    return np.stack([np.square(points - mean).sum(axis=1) for mean in means], axis=1)
