"""The chroma of LEARCH: differences of channels over the mean of the channels, float32 [*b, 2], about [-3, 3].

    grey = (R + G + B) / 3,  x1 = (R - G) / (grey + e),  x2 = (B - (R + G) / 2) / (grey + e),  e = 1e-4

as in the authors' released program, of sRGB in [0, 1]. Chroma is near the reflectance of things: light that falls off
changes grey alone. The released program has 0.33 for thirds on the way back; here they are exact.
"""

import jax.numpy as jnp
from jax import Array

from colorjax.color.gray import gray_copy

EPSILON = 1e-4
#: In black, noise divided by nearly zero would be any number; beyond this there are no colors of photographs.
LIMIT = 3.0
#: A mean of the channels at which no color of a chroma within `LIMIT` has a channel above 1.
_DARK = 0.25


def chroma_of(image: Array) -> Array:
    """Return the chroma [*b, 2] of colors [*b, 3], not limited."""
    red, green, blue = (image[..., channel] for channel in range(3))
    grey = (red + green + blue) / 3 + EPSILON
    return jnp.stack([(red - green) / grey, (blue - (red + green) / 2) / grey], axis=-1)


def colors_of(chroma: Array, grey: Array) -> Array:
    """Return the colors [*b, 3], not clipped, with this chroma [*b, 2] and mean of the channels [*b]."""
    first, second = ((grey + EPSILON) * chroma[..., axis] for axis in range(2))
    even = grey - second / 3
    return jnp.stack([even + first / 2, even - first / 2, grey + 2 * second / 3], axis=-1)


def colors_of_gray_copy(chroma: Array, gray: Array) -> Array:
    """Return the colors [*b, 3], not below 0, with this chroma [*b, 2] whose gray copies are `gray` [*b].

    A gray copy has a color's luminance and not the mean of its channels, the grey of `chroma_of`, which is larger for
    blue and smaller for yellow. Luminance grows with the color nearly as the gray copy does, since sRGB is nearly a
    power of light.
    """
    dark = jnp.maximum(colors_of(chroma, jnp.full_like(gray, _DARK)), 0)
    return dark * (gray / jnp.maximum(gray_copy(dark)[..., 0], EPSILON))[..., jnp.newaxis]
