"""Speckle, multiplicative noise: float32 [*b, H, W, C] in [0, 1] to the same shape, not clipped."""

import jax
from jax import Array


def speckle_noise(key: Array, picture: Array, level: Array | float) -> Array:
    """Multiply each value by 1 + n, with n normal of standard deviation `level` (scikit-image's `random_noise`)."""
    return picture * (1 + level * jax.random.normal(key, picture.shape, picture.dtype))
