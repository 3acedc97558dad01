"""Means over images with bootstrap intervals, paired differences between two methods, and means over seeds.

A row of values belongs to one image. A value that is not defined on an image is NaN and is left out of the mean;
`Estimate.count` is the number of images on which it is defined.

References: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (the percentile interval);
Student, The Probable Error of a Mean (Biometrika, 1908).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

RESAMPLES = 10_000
LEVEL = 0.95
_BLOCK = 500  # resamples drawn at a time, which bounds the memory: 500 x 3,352 images are 13 MB


class Estimate(NamedTuple):
    """A mean and its interval; `low` and `high` are NaN if fewer than two images (or seeds) have a value."""

    mean: float
    low: float
    high: float
    count: int


def means_with_intervals(values, weights=None, seed: int = 0, resamples: int = RESAMPLES) -> list[Estimate]:
    """Return the (weighted) means over images of several columns, with the percentile bootstrap interval of `LEVEL`.

    Args:
      values: float `[n, m]`, n images and m columns; NaN where a column is not defined on an image.
      weights: float `[n]`, or None for equal weights.
      seed: of the resampling of images with replacement. It depends on `seed` and n alone, so all columns, and two
        methods measured on the same images, are resampled alike.
      resamples: number of resamples.

    Returns:
      m estimates.
    """
    weighted, weighing = _weighted(values, weights)
    means = _ratio(weighted.sum(axis=0), weighing.sum(axis=0))
    resampled = np.concatenate(
        [_ratio(counts @ weighted, counts @ weighing) for counts in _counts(len(weighted), seed, resamples)]
    )
    defined = (~np.isnan(np.asarray(values, np.float64))).sum(axis=0).tolist()
    return [
        Estimate(float(mean), *_interval(column if count > 1 else column[:0]), count)
        for mean, column, count in zip(means, resampled.T, defined, strict=True)
    ]


def means_over_pictures(values, weights=None) -> np.ndarray:
    """Return only the means of `means_with_intervals`, `[m]`."""
    weighted, weighing = _weighted(values, weights)
    return _ratio(weighted.sum(axis=0), weighing.sum(axis=0))


def mean_over_seeds(values) -> Estimate:
    """Return the mean of `values` `[n]`, one per seed, with Student's t interval of `LEVEL`; NaN is left out.

    There are too few seeds for the bootstrap: three have only ten different resamples. The interval assumes a normal
    distribution over seeds.
    """
    values = np.asarray(values, np.float64)
    values = values[~np.isnan(values)]
    if values.size < 2:
        return Estimate(float(values[0]) if values.size else np.nan, np.nan, np.nan, values.size)
    mean = float(values.mean())
    half = float(stdtrit(values.size - 1, (1 + LEVEL) / 2) * values.std(ddof=1) / np.sqrt(values.size))
    return Estimate(mean, mean - half, mean + half, values.size)


def mean_with_interval(values, weights=None, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """Return the estimate of one column.

    Args:
      values: float `[n]`, NaN where not defined.
      weights: float `[n]`, or None for equal weights.
      seed: of the resampling.
      resamples: number of resamples.
    """
    return means_with_intervals(np.asarray(values, np.float64)[:, np.newaxis], weights, seed, resamples)[0]


def paired_differences(values, reference, weights=None, seed: int = 0, resamples: int = RESAMPLES) -> list[Estimate]:
    """Return the means of `values - reference`, image by image, with their intervals: m estimates.

    Much of the spread between images is common to two methods and cancels in the difference. So this interval, and not
    the two methods' own ones, shows whether they differ.

    Args:
      values: float `[n, m]` of one method, as for `means_with_intervals`.
      reference: float `[n, m]` of the other method, on the same images in the same order.
      weights: float `[n]`, or None for equal weights.
      seed: of the resampling.
      resamples: number of resamples.
    """
    values, reference = np.asarray(values, np.float64), np.asarray(reference, np.float64)
    if values.shape != reference.shape:
        raise ValueError(f"pairs need the same pictures: {values.shape} and {reference.shape}")
    return means_with_intervals(values - reference, weights, seed, resamples)


def _weighted(values, weights):
    """Return values times weights, and the weights where a value is defined, both `[n, m]` and 0 where it is not."""
    values = np.asarray(values, np.float64)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    if values.ndim != 2 or weights.shape != values.shape[:1]:
        raise ValueError(f"values are [n, m] with one weight a picture, not {values.shape} and {weights.shape}")
    defined = ~np.isnan(values)
    return np.where(defined, values, 0.0) * weights[:, np.newaxis], defined * weights[:, np.newaxis]


def _counts(n, seed, resamples):
    """Yield blocks `[b, n]`: how often each image is in each resample."""
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, _BLOCK):
        block = min(_BLOCK, resamples - start)
        picks = generator.integers(n, size=(block, n)) + n * np.arange(block)[:, np.newaxis]
        yield np.bincount(picks.ravel(), minlength=block * n).reshape(block, n).astype(np.float64)


def _interval(resampled):
    """Return the low and the high end. Resamples that by chance have no image with a value (NaN) are left out."""
    resampled = resampled[~np.isnan(resampled)]
    tail = (1 - LEVEL) / 2
    return np.quantile(resampled, [tail, 1 - tail]).tolist() if resampled.size else (np.nan, np.nan)


def _ratio(total, weight):
    return np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0)
