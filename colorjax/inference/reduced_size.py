"""How large the reduced copy of a picture is that a colorizing network sees as a whole."""

import math

from colorjax.errors import UserError
from colorjax.runtime.shape_buckets import NETWORK_STEP, network_side

# The copy has as many pixels as this many squares of the working size: a panorama's short side gets less.
MOST_SQUARES = 6


def reduced_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Return height and width of the reduced copy of a picture: about its proportions, the short side `size` long.

    A picture smaller than that is enlarged. Very long ones, beyond 6 : 1, get a shorter short side.

    Args:
      height: of the picture, any.
      width: of the picture, any.
      size: pixels; rounded to a multiple of 16, 16 at least.
    """
    if size < 1:
        raise UserError(f"a working size of {size} pixels: it must be 1 or more")
    size = network_side(size)
    most = MOST_SQUARES * size**2
    scale = min(size / min(height, width), math.sqrt(most / (height * width)))
    short = network_side(min(height, width) * scale)
    long = min(network_side(max(height, width) * scale), most // (short * NETWORK_STEP) * NETWORK_STEP)
    return (short, long) if height < width else (long, short)
