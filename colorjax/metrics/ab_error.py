"""Metrics of the error in the ab plane of CIE Lab: PSNR, and the area under the curve of the shares of small errors.

Images are sRGB `[*b, H, W, 3]` in [0, 1], masks `[*b, H, W]` or None; each metric returns one number for each image,
`[*b]`. Lightness does not matter, so a method gains nothing by keeping it.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from colorjax.color import ab_bins
from colorjax.color.spaces import rgb2lab_planes
from colorjax.metrics.ab_accuracy import BINS, ab_bin
from colorjax.metrics.masking import each_picture, masked_mean

#: The peak of the PSNR: a and b as 8-bit files of Lab have them, which keep a + 128 and b + 128 in 0..255.
PEAK = 255.0
#: The largest threshold of the curve, in Lab units (Zhang, Isola and Efros 2016, section 3.1).
LARGEST_ERROR = 150.0
#: Colors rarer than this count as if this rare: the shares of still rarer ones are counts of single pixels.
LEAST_SHARE = 1e-5


@jax.jit
def ab_peak_signal_noise_ratio(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Return the PSNR of a and b in decibels for a peak of `PEAK`; inf for equal colors."""

    def error(truth, prediction, mask):
        return masked_mean(jnp.square(_differences(truth, prediction)), mask)

    mean = each_picture(error, truth, prediction, mask=mask, channels=(3,))
    return -10.0 * jnp.log10(mean / PEAK**2)


@jax.jit
def area_under_curve(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Return the area under the share of the pixels whose error in ab is at most t, for t from 0 to 150, over 150.

    Zhang et al. 2016, section 3.1 ("AuC"). The paper sums over whole t. This is the area itself, which is 1 minus the
    mean of the errors, none above 150, over 150. 1 for equal colors.
    """

    def area(truth, prediction, mask):
        return 1.0 - masked_mean(_limited_errors(truth, prediction), mask)

    return each_picture(area, truth, prediction, mask=mask, channels=(3,))


@jax.jit
def rebalanced_area_under_curve(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Return `area_under_curve` where a pixel weighs the more, the rarer its true color is.

    Zhang et al. 2016, section 3.1: weights of equation 4 with lambda 0, so 1 over the color's share of a training set's
    pixels. The shares are those of this project's bins, at least `LEAST_SHARE`. The weights are in proportion to those
    within each image, while the paper pools the pixels of all images.
    """
    rarity = jnp.asarray(_rarity(), truth.dtype)

    def area(truth, prediction, mask):
        weights = rarity[ab_bin(*rgb2lab_planes(truth)[1:])][..., None]
        errors = _limited_errors(truth, prediction)
        return 1.0 - masked_mean(weights * errors, mask) / masked_mean(weights, mask)

    return each_picture(area, truth, prediction, mask=mask, channels=(3,))


def _differences(truth, prediction):
    """Return the differences in a and b of one image, `[H, W, 2]`, exactly 0 where the two have the same color.

    XLA may round the conversions of the two sides differently, so that even equal colors would differ a little.
    """
    (true_a, true_b), (a, b) = rgb2lab_planes(truth)[1:], rgb2lab_planes(prediction)[1:]
    equal = jnp.all(truth == prediction, axis=-1, keepdims=True)
    return jnp.where(equal, 0.0, jnp.stack([a - true_a, b - true_b], axis=-1))


def _limited_errors(truth, prediction):
    """Return the distance in ab of each pixel of one image, over 150 and at most 1, `[H, W, 1]`."""
    distances = jnp.sqrt(jnp.sum(jnp.square(_differences(truth, prediction)), axis=-1, keepdims=True))
    return jnp.minimum(distances / LARGEST_ERROR, 1.0)


@functools.cache
def _rarity() -> np.ndarray:
    """Return 1 over the share of each of the bins of `ab_bin`, float32 `[BINS]`; larger for rarer bins, at most 1."""
    with jax.ensure_compile_time_eval():
        bins = np.asarray(ab_bin(*ab_bins.centers().T))
    shares = np.zeros(BINS)
    shares[bins] = ab_bins.smoothed_shares()
    return (LEAST_SHARE / np.maximum(shares, LEAST_SHARE)).astype(np.float32)
