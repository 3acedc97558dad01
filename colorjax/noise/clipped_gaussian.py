"""Gaussian noise as a file holds it: float32 [*b, H, W, C] in [0, 1] to the same shape and range, at 8 bits."""

import jax.numpy as jnp
from jax import Array

from colorjax.noise.eight_bits import to_8_bits
from colorjax.noise.gaussian import gaussian_noise


def clipped_gaussian_noise(key: Array, picture: Array, level: Array | float) -> Array:
    """Add Gaussian noise, then clip to [0, 1] and round to 8 bits; level 0 leaves the image as it is.

    Near black and white half of the noise is cut off, so its mean is not 0 there. Plötz and Roth (2017) show that a
    denoiser that knows unclipped noise alone does worse on it.
    """
    return jnp.where(level > 0, to_8_bits(gaussian_noise(key, picture, level)), picture)
