"""Film grain: float32 [*b, H, W, C] in [0, 1] to the same shape, not clipped."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from colorjax.color.spaces import GRAY_FROM_RGB

# Standard deviation in pixels of the Gaussian blur that makes grains of white noise: (low, high) of a uniform draw.
SIZES = (0.4, 1.2)
REACH = 3  # the farthest pixel of that blur, 2.5 standard deviations of the largest grain


def film_grain(key: Array, picture: Array, level: Array | float) -> Array:
    """Add grain: Gaussian noise blurred by grains of a random size, as strong as the luminance says.

    A developed film is made of opaque grains. Where they cover a share y, a small area's share varies with standard
    deviation proportional to sqrt(y (1 - y)) (the Boolean model, Newson et al. 2017). So the grain has standard
    deviation level * 2 sqrt(y (1 - y)), with y the luminance of the sRGB values: `level` at middle gray, none at black
    and white. A random share of it is common to the channels (black-and-white film), the rest is each channel's own
    (the layers of color film). The grain counts as a constant: the gradient is that of the identity.
    """
    key_of_size, key_of_share, key_of_noise = jax.random.split(key, 3)
    size = jax.random.uniform(key_of_size, (), picture.dtype, *SIZES)
    share = jax.random.uniform(key_of_share, (), picture.dtype)
    shown = jax.lax.stop_gradient(jnp.clip(picture, 0, 1))
    luminance = shown @ jnp.asarray(GRAY_FROM_RGB, picture.dtype) if shown.shape[-1] == 3 else shown.mean(axis=-1)
    amplitude = 2 * jnp.sqrt(luminance * (1 - luminance))
    grain = correlate_channels(grains(key_of_noise, picture.shape, size), share)
    return picture + level * amplitude[..., None] * grain


def grains(key: Array, shape: tuple[int, ...], size: Array | float) -> Array:
    """Return Gaussian noise [*b, H, W, C] of mean 0 and variance 1, blurred by a Gaussian of `size` pixels."""
    *batch, height, width, channels = shape
    white = jax.random.normal(key, (*batch, channels, height + 2 * REACH, width + 2 * REACH), jnp.float32)
    white = jax.lax.optimization_barrier(white)  # or XLA draws each number anew for each of its neighbors
    weights = jnp.exp(-0.5 * (np.arange(-REACH, REACH + 1, dtype=np.float32) / size) ** 2)
    weights = weights / jnp.sqrt((weights**2).sum())
    rows = sum(weights[i] * white[..., i : i + height, :] for i in range(2 * REACH + 1))
    rows = jax.lax.optimization_barrier(rows)
    blurred = sum(weights[i] * rows[..., i : i + width] for i in range(2 * REACH + 1))
    return jnp.moveaxis(blurred, -3, -1)


def correlate_channels(noise: Array, correlation: Array | float) -> Array:
    """Return noise [*b, H, W, C] of the same variance whose channels have this correlation, from 0 to 1.

    The channels of `noise` are independent and alike. Their mean is an eigenvector of the asked covariance, with the
    eigenvalue 1 + (C - 1) correlation; the others are 1 - correlation.
    """
    own = jnp.sqrt(1 - correlation)
    common = jnp.sqrt(1 + (noise.shape[-1] - 1) * correlation)
    return own * noise + (common - own) * noise.mean(axis=-1, keepdims=True)
