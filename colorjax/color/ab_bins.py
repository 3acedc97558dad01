"""The ab plane of CIE Lab, cut into bins: soft encoding of a color, and decoding of a distribution over the bins.

The bins are centered at multiples of 10, as in Zhang, Isola and Efros, "Colorful Image Colorization" (ECCV 2016).
The paper has 313 bins, chosen by a rule that is not known. Here a bin counts if some color of sRGB falls into it:
261 bins, found by a sweep of all 8-bit colors. `ab_bins.csv` lists them with the share of a training set's pixels in
each (`datasets/ab_shares.py` counts them). Colors are float32 Lab `[*b, 2]`; distributions are over the last axis.
"""

import csv
import functools
from importlib import resources

import jax
import jax.numpy as jnp
import numpy as np

from colorjax.metrics.ab_accuracy import BIN_SIZE

# Standard deviation of the soft encoding, in Lab units (Zhang et al., section 2.2).
ENCODING_SIGMA = 5.0

# Share of the uniform distribution in the prior of the rarity weights. Zhang et al. use 0.5 (equation 4): a rare color
# then counts a hundred times as much as gray, which costs much PSNR. With 0.9 it counts ten times as much.
UNIFORM_SHARE = 0.9
# Standard deviation in bins of the Gaussian that smooths the shares (5 Lab units in the paper).
SMOOTHING_SIGMA = 0.5


@functools.cache
def table() -> np.ndarray:
    """Return float64 `[bins, 3]`: a and b of each bin's center, and the bin's share of a training set's pixels."""
    with resources.files("colorjax.color").joinpath("ab_bins.csv").open(encoding="utf-8") as file:
        rows = [[float(row[key]) for key in ("a", "b", "share")] for row in csv.DictReader(file)]
    return np.array(rows)


def count() -> int:
    """Return the number of bins."""
    return len(table())


def centers() -> np.ndarray:
    """Return a and b of the bins' centers, float32 `[bins, 2]`."""
    return table()[:, :2].astype(np.float32)


def encode(ab: jax.Array) -> jax.Array:
    """Return the logits `[*b, bins]` of the soft encoding of colors `[*b, 2]`; their softmax is the distribution.

    The probability of a bin falls with its distance as a Gaussian of `ENCODING_SIGMA`. The paper keeps the nearest five
    bins alone; here all bins count, and the others have some 4% together (7% at most).
    """
    # |x - c|^2 = |x|^2 - 2 x.c + |c|^2: the first term is the same for all bins, so it does not change the softmax.
    products = jnp.tensordot(ab, centers().T, axes=1, precision="highest")
    squares = jnp.asarray(np.sum(centers() ** 2, axis=-1)).reshape((1,) * (ab.ndim - 1) + (-1,))
    return (2 * products - squares) / (2 * ENCODING_SIGMA**2)


def annealed_mean(logits: jax.Array, temperature: float | jax.Array) -> jax.Array:
    """Return the mean color `[*b, 2]` of the sharpened distributions with the logits `[*b, bins]`.

    Zhang et al., equation 5. Temperature 1 gives the mean; towards 0 the result becomes the mode.
    """
    return jnp.tensordot(jax.nn.softmax(logits / temperature, axis=-1), centers(), axes=1, precision="highest")


@functools.cache
def rarity_weights() -> np.ndarray:
    """Return the weight of each bin in a loss, float32 `[bins]`: larger for rarer bins, 1 on average over the pixels.

    Zhang et al., equation 4: 1 / ((1 - u) p + u / bins), where u is `UNIFORM_SHARE` and p are the smoothed shares.
    """
    points, shares = table()[:, :2] / BIN_SIZE, table()[:, 2]
    distances = np.sum((points[:, np.newaxis] - points) ** 2, axis=-1)
    kernel = np.exp(-distances / (2 * SMOOTHING_SIGMA**2))
    smoothed = (kernel / kernel.sum(axis=0)) @ shares
    weights = 1 / ((1 - UNIFORM_SHARE) * smoothed + UNIFORM_SHARE / len(shares))
    return (weights / np.sum(smoothed * weights)).astype(np.float32)
