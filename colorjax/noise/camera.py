"""The noise of a digital camera: float32 [*b, H, W, C] in [0, 1] to the same shape and range (clipped, not rounded).

The model is that of CBDNet (Guo et al. 2019) and of "Unprocessing Images for Learned Raw Denoising" (Brooks et al.
2019). The image is taken back to the linear light of a sensor: the sRGB curve, a color matrix and a white balance are
undone. There each pixel has one of three colors (a Bayer mosaic) and Poisson-Gaussian noise. The way forward is
bilinear demosaicing, white balance, color matrix and sRGB curve, which correlate the noise between neighbors and
channels and make it depend on the signal. At the end the values are cut off at black and white.

Bilinear demosaicing is linear, so here it acts on the noise alone. The image itself is not blurred by it: a denoiser
that learned to undo that blur would sharpen every photograph. Further contrast curves are left out.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from colorjax.color.spaces import XYZ_FROM_RGB, linear_to_srgb, srgb_to_linear
from colorjax.noise.eight_bits import with_gradient_of

# XYZ to the colors of four cameras, from the authors' code of Brooks et al. (github.com/timothybrooks/unprocessing).
CAMERAS_FROM_XYZ = np.array(
    [
        [[1.0234, -0.2969, -0.2266], [-0.5625, 1.6328, -0.0469], [-0.0703, 0.2188, 0.6406]],
        [[0.4913, -0.0541, -0.0202], [-0.6130, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]],
        [[0.8380, -0.2630, -0.0639], [-0.2887, 1.0725, 0.2496], [-0.0627, 0.1427, 0.5438]],
        [[0.6596, -0.2079, -0.0562], [-0.4782, 1.3016, 0.1933], [-0.0970, 0.1581, 0.5181]],
    ]
)
# Each row's sum is 1, so that white stays white. This commutes with means of matrices up to the weights.
CAMERAS_FROM_RGB = CAMERAS_FROM_XYZ @ XYZ_FROM_RGB
CAMERAS_FROM_RGB = CAMERAS_FROM_RGB / CAMERAS_FROM_RGB.sum(axis=-1, keepdims=True)

# White balance of red, green and blue, section 3.4 there: (low, high) of a uniform draw.
GAINS = ((1.9, 2.4), (1.0, 1.0), (1.5, 1.9))
# log(read variance) = 2.18 log(shot variance) + 1.20 + normal of 0.26: a fit to real cameras, equation 3 there.
READ_SLOPE, READ_OFFSET, READ_DEVIATION = 2.18, 1.20, 0.26


def camera_noise(key: Array, picture: Array, level: Array | float) -> Array:
    """Add the noise of a random camera; an image of one channel gets that of a sensor without a mosaic.

    `level` is the standard deviation of the shot noise at white in raw linear light, so 0.1 is 100 photons there (as
    with `poisson`). Brooks et al. draw it from 0.01 to 0.11. The gradient is that of the identity.
    """
    key_of_camera, key_of_read, key_of_noise = jax.random.split(key, 3)
    shot = jnp.asarray(level, picture.dtype) ** 2
    read = shot**READ_SLOPE * jnp.exp(READ_OFFSET + READ_DEVIATION * jax.random.normal(key_of_read, (), picture.dtype))
    shown = jax.lax.stop_gradient(jnp.clip(picture, 0, 1))
    if picture.shape[-1] == 3:
        linear = srgb_to_linear(shown)
        noisy = linear_to_srgb(linear + _color_noise(key_of_camera, key_of_noise, linear, shot, read))
    else:
        linear = _each_channel(srgb_to_linear, shown)
        noisy = _each_channel(linear_to_srgb, linear + sensor_noise(key_of_noise, linear, shot, read))
    # The way to linear light and back rounds, so level 0 does not take it.
    return jnp.where(level > 0, with_gradient_of(picture, jnp.clip(noisy, 0, 1)), picture)


def sensor_noise(key: Array, raw: Array, shot: Array | float, read: Array | float) -> Array:
    """Return Poisson-Gaussian noise of variance shot * raw + read, by its normal approximation (Foi et al. 2008).

    `raw` is any float32 array of linear light; the noise has its shape.
    """
    return jnp.sqrt(shot * jnp.maximum(raw, 0) + read) * jax.random.normal(key, raw.shape, raw.dtype)


def _color_noise(key_of_camera, key_of_noise, linear, shot, read):
    key_of_matrix, key_of_gains, key_of_phase = jax.random.split(key_of_camera, 3)
    from_camera, to_camera = _camera(key_of_matrix, linear.dtype)
    low, high = np.array(GAINS, np.float32).T
    gains = jax.random.uniform(key_of_gains, (3,), linear.dtype, low, high)
    row, column = jax.random.randint(key_of_phase, (2,), 0, 2)
    red, green, blue = (plane / gain for plane, gain in zip(_mixed(to_camera, linear), gains, strict=True))
    # One pixel more on each side, so that demosaicing needs no rule for the border.
    sides = [(0, 0)] * (linear.ndim - 3) + [(1, 1), (1, 1)]
    red, green, blue = (jnp.pad(plane, sides, mode="edge") for plane in (red, green, blue))
    height, width = red.shape[-2:]
    odd_row = ((jnp.arange(height) + row) % 2 == 1)[:, None]
    odd_column = ((jnp.arange(width) + column) % 2 == 1)[None, :]
    masks = (~odd_row & ~odd_column, odd_row ^ odd_column, odd_row & odd_column)  # RGGB
    masks = [mask.reshape((1,) * (linear.ndim - 3) + mask.shape) for mask in masks]
    mosaic = jnp.where(masks[0], red, jnp.where(masks[2], blue, green))
    # Without the barriers XLA would draw anew for each of the neighbors that demosaicing adds, eight times as slow.
    noise = jax.lax.optimization_barrier(sensor_noise(key_of_noise, jax.lax.optimization_barrier(mosaic), shot, read))
    samples = (jnp.where(mask, noise, 0) * gain for mask, gain in zip(masks, gains, strict=True))
    return jnp.stack(_mixed(from_camera, jax.lax.optimization_barrier(jnp.stack(demosaic(*samples), axis=-1))), axis=-1)


def demosaic(red: Array, green: Array, blue: Array) -> tuple[Array, Array, Array]:
    """Interpolate a Bayer mosaic bilinearly.

    Args:
      red: samples of this color, 0 where the mosaic has another, [*b, H + 2, W + 2].
      green: the same.
      blue: the same.

    Returns:
      The three channels without the outermost pixels, each [*b, H, W].
    """

    def crossed(plane: Array) -> Array:
        sides = plane[..., :-2, 1:-1] + plane[..., 2:, 1:-1] + plane[..., 1:-1, :-2] + plane[..., 1:-1, 2:]
        return plane[..., 1:-1, 1:-1] + sides / 4

    def spread(plane: Array) -> Array:
        rows = plane[..., 1:-1, :] + (plane[..., :-2, :] + plane[..., 2:, :]) / 2
        return rows[..., 1:-1] + (rows[..., :-2] + rows[..., 2:]) / 2

    return spread(red), crossed(green), spread(blue)


def _camera(key, dtype):
    """Return the matrices [3, 3] from a random camera's colors to linear RGB and back."""
    weights = jax.random.uniform(key, (len(CAMERAS_FROM_RGB), 1, 1), dtype, 1e-3, 1)
    to_camera = (weights * jnp.asarray(CAMERAS_FROM_RGB, dtype)).sum(axis=0) / weights.sum()
    # The inverse by cross products of the rows: LAPACK is slow for one matrix an image.
    a, b, c = to_camera
    columns = jnp.stack([jnp.cross(b, c), jnp.cross(c, a), jnp.cross(a, b)], axis=1)
    return columns / (a * jnp.cross(b, c)).sum(), to_camera


def _mixed(matrix, colors):
    """Return the three planes [*b, H, W] of a matrix times colors [*b, H, W, 3], without a product of low precision."""
    return [sum(matrix[i, j] * colors[..., j] for j in range(3)) for i in range(3)]


def _each_channel(curve, values):
    """Apply a curve for three channels to images [*b, H, W, C] of any number of them."""
    return curve(jnp.broadcast_to(values[..., None], (*values.shape, 3)))[..., 0]
