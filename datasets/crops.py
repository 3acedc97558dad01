"""Affine crops of photographs, drawn from a random generator and computed on the host or on the device.

A crop is a float32 matrix `[2, 3]` that maps an output pixel (x, y) to a source pixel (x', y') = M [x, y, 1]. Pixel
centers are at whole numbers, as in OpenCV. A *zoom* of z magnifies z times: one output pixel covers 1/z source pixels.
Crops are square and interpolation is bilinear. Beyond its borders, a photograph is reflected about its outermost pixels
(BORDER_REFLECT_101).

Shrinking (z < 1) with one bilinear sample per pixel would alias. So an output pixel is the mean of
`samples` x `samples` bilinear samples, spread evenly over a square with sides of 1/z - 1 source pixels. A bilinear
sample is a triangle that is 1 pixel wide at half its height, hence the mean is 1/z wide, as is the output pixel. At
z >= 1 the square is a point and the mean is plain bilinear interpolation. `samples_for(zoom)` returns the number that
keeps the samples at most one pixel apart.

`warp_on_host` (uint8 to uint8) and `warp_on_device` (uint8 to float32 in [0, 1], at whole 8-bit levels) give the same
image up to one level, and exactly the same if nothing is resampled.
"""

import math

import cv2
import jax
import jax.numpy as jnp
import numpy as np


def samples_for(zoom: tuple[float, float]) -> int:
    """Return how many samples per side an output pixel needs for zooms in the range `zoom` (lowest, highest)."""
    # The tolerance avoids a fourth sample for a zoom such as 1 / 3, whose inverse may round up.
    return max(1, math.ceil(1 / zoom[0] - 1e-6))


def draw_crop(
    random: np.random.Generator,
    height: int,
    width: int,
    patch_size: int,
    zoom: tuple[float, float] = (1.0, 1.0),
    rotate: float = 0.0,
    flip: bool = False,
    aspect: float = 1.0,
) -> np.ndarray:
    """Draw a random crop of a photograph, which lies inside the photograph if it fits.

    Zoom, angle and place are uniformly distributed. The function always takes five numbers from `random`, so that
    switching off one option does not change the draws of the others. Without zoom and rotation the place is a whole
    pixel, and nothing is resampled. If the (rotated) square doesn't fit along an axis, the photograph lies inside the
    square instead, and its reflection fills the rest.

    Args:
      random: the random generator; with a counter-based one the draw is a function of its key.
      height: of the photograph, in pixels.
      width: of the photograph, in pixels.
      patch_size: side of the crop in output pixels.
      zoom: lowest and highest magnification.
      rotate: largest angle in degrees, in both directions.
      flip: whether half of the crops are mirrored left to right.
      aspect: magnification of the height relative to the width.

    Returns:
      float32 [2, 3], output pixel to source pixel.
    """
    draws = random.random(5)
    magnification = zoom[0] + draws[0] * (zoom[1] - zoom[0])
    angle = math.radians(rotate * (2 * draws[1] - 1))
    mirror = -1.0 if flip and draws[2] < 0.5 else 1.0
    scale = 1 / magnification
    cosine, sine = math.cos(angle), math.sin(angle)
    scales = scale, scale / aspect
    linear = np.array(scales)[:, None] * np.array([[cosine * mirror, -sine], [sine * mirror, cosine]])

    middle = (patch_size - 1) / 2
    whole = scales == (1, 1) and angle == 0
    center = []
    for draw, length, of_axis in zip(draws[3:], (width, height), scales, strict=True):
        # Distance from the crop's center to its outermost samples, with those of the anti-aliasing.
        reach = (of_axis * middle + max(of_axis - 1, 0) / 2) * (abs(cosine) + abs(sine))
        center.append(_place(draw, reach, length, whole))
    offset = np.array(center) - linear @ np.array([middle, middle])
    return np.concatenate([linear, offset[:, None]], axis=1).astype(np.float32)


def _place(draw: float, reach: float, length: int, whole: bool) -> float:
    """Return a center such that [center - reach, center + reach] lies in the photograph, or else contains it."""
    first, last = sorted((reach, length - 1 - reach))
    if whole:
        return first + math.floor(draw * (last - first + 1))
    return first + draw * (last - first)


def _offsets(matrix, samples: int, xp):
    """Return the shifts of the samples from the output pixel's center, in source pixels: a list of [2] arrays (x, y).

    `xp` is numpy or jax.numpy.
    """
    linear = matrix[:, :2]
    scale = xp.sqrt(xp.abs(linear[0, 0] * linear[1, 1] - linear[0, 1] * linear[1, 0]))
    # In output pixels the square's side is (scale - 1) / scale.
    side = xp.maximum(scale - 1, 0) / scale
    steps = [step / (samples - 1) - 0.5 if samples > 1 else 0.0 for step in range(samples)]
    return [side * (linear[:, 0] * x + linear[:, 1] * y) for y in steps for x in steps]


