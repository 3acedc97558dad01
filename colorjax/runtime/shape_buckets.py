"""The few sizes that arrays have, so that arrays of near sizes share one compiled program.

Compiling takes longer than most of these programs run. There is one rule: a length is padded to the next multiple of a
step that grows with it. How fine the steps are is a bargain between the work done on padding and the number of
programs, and so each use below has its own. All lengths are in pixels.
"""

import math

NETWORK_STEP = 16


def pixelwise_side(side: int) -> int:
    """Return the side that arrays are padded to for functions of single pixels: 32, 64, 128, 256, 512, 768, ...

    Few sizes, because such a function is compiled for hundreds of pictures of any size and takes next to no time; but
    never more than 255 pixels of padding.
    """
    return _padded(side, least=32, most=256)


def row_count(count: int) -> int:
    """Return how many reduced rows are handed to the color upsampling of one tile: 16, 32, 64, 128, ...

    The rows beyond `count` are never looked at, so the fewest sizes are the best.
    """
    return _padded(count, least=16)


def tile_side(length: int, stride: int) -> int:
    """Return the side of a network's tiles: 32, 64, ... 256, 320, ... 512, 640, ..., in multiples of the stride.

    Padding costs here, since a network works on it too: a quarter of the length at most, beyond 128. Tiles below 32
    save nothing worth a program of their own.
    """
    return _padded(length, least=32, parts=4, multiple=stride)


def solver_side(side: int) -> int:
    """Return the side that a picture of scribbles is padded to: 16, 32, ... 256, 288, ... 512, 576, ...

    Finer than tiles, because the solver works on a whole picture many times over; the padding is an eighth of the
    side at most, beyond 128.
    """
    return _padded(side, least=16, parts=8)


def network_side(side: float) -> int:
    """Return the side of a reduced picture that a network sees as a whole: the nearest multiple of 16, at least one.

    Nothing is padded here. The picture is resized to that side, so the nearest one bends its proportions least; and
    U-Nets then pad little or nothing, so that group normalization sees the picture alone.
    """
    return max(NETWORK_STEP, round(side / NETWORK_STEP) * NETWORK_STEP)


def round_up(value: float, multiple: int) -> int:
    """Return the next multiple that is not less than `value`."""
    return math.ceil(value / multiple) * multiple


def _padded(length: int, least: int, most: int | None = None, parts: int = 1, multiple: int = 1) -> int:
    """Return the next multiple of a step: the largest power of two in `length`, over `parts`, from `least` to `most`.

    The step is made a multiple of `multiple` besides.
    """
    step = max(least, (1 << max(0, length.bit_length() - 1)) // parts)
    if most is not None:
        step = min(step, most)
    return round_up(max(1, length), math.lcm(step, multiple))
