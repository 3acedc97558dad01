"""Undo what cutting off at black and white does to the mean of noise.

A file has no values beyond black and white. Near them, Gaussian noise is cut off on one side, so its mean is no longer
0: a dark surface is brighter on average, a bright one darker. A denoiser of Gaussian noise returns that mean. What it
should have been follows from the mean and the noise's level, by the inverse of `clipped_mean`: A. Foi, "Clipped noisy
images: Heteroskedastic modeling and practical denoising", Signal Processing 2009, section 4.

Values are in units of white, so that black is 0 and white is 1.
"""

import numpy as np
from scipy.special import ndtr

_STEPS = 1024  # of the tables between black and white
_WEAKEST, _STRONGEST = 1 / 255, 1.0  # levels that are looked for


def clipped_mean(value: np.ndarray, level: float) -> np.ndarray:
    """Return the mean of clip(value + level * n, 0, 1) with n of the standard normal distribution (equation 9 there).

    Args:
      value: any float array.
      level: standard deviation of the noise, above 0.
    """
    return clipped_moments(value, level)[0]


def clipped_moments(value: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of clip(value + level * n, 0, 1), as for `clipped_mean`."""
    low, high = -value / level, (1 - value) / level
    inside, above = ndtr(high) - ndtr(low), ndtr(-high)
    at_low, at_high = _density(low), _density(high)
    mean = value * inside + level * (at_low - at_high) + above
    square = (value**2 + level**2) * inside + level * (value * at_low - (value + 1) * at_high) + above
    return mean, np.maximum(square - mean**2, 0)


def noise_before_clipping(picture: np.ndarray, denoised: np.ndarray) -> float:
    """Return the standard deviation of the noise before it was cut off, from a picture and its denoised copy.

    It is the level whose variance after clipping, averaged over the values of the copy, is that of the difference
    between the two. So it is too small by what the denoiser leaves, and too large by the texture that it takes away.
    0 for less than one level of 255, which does no harm.

    Args:
      picture: uint8 or uint16 [H, W, C], noisy.
      denoised: of the same shape and dtype, not corrected.
    """
    largest = int(np.iinfo(picture.dtype).max)
    counts, total = np.zeros(_STEPS), 0.0
    for noisy_row, row in zip(picture, denoised, strict=True):  # row by row: the picture may be large
        clean = row.astype(np.float64) / largest
        total += np.sum((noisy_row / largest - clean) ** 2)
        counts += np.bincount(np.minimum((clean * _STEPS).astype(int), _STEPS - 1).ravel(), minlength=_STEPS)
    wanted = total / picture.size
    if wanted <= _WEAKEST**2:
        return 0.0
    means = (np.arange(_STEPS) + 0.5) / _STEPS
    weakest, strongest = _WEAKEST, _STRONGEST
    for _ in range(24):
        level = (weakest * strongest) ** 0.5
        variance = np.average(clipped_moments(_inverse(means, level), level)[1], weights=counts)
        weakest, strongest = (level, strongest) if variance < wanted else (weakest, level)
    return level


def undo_clipped_mean(denoised: np.ndarray, level: float) -> np.ndarray:
    """Return what a denoised picture would be without the shift of the mean, of the same shape and dtype.

    Args:
      denoised: uint8 or uint16 [H, W, C].
      level: of the noise before it was cut off; 0 for none.
    """
    if level == 0:
        return denoised
    largest = int(np.iinfo(denoised.dtype).max)
    table = np.clip(_inverse(np.arange(largest + 1) / largest, level), 0, 1)
    return np.rint(table * largest).astype(denoised.dtype)[denoised]


def _inverse(means: np.ndarray, level: float) -> np.ndarray:
    """Return the values whose `clipped_mean` these are; those beyond the means of black and white give black, white."""
    values = np.linspace(0, 1, 2 * _STEPS + 1)
    return np.interp(means, clipped_mean(values, level), values)


def _density(values: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * values**2) / np.sqrt(2 * np.pi)
