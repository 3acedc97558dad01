"""Poisson (shot) noise, the counting of photons: float32 [*b, H, W, C] in [0, 1] to the same shape, not clipped."""

import jax
import jax.numpy as jnp
from jax import Array

# 65,536 photons at white, where the distribution is practically normal. For more photons jax.random.poisson loses
# accuracy: its rejection sampler compares logarithms in float32 (at 1e8 photons the deviation is a fifth too large).
SMALLEST_DRAWN_LEVEL = 1 / 256


def poisson_noise(key: Array, picture: Array, level: Array | float) -> Array:
    """Count photons, 1 / level^2 of them at white, so that the noise has variance picture * level^2 and mean 0.

    `level` is the standard deviation at white, as with Gaussian noise; 0.1 is 100 photons at white. Below
    `SMALLEST_DRAWN_LEVEL` the noise is drawn at that level and scaled down to the requested standard deviation.
    On a CPU this takes some 40 times as long as Gaussian noise, because the counts are exact and drawn by rejection.
    Counting has no derivative. So the noise counts as a constant, and the gradient is that of the mean, the identity.
    """
    drawn_level = jnp.maximum(jnp.asarray(level, picture.dtype), SMALLEST_DRAWN_LEVEL)
    photons = 1 / drawn_level**2
    expected = jax.lax.stop_gradient(jnp.maximum(picture, 0) * photons)
    counted = jax.random.poisson(key, expected).astype(picture.dtype)
    noise = jax.lax.stop_gradient((counted - expected) / photons)
    return picture + noise * (level / drawn_level)