def warp_on_host(picture: np.ndarray, matrix: np.ndarray, size: int, samples: int = 1) -> np.ndarray:
    """Compute one crop with OpenCV.

    Args:
      picture: image, uint8 [H, W, 3].
      matrix: float32 [2, 3], output pixel to source pixel.
      size: side of the crop.
      samples: from `samples_for`, for crops that may shrink.

    Returns:
      uint8 [size, size, 3]. It may be a view of `picture` if nothing is resampled.
    """
    plain = _slice(picture, matrix, size)
    if plain is not None:
        return plain
    picture, matrix = _window(picture, matrix, size)
    offsets = _offsets(matrix, samples, np)
    if not np.any(offsets):
        return _bilinear(picture, matrix, size)
    total = np.zeros((size, size, 3), np.float32)
    for offset in offsets:
        shifted = matrix.copy()
        shifted[:, 2] += offset
        cv2.accumulate(_bilinear(picture, shifted, size), total)
    return np.rint(total / len(offsets)).astype(np.uint8)


def _bilinear(picture: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT_101)


def _slice(picture: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray | None:
    """Return the crop if it is a shift by whole pixels inside the image, mirrored or not; else None."""
    mirrored = matrix[0, 0] == -1
    if not np.array_equal(matrix[:, :2], [[-1 if mirrored else 1, 0], [0, 1]]):
        return None
    left, top = matrix[0, 2] - (size - 1 if mirrored else 0), matrix[1, 2]
    height, width = picture.shape[:2]
    if left % 1 or top % 1 or not (0 <= left <= width - size and 0 <= top <= height - size):
        return None
    crop = picture[int(top) : int(top) + size, int(left) : int(left) + size]
    return cv2.flip(crop, 1) if mirrored else crop


def _window(picture: np.ndarray, matrix: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of the image that a crop needs, and the crop's matrix for that part.

    This is because OpenCV can't warp images with a side of 32,768 pixels or more. If the crop leaves the image along an
    axis, that axis is kept whole for the reflection.
    """
    corners = matrix @ np.array([[0, size - 1, 0, size - 1], [0, 0, size - 1, size - 1], [1, 1, 1, 1]])
    scale = np.abs(matrix[:, :2]).sum(axis=1)  # the anti-aliasing reaches less than one output pixel
    first = np.floor(corners.min(axis=1) - scale).astype(int) - 1
    last = np.ceil(corners.max(axis=1) + scale).astype(int) + 2
    cuts, matrix = [], matrix.copy()
    for axis, length in enumerate((picture.shape[1], picture.shape[0])):
        if first[axis] < 0 or last[axis] > length:
            cuts.append(slice(None))
        else:
            cuts.append(slice(first[axis], last[axis]))
            matrix[axis, 2] -= first[axis]
    return picture[cuts[1], cuts[0]], matrix


def warp_on_device(
    pixels: jax.Array,
    offset: jax.Array,
    height: jax.Array,
    width: jax.Array,
    matrix: jax.Array,
    size: int,
    samples: int = 1,
) -> jax.Array:
    """Compute one crop inside jit, from a buffer that holds photographs of any sizes; use vmap for several crops.

    Args:
      pixels: uint8 [N], every photograph's [H, W, 3] flattened, one after the other.
      offset: int32 scalar, where in `pixels` the photograph begins.
      height: int32 scalar, of the photograph.
      width: int32 scalar, of the photograph.
      matrix: float32 [2, 3], output pixel to source pixel.
      size: side of the crop, static.
      samples: from `samples_for`, static.

    Returns:
      float32 [size, size, 3] in [0, 1], rounded to multiples of 1/255 as in `warp_on_host`.
    """
    steps = jnp.arange(size, dtype=jnp.float32)
    # Written as products and sums, because a matrix product may run in reduced precision on an accelerator.
    x = matrix[0, 0] * steps[None, :] + matrix[0, 1] * steps[:, None] + matrix[0, 2]
    y = matrix[1, 0] * steps[None, :] + matrix[1, 1] * steps[:, None] + matrix[1, 2]

    def sample(shift):
        return _bilinear_gather(pixels, offset, height, width, x + shift[0], y + shift[1])

    if samples == 1:
        mean = sample(jnp.zeros(2, jnp.float32))
    else:
        # One sample after the other, so that only one sample needs memory at a time.
        shifts = jnp.stack(_offsets(matrix, samples, jnp))
        total, _ = jax.lax.scan(
            lambda total, shift: (total + sample(shift), None), jnp.zeros((size, size, 3), jnp.float32), shifts
        )
        mean = total / (samples * samples)
    return jnp.round(mean) / 255


def _bilinear_gather(pixels, offset, height, width, x, y):
    """Return the pixels at real coordinates x, y [size, size], as float32 [size, size, 3] in [0, 255]."""
    left, top = jnp.floor(x), jnp.floor(y)
    right_weight, bottom_weight = (x - left)[..., None], (y - top)[..., None]
    left, top = left.astype(jnp.int32), top.astype(jnp.int32)
    columns = [_reflect(left, width), _reflect(left + 1, width)]
    rows = [_reflect(top, height), _reflect(top + 1, height)]
    channels = jnp.arange(3, dtype=jnp.int32)

    def level(row, column):
        first = offset + 3 * (row * width + column)
        index = first[..., None] + channels[None, None, :]
        return pixels.at[index].get(mode="promise_in_bounds").astype(jnp.float32)

    upper, lower = (level(row, columns[0]) * (1 - right_weight) + level(row, columns[1]) * right_weight for row in rows)
    return upper * (1 - bottom_weight) + lower * bottom_weight


def _reflect(index, length):
    """Return any index mapped into [0, length) by reflection about the first and the last one (BORDER_REFLECT_101)."""
    period = jnp.maximum(2 * (length - 1), 1)
    index = index % period
    return jnp.where(index < length, index, period - index)
