"""Additive white Gaussian noise: float32 [*b, H, W, C] in [0, 1] to the same shape, not clipped."""

import jax
from jax import Array


def gaussian_noise(key: Array, picture: Array, level: Array | float) -> Array:
    """Add an independent normal number with standard deviation `level` (white is 1) to each value of each channel."""
    return picture + level * jax.random.normal(key, picture.shape, picture.dtype)
