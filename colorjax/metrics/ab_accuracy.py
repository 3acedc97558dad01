"""How well colors are recovered, on the ab plane of CIE Lab cut into bins of 10x10.

The bins are centered at the multiples of 10 from -110 to 110, as in Zhang, Isola and Efros, "Colorful Image
Colorization" (ECCV 2016): 23 x 23. Pictures are sRGB `[*b, H, W, 3]` in [0, 1], masks `[*b, H, W]` or None, and every
function returns one share in [0, 1] a picture, `[*b]` (nan for a picture without pixels). Lightness plays no part.
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
    """Share of the pixels whose predicted (a, b) lies within `distance` (Euclidean) of the true one."""

    def share(truth, prediction, mask):
        (true_a, true_b), (predicted_a, predicted_b) = _ab(truth), _ab(prediction)
        near = (true_a - predicted_a) ** 2 + (true_b - predicted_b) ** 2 <= distance**2
        return masked_mean(near[..., None].astype(truth.dtype), mask)

    return each_picture(share, truth, prediction, mask=mask, channels=(3,))


@jax.jit
def bin_accuracy(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Share of the pixels whose predicted color falls into the true color's bin."""

    def share(truth, prediction, mask):
        right = ab_bin(*_ab(truth)) == ab_bin(*_ab(prediction))
        return masked_mean(right[..., None].astype(truth.dtype), mask)

    return each_picture(share, truth, prediction, mask=mask, channels=(3,))


@jax.jit
def macro_precision(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Mean, over the bins present in the truth, of: pixels rightly put into the bin / pixels put into the bin.

    A bin that is present and never predicted counts 0. Bins that are predicted and not present have no term of
    their own: precision and sensitivity are means over the same bins.
    """

    def mean(truth, prediction, mask):
        present, predicted, right = _bin_counts(truth, prediction, mask)
        return _mean_over_present(right / jnp.maximum(predicted, 1.0), present)

    return each_picture(mean, truth, prediction, mask=mask, channels=(3,))


@jax.jit
def macro_sensitivity(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Mean, over the bins present in the truth, of: pixels rightly put into the bin / pixels truly in the bin."""

    def mean(truth, prediction, mask):
        present, _, right = _bin_counts(truth, prediction, mask)
        return _mean_over_present(right / jnp.maximum(present, 1.0), present)

    return each_picture(mean, truth, prediction, mask=mask, channels=(3,))


def ab_bin(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the bin's number, int32 in 0..528, of a and b of one shape; colors beyond +-115 go to the edge."""

    def step(value):
        return jnp.clip(jnp.floor(value / BIN_SIZE + 0.5), -OUTERMOST, OUTERMOST).astype(jnp.int32) + OUTERMOST

    return step(a) * BINS_PER_AXIS + step(b)


def _ab(picture):
    """Return a and b, each `[H, W]`, of a picture `[H, W, 3]`."""
    return rgb2lab_planes(picture)[1:]


def _bin_counts(truth, prediction, mask):
    """Return counts `[529]` of one picture's pixels in each bin: truly, as predicted, and both; in its float dtype."""
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
