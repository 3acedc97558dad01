"""Metrics of recovered colors in the ab plane of CIE Lab, cut into bins of 10x10.

The bins are centered at the multiples of 10 from -110 to 110, 23 x 23 of them, as in Zhang, Isola and Efros, "Colorful
Image Colorization" (ECCV 2016). Images are sRGB `[*b, H, W, 3]` in [0, 1], masks `[*b, H, W]` or None. Each metric
returns one share in [0, 1] for each image, `[*b]` (nan for an image without pixels). Lightness does not matter.
"""

import jax
import jax.numpy as jnp

from colorjax.color.spaces import rgb2lab_planes
from colorjax.metrics.info import ACCURACY_DISTANCE
from colorjax.metrics.masking import each_picture, masked_mean

BIN_SIZE = 10.0
OUTERMOST = 11  # bins from -11 to 11 times BIN_SIZE along a and along b
BINS_PER_AXIS = 2 * OUTERMOST + 1
BINS = BINS_PER_AXIS**2


@jax.jit
def color_accuracy(
    truth: jax.Array,
    prediction: jax.Array,
    mask: jax.Array | None = None,
    distance: float = ACCURACY_DISTANCE,
) -> jax.Array:
    """Return the share of the pixels whose predicted (a, b) is near the true one.

    Args:
      truth: images `[*b, H, W, 3]`.
      prediction: images of the same shape.
      mask: bool `[*b, H, W]`, or None if all pixels count.
      distance: the largest Euclidean distance that counts as near, in Lab units.
    """

    def share(truth, prediction, mask):
        (true_a, true_b), (predicted_a, predicted_b) = _ab(truth), _ab(prediction)
        near = (true_a - predicted_a) ** 2 + (true_b - predicted_b) ** 2 <= distance**2
        return masked_mean(near[..., None].astype(truth.dtype), mask)

    return each_picture(share, truth, prediction, mask=mask, channels=(3,))


@jax.jit
def bin_accuracy(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Return the share of the pixels whose predicted color falls into the true color's bin."""

    def share(truth, prediction, mask):
        right = ab_bin(*_ab(truth)) == ab_bin(*_ab(prediction))
        return masked_mean(right[..., None].astype(truth.dtype), mask)

    return each_picture(share, truth, prediction, mask=mask, channels=(3,))


@jax.jit
def macro_precision(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Return the mean, over the bins present in the truth, of: pixels rightly put into the bin / pixels put into it.

    A bin that is present but never predicted counts as 0. A bin that is predicted but not present has no term of its
    own, so that precision and sensitivity are means over the same bins.
    """

    def mean(truth, prediction, mask):
        present, predicted, right = _bin_counts(truth, prediction, mask)
        return _mean_over_present(right / jnp.maximum(predicted, 1.0), present)

    return each_picture(mean, truth, prediction, mask=mask, channels=(3,))


@jax.jit
def macro_sensitivity(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Return the mean, over the bins present in the truth, of: pixels rightly put into the bin / pixels truly in it."""

    def mean(truth, prediction, mask):
        present, _, right = _bin_counts(truth, prediction, mask)
        return _mean_over_present(right / jnp.maximum(present, 1.0), present)

    return each_picture(mean, truth, prediction, mask=mask, channels=(3,))


def ab_bin(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the bin of each a and b, int32 in 0..528 of their shape; colors beyond +-115 go to the edge."""

    def step(value):
        return jnp.clip(jnp.floor(value / BIN_SIZE + 0.5), -OUTERMOST, OUTERMOST).astype(jnp.int32) + OUTERMOST

    return step(a) * BINS_PER_AXIS + step(b)


def _ab(picture):
    """Return a and b, each `[H, W]`, of an image `[H, W, 3]`."""
    return rgb2lab_planes(picture)[1:]


def _bin_counts(truth, prediction, mask):
    """Return three counts `[529]` of one image's pixels: truly in each bin, predicted there, and both; as floats."""
    true_bin, predicted_bin = ab_bin(*_ab(truth)), ab_bin(*_ab(prediction))
    pixels = jnp.ones(true_bin.shape, bool) if mask is None else mask

    def count(bins, which):
        counts = jax.ops.segment_sum(which.astype(jnp.int32).ravel(), bins.ravel(), BINS)
        return counts.astype(truth.dtype)

    right = pixels & (true_bin == predicted_bin)
    return count(true_bin, pixels), count(predicted_bin, pixels), count(true_bin, right)


def _mean_over_present(shares, present):
    present = present > 0.0
    return jnp.sum(jnp.where(present, shares, 0.0)) / jnp.sum(present).astype(shares.dtype)
