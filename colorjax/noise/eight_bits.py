"""Eight bits, as a file has them: float32 [*b, H, W, C] to the same shape, multiples of 1/255 in [0, 1]."""

import jax
import jax.numpy as jnp
from jax import Array


def to_8_bits(picture: Array) -> Array:
    """Return the image clipped to [0, 1] and rounded to multiples of 1/255, as writing a file does.

    Rounding has no derivative that helps, so the gradient is that of the identity.
    """
    return with_gradient_of(picture, jnp.rint(jnp.clip(picture, 0, 1) * 255) / 255)


@jax.custom_jvp
def with_gradient_of(picture: Array, degraded: Array) -> Array:
    """Return `degraded`; its derivative is taken to be that of `picture`, both [*b, H, W, C]."""
    del picture
    return degraded


@with_gradient_of.defjvp
def _with_gradient_of_jvp(arguments, tangents):
    return with_gradient_of(*arguments), tangents[0]
