"""Rounding of array sizes to a few values, so that arrays of similar sizes share one compiled program.

Compiling takes longer than most of these programs run. One rule holds throughout: a length is padded to the next
multiple of a step that grows with it. Fine steps cost more programs, coarse steps more work on padding, so each use
below has its own steps. All lengths are in pixels.
"""

import math

NETWORK_STEP = 16


def pixelwise_side(side: int) -> int:
    """Return the side that arrays are padded to for functions of single pixels: 32, 64, 128, 256, 512, 768, ...

    The sizes are few, because such a function runs on hundreds of images of any size and takes next to no time. The
    padding is never more than 255 pixels.
    """
    return _padded(side, least=32, most=256)


def row_count(count: int) -> int:
    """Return how many reduced rows the color upsampling of one tile receives: 16, 32, 64, 128, ...

    The rows beyond `count` are never read, so the fewest sizes are the best.
    """
    return _padded(count, least=16)


def tile_side(length: int, stride: int) -> int:
    """Return the side of a network's tiles: 32, 64, ... 256, 320, ... 512, 640, ..., in multiples of the stride.

    Padding is expensive here, because the network works on it too. Beyond 128 it is at most a quarter of the length.
    Tiles below 32 would save too little to justify a program of their own.
    """
    return _padded(length, least=32, parts=4, multiple=stride)


def network_side(side: float) -> int:
    """Return the side of a reduced image that a network receives as a whole: the nearest multiple of 16, at least 16.

    Nothing is padded here. The image is resized to that side, and the nearest multiple distorts it least. U-Nets then
    pad little or nothing, so that group normalization is computed from the image alone.
    """
    return max(NETWORK_STEP, round(side / NETWORK_STEP) * NETWORK_STEP)


def round_up(value: float, multiple: int) -> int:
    """Return the smallest multiple of `multiple` that is not less than `value`."""
    return math.ceil(value / multiple) * multiple


def _padded(length: int, least: int, most: int | None = None, parts: int = 1, multiple: int = 1) -> int:
    """Return `length` rounded up to a multiple of a step.

    The step is the largest power of two up to `length`, divided by `parts`, at least `least` and at most `most`. The
    result is also a multiple of `multiple`.
    """
    step = max(least, (1 << max(0, length.bit_length() - 1)) // parts)
    if most is not None:
        step = min(step, most)
    return round_up(max(1, length), math.lcm(step, multiple))
