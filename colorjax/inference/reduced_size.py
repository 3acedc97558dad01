"""How large the reduced copy of a picture is that a colorizing network sees as a whole."""

import math

from colorjax.errors import UserError

# The sides are multiples of it: U-Nets then pad little or nothing, so that group normalization sees the picture alone,
# and pictures of like proportions share one compiled shape. The long side changes by half a step at most.
STEP = 16
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
    size = _whole_steps(size)
    most = MOST_SQUARES * size**2
    scale = min(size / min(height, width), math.sqrt(most / (height * width)))
    short = _whole_steps(min(height, width) * scale)
    long = min(_whole_steps(max(height, width) * scale), most // (short * STEP) * STEP)
    return (short, long) if height < width else (long, short)


def _whole_steps(side: float) -> int:
    return max(STEP, round(side / STEP) * STEP)
