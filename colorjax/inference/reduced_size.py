"""The size of the reduced copy of an image. A colorizing network sees this copy as a whole."""

import math

from colorjax.errors import UserError
from colorjax.runtime.shape_buckets import NETWORK_STEP, network_side

# The copy has at most as many pixels as this many squares of the working size, so a panorama's short side is shorter.
MOST_SQUARES = 6


def reduced_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Return the height and width of an image's reduced copy: nearly the same proportions, the short side `size` long.

    A smaller image is enlarged. An image longer than 6 : 1 gets a shorter short side.

    Args:
      height: of the image, any.
      width: of the image, any.
      size: pixels, 1 or more; rounded to a multiple of 16, at least 16.

    Raises:
      UserError: `size` is less than 1.
    """
    if size < 1:
        raise UserError(f"a working size of {size} pixels: it must be 1 or more")
    size = network_side(size)
    most = MOST_SQUARES * size**2
    scale = min(size / min(height, width), math.sqrt(most / (height * width)))
    short = network_side(min(height, width) * scale)
    long = min(network_side(max(height, width) * scale), most // (short * NETWORK_STEP) * NETWORK_STEP)
    return (short, long) if height < width else (long, short)
