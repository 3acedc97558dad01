"""The chroma of LEARCH: differences of channels over the mean of the channels, float32 [*b, 2], about [-3, 3].

    grey = (R + G + B) / 3,  x1 = (R - G) / (grey + e),  x2 = (B - (R + G) / 2) / (grey + e),  e = 1e-4

as in the authors' released program, of sRGB in [0, 1]. Chroma is near the reflectance of things: light that falls off
changes grey alone. The released program has 0.33 for thirds on the way back; here they are exact.
"""

import jax.numpy as jnp
from jax import Array

EPSILON = 1e-4
#: In black, noise divided by nearly zero would be any number; beyond this there are no colors of photographs.
LIMIT = 3.0


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
