"""Y, U and V of ITU-R BT.601 (analog): Y in [0, 1], U within 0.436 and V within 0.615 of 0; float32 [*b]."""

import jax.numpy as jnp
from jax import Array

_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114
_U, _V = 0.436 / (1 - _BLUE), 0.615 / (1 - _RED)


def uv_of(image: Array) -> Array:
    """Return U and V, [*b, 2], of sRGB [*b, 3] in [0, 1]."""
    red, green, blue = (image[..., channel] for channel in range(3))
    luma = _RED * red + _GREEN * green + _BLUE * blue
    return jnp.stack([_U * (blue - luma), _V * (red - luma)], axis=-1)


def colors_of(luma: Array, uv: Array) -> Array:
    """Return sRGB [*b, 3], not clipped, of Y [*b] and U and V [*b, 2]."""
    blue, red = luma + uv[..., 0] / _U, luma + uv[..., 1] / _V
    return jnp.stack([red, (luma - _RED * red - _BLUE * blue) / _GREEN, blue], axis=-1)
