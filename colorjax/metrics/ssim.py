"""SSIM with the Gaussian window, as Wang, Bovik, Sheikh and Simoncelli (2004) define it, on images in [0, 1].

The values are those of scikit-image's `structural_similarity` with `gaussian_weights=True, sigma=1.5,
use_sample_covariance=False, data_range=1, channel_axis=-1`: the mean over channels and over the windows of 11x11 that
lie inside the image. The result is one number for each image, `[*b]`.

The formula is rearranged for float32. With s = x + y - 1 and d = x - y,

    (2 mx my + C1) / (mx^2 + my^2 + C1) = 1 - md^2   / ((ms + 1)^2 / 2 + md^2 / 2 + C1)
    (2 cov   + C2) / (vx   + vy   + C2) = 1 - var(d) / (var(s) / 2 + var(d) / 2 + C2)

So the cancellation in E[d^2] - E[d]^2 happens with small numbers, and one blur is saved (four instead of five).
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from colorjax.metrics.info import SSIM_SIGMA, SSIM_WINDOW
from colorjax.metrics.masking import each_picture, masked_mean

C1 = 0.01**2
C2 = 0.03**2


@functools.partial(jax.jit, static_argnames=("sigma", "window"))
def structural_similarity(
    truth: jax.Array,
    prediction: jax.Array,
    mask: jax.Array | None = None,
    sigma: float = SSIM_SIGMA,
    window: int = SSIM_WINDOW,
) -> jax.Array:
    """Return the SSIM of images, `[*b]`: the mean over the windows inside the mask; nan if no window fits inside.

    Args:
      truth: images `[*b, H, W, 1 or 3]`.
      prediction: images of the same shape.
      mask: bool `[*b, H, W]`, or None if all pixels count.
      sigma: standard deviation of the Gaussian window, in pixels.
      window: side of the window in pixels, an odd number; the Gaussian is cut there.
    """
    similarity = functools.partial(_similarity, _gaussian(sigma, window))
    return each_picture(similarity, truth, prediction, mask=mask)


def _gaussian(sigma, window):
    """Return the window's weights along one side as a tuple of floats with the sum 1."""
    weights = np.exp(-0.5 * ((np.arange(window) - window // 2) / sigma) ** 2)
    return tuple((weights / weights.sum()).tolist())


def _similarity(weights, x, y, mask):
    """Return the SSIM of one image, a scalar; x and y are `[H, W, C]`, and the mask is `[H, W]` or None."""
    height, width, channels = x.shape
    window = len(weights)
    if height < window or width < window:
        return jnp.full((), jnp.nan, x.dtype)
    # In rows of W * C numbers, so that the inner loop runs over a whole row instead of three channels.
    x, y = x.reshape(height, width * channels), y.reshape(height, width * channels)
    down = functools.partial(_blur, weights=weights, axis=0, step=1)
    across = functools.partial(_blur, weights=weights, axis=1, step=channels)
    # XLA can't fuse across the loop over s and d. Without this loop, each tap of the second blur would compute the
    # first blur again.
    means, squares = jax.lax.map(lambda v: (down(v), down(v * v)), jnp.stack([x + y - 1.0, x - y]))
    mean_s, mean_d = across(means[0]), across(means[1])
    variance_s = across(squares[0]) - mean_s**2
    variance_d = across(squares[1]) - mean_d**2
    luminance = 1.0 - mean_d**2 / (((mean_s + 1.0) ** 2 + mean_d**2) / 2.0 + C1)
    structure = 1.0 - variance_d / ((variance_s + variance_d) / 2.0 + C2)
    if mask is not None:
        mask = _all_inside(_all_inside(mask, window, axis=0), window, axis=1)
    windows = (height - window + 1, width - window + 1, channels)
    return masked_mean((luminance * structure).reshape(windows), mask)


def _blur(rows, weights, axis, step):
    """Return the weighted sum of slices that are `step` apart: on a CPU this is much faster than a convolution."""
    return sum(weight * part for weight, part in zip(weights, _slices(rows, len(weights), axis, step), strict=True))


def _all_inside(mask, window, axis):
    return functools.reduce(jnp.logical_and, _slices(mask, window, axis, 1))


def _slices(array, window, axis, step):
    length = array.shape[axis] - (window - 1) * step
    return [jax.lax.slice_in_dim(array, k * step, k * step + length, axis=axis) for k in range(window)]
