"""A mixture of noises, for networks that must not rely on one: float32 [*b, H, W, C] to the same shape, not clipped."""

import jax
import jax.numpy as jnp
from jax import Array

from colorjax.noise.gaussian import gaussian_noise
from colorjax.noise.salt_and_pepper import salt_and_pepper_noise
from colorjax.noise.speckle import speckle_noise


def shot_noise(key: Array, picture: Array, level: Array | float) -> Array:
    """Add Poisson noise by its normal approximation: variance picture * level^2 (Foi et al. 2008, equation 3).

    It is for training only. The exact counts of `poisson_noise` would take as long as the network's own step on a CPU.
    """
    deviation = level * jnp.sqrt(jnp.maximum(picture, 0))
    return picture + deviation * jax.random.normal(key, picture.shape, picture.dtype)


# One level degrades about equally with each of them: up to 0.22 (55 of 255) all can still be removed.
KINDS = (gaussian_noise, shot_noise, speckle_noise, salt_and_pepper_noise)
SHARES = (0.7, 0.1, 0.1, 0.1)


def mixture_noise(key: Array, picture: Array, level: Array | float) -> Array:
    """Add noise of one of `KINDS`, drawn with the probabilities `SHARES`; `level` is in the unit of that kind."""
    key_of_kind, key_of_noise = jax.random.split(key)
    kind = jax.random.choice(key_of_kind, len(KINDS), p=jnp.array(SHARES))
    return jax.lax.switch(kind, KINDS, key_of_noise, picture, level)
