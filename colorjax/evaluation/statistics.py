"""Means over pictures with bootstrap intervals, paired differences between two methods, and means over seeds.

A row of values is a picture. A value that is not defined on a picture is NaN and is left out of the mean;
`Estimate.count` says on how many it is defined.

References: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (the percentile interval);
Student, The Probable Error of a Mean (Biometrika, 1908).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

RESAMPLES = 10_000
LEVEL = 0.95
_BLOCK = 500  # resamples drawn at a time, which bounds the memory: 500 x 3,352 pictures are 13 MB


class Estimate(NamedTuple):
    """A mean and its interval; `low` and `high` are NaN where fewer than two pictures (or seeds) have a value."""

    mean: float
    low: float
    high: float
    count: int


def means_with_intervals(values, weights=None, seed: int = 0, resamples: int = RESAMPLES) -> list[Estimate]:
    """Return the (weighted) means over pictures of several columns, with the percentile bootstrap interval of `LEVEL`.

    Args:
      values: float `[n, m]`, n pictures and m columns; NaN where a column is not defined on a picture.
      weights: float `[n]`, or None for equal ones.
      seed: the pictures are resampled with replacement by a generator that depends on it and on n alone, so all
        columns, and two methods measured on the same pictures, are resampled alike.
      resamples: how many.

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
    """Return the means `[m]` of `means_with_intervals` alone."""
    weighted, weighing = _weighted(values, weights)
    return _ratio(weighted.sum(axis=0), weighing.sum(axis=0))


def mean_over_seeds(values) -> Estimate:
    """Return the mean of `values` `[n]`, one number a seed, with Student's t interval of `LEVEL`.

    Seeds are too few to be resampled: three of them have ten resamples that differ. The interval supposes that they
    are drawn from a normal distribution.
    """
    values = np.asarray(values, np.float64)
    values = values[~np.isnan(values)]
    if values.size < 2:
        return Estimate(float(values[0]) if values.size else np.nan, np.nan, np.nan, values.size)
    mean = float(values.mean())
    half = float(stdtrit(values.size - 1, (1 + LEVEL) / 2) * values.std(ddof=1) / np.sqrt(values.size))
    return Estimate(mean, mean - half, mean + half, values.size)


def mean_with_interval(values, weights=None, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """Return `means_with_intervals` of one column `[n]`."""
    return means_with_intervals(np.asarray(values, np.float64)[:, np.newaxis], weights, seed, resamples)[0]


def paired_differences(values, reference, weights=None, seed: int = 0, resamples: int = RESAMPLES) -> list[Estimate]:
    """Return the means of `values - reference` `[n, m]`, picture by picture, with their intervals.

    Much of the spread between pictures is common to two methods and cancels in the pair, so this interval is the one
    that says whether two methods differ.
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
    """Yield blocks `[b, n]` of how often each picture is in each resample."""
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, _BLOCK):
        block = min(_BLOCK, resamples - start)
        picks = generator.integers(n, size=(block, n)) + n * np.arange(block)[:, np.newaxis]
        yield np.bincount(picks.ravel(), minlength=block * n).reshape(block, n).astype(np.float64)


def _interval(resampled):
    """Return the low and the high end; a resample may by chance hold no picture with a value, and says nothing."""
    resampled = resampled[~np.isnan(resampled)]
    tail = (1 - LEVEL) / 2
    return np.quantile(resampled, [tail, 1 - tail]).tolist() if resampled.size else (np.nan, np.nan)


def _ratio(total, weight):
    return np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0)
