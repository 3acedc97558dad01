"""Salt and pepper (impulse noise): float32 [*b, H, W, C] in [0, 1] to the same shape and range."""

import jax
import jax.numpy as jnp
from jax import Array


def salt_and_pepper_noise(key: Array, picture: Array, level: Array | float) -> Array:
    """Turn a share `level` of the pixels white or black, with equal chances.

    A pixel changes in all its channels together, like a dead or hot pixel in a photo. (scikit-image's `random_noise`
    draws for each channel, which makes colored dots instead.)
    """
    drawn = jax.random.uniform(key, (*picture.shape[:-1], 1), picture.dtype)
    picture = jnp.where(drawn < level / 2, 0, picture)
    return jnp.where(drawn >= 1 - level / 2, 1, picture)
