"""Metrics of a restored image: `metric(truth, prediction, mask=None)` returns one number for each image.

Images are sRGB `[*b, H, W, 3]` in [0, 1] (for MSE and PSNR also `[*b, H, W, 1]`); truth and prediction have one shape.
The results are `[*b]`. The mask, bool `[*b, H, W]`, is for padding: pixels outside it are ignored, whatever their
values. None means that all pixels count. The arithmetic is in float32 (in float64 if an image is float64). A uint8
image raises TypeError, a wrong shape ValueError.

`colorjax/metrics/registry.py` lists the metrics that evaluation computes, and `colorjax/metrics/info.py` has their
labels, units and directions.
"""

import jax
import jax.numpy as jnp

from colorjax.color.ciede2000 import delta_e_of_planes
from colorjax.color.spaces import rgb2lab_planes
from colorjax.metrics.masking import each_picture, masked_mean


@jax.jit
def mean_squared_error(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Return the mean over pixels and channels of the squared difference."""

    def error(truth, prediction, mask):
        return masked_mean(jnp.square(truth - prediction), mask)

    return each_picture(error, truth, prediction, mask=mask)


@jax.jit
def peak_signal_noise_ratio(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Return the PSNR in decibels for a peak of 1; inf for equal images."""
    return -10.0 * jnp.log10(mean_squared_error(truth, prediction, mask))


@jax.jit
def ciede2000_map(truth: jax.Array, prediction: jax.Array) -> jax.Array:
    """Return the CIEDE2000 difference of each pixel, `[*b, H, W]`."""

    def differences(truth, prediction, _):
        return _differences(truth, prediction)

    return each_picture(differences, truth, prediction, mask=None, channels=(3,))


@jax.jit
def ciede2000(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Return the mean of the pixels' CIEDE2000 differences."""

    def mean(truth, prediction, mask):
        return masked_mean(_differences(truth, prediction)[..., None], mask)

    return each_picture(mean, truth, prediction, mask=mask, channels=(3,))


@jax.jit
def colorfulness(picture: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Return the colorfulness M^(3) of Hasler and Süsstrunk, "Measuring colourfulness in natural images" (2003).

    With R, G and B in 0..255, rg = R - G and yb = (R + G) / 2 - B, it is
    sqrt(std(rg)^2 + std(yb)^2) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2).
    The paper's scale: 15 slightly, 33 moderately, 59 quite, 109 extremely colorful.
    """

    def measure(picture, mask):
        red, green, blue = (255.0 * picture[..., i : i + 1] for i in range(3))
        opponents = red - green, (red + green) / 2.0 - blue
        means = [masked_mean(values, mask) for values in opponents]
        # The variance takes two passes: for a nearly gray image E[x^2] - E[x]^2 would be lost in rounding.
        variances = [
            masked_mean(jnp.square(values - mean), mask) for values, mean in zip(opponents, means, strict=True)
        ]
        return jnp.sqrt(variances[0] + variances[1]) + 0.3 * jnp.hypot(*means)

    return each_picture(measure, picture, mask=mask, channels=(3,))


@jax.jit
def colorfulness_difference(truth: jax.Array, prediction: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Return the colorfulness of the prediction minus that of the truth: below 0 if color was lost."""
    return colorfulness(prediction, mask) - colorfulness(truth, mask)


def _differences(truth, prediction):
    """Return the CIEDE2000 difference of each pixel of one image, `[H, W]`, exactly 0 where the two are equal.

    XLA may round the conversions of the two sides differently, so that even equal colors would differ a little.
    """
    differences = delta_e_of_planes(rgb2lab_planes(truth), rgb2lab_planes(prediction))
    return jnp.where(jnp.all(truth == prediction, axis=-1), 0.0, differences)
