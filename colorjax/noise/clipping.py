"""Clipped whites and blacks: float32 [*b, H, W, C] in [0, 1] to the same shape and range. They draw nothing at random.

Both move an end point of the tone curve, like "levels" in a photo editor, on sRGB values and in each channel alike.
Values beyond the end point are lost, and the rest is stretched over the whole range. The two mirror each other:
clip_blacks(x) = 1 - clip_whites(1 - x). Komatsu and Gonsalves (AI, 2020) name these two noises. The definition here
and its level are this project's own, so that paper's figures can't be compared with figures for these.
"""

import jax.numpy as jnp
from jax import Array


def clip_whites(key: Array, picture: Array, level: Array | float) -> Array:
    """Overexpose: min(picture / (1 - level), 1). `level` is the share of the range [0, 1] that becomes white."""
    del key
    return jnp.minimum(picture / (1 - level), 1)


def clip_blacks(key: Array, picture: Array, level: Array | float) -> Array:
    """Underexpose: max((picture - level) / (1 - level), 0). `level` is the share of [0, 1] that becomes black."""
    del key
    return jnp.maximum((picture - level) / (1 - level), 0)
