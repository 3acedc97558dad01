"""The gray copy of an image, and coloring of gray pixels that keeps their gray levels exactly.

Gray levels are uint8 or uint16 `[H, W]`; images have the same depth, `[H, W, 3]`. The *gray level* of a color pixel is
the level of its gray copy, rounded to the image's depth. The gray copy (`gray_copy`) has the same luminance Y, hence
the same Lab lightness. `gray_levels(color_gray(levels, ab))` equals `levels`, for every level and every ab.

Rounding red, green and blue independently is not enough: in saturated colors the three errors add up to more than
half a level. So `color_gray` looks at the eight whole triples around the exact color, and takes the nearest of those
with the right gray level. There is always one, for this reason: with all channels rounded down the triple is right or
too dark, with all rounded up it is right or too light, and three steps of one channel each lead from the first to the
second. The largest step, one of green, is 0.9 gray levels, while an interval of one level is rounded to the same level.
So no step can skip the right level.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from colorjax.color.spaces import XYZ_FROM_RGB, lab2rgb, lab2rgb_gamut, linear_to_srgb, rgb2xyz, srgb_to_linear
from colorjax.runtime.pixelwise import map_pixels

# A gray value within this distance of a level counts as that level; in levels. It is a half less the errors of float32
# (0.01 at 16 bits).
HALF_A_LEVEL = 0.49

TINY = 1e-12  # lower bound of chromatic light in a divisor, against division by zero

CHUNK = 256  # side in pixels of the squares that are computed at a time

LUMINANCE = tuple(float(weight) for weight in XYZ_FROM_RGB[1])


def gray_copy(picture: jax.Array) -> jax.Array:
    """Return the gray copy of sRGB images [*b, H, W, 3] in [0, 1]: the same shape, three equal channels.

    The gray has the same Lab lightness, hence the same luminance Y, as the color. It is not `rgb2gray` or another luma
    (a weighted sum of sRGB values), because a network predicts ab, and lightness is the third axis of Lab: the gray
    copy's lightness and the true ab give exactly the true color. With luma a saturated blue or red would come back too
    dark or too light, and no ab could undo this error.
    """
    luminance = rgb2xyz(picture)[..., 1:2]
    return linear_to_srgb(jnp.broadcast_to(luminance, picture.shape))


def gray_of_lightness(inputs: jax.Array) -> jax.Array:
    """Return the gray sRGB value in [0, 1] of each pixel of a network's input L / 50 - 1, [*b, H, W, 1]."""
    lightness = jnp.clip((inputs + 1) * 50, 0, 100)
    gray = lab2rgb(jnp.concatenate([lightness, jnp.zeros_like(lightness), jnp.zeros_like(lightness)], axis=-1))
    return jnp.clip(gray[..., :1], 0, 1)


def is_gray(picture: np.ndarray) -> bool:
    """Return whether all channels of an image `[H, W, 1 or 3]` are equal."""
    first = picture[..., :1]
    # Row by row, because most images with colors have some in the first few rows.
    return all(np.all(row == one) for row, one in zip(picture, first, strict=True))


def gray_levels(pixels: np.ndarray) -> np.ndarray:
    """Return the gray levels [H, W] of an image, uint8 or uint16 [H, W, 3], or [H, W, 1] of gray levels already."""
    if pixels.shape[-1] == 1:
        return pixels[..., 0]
    return _by_chunks(functools.partial(map_pixels, _depth(pixels).gray_levels), pixels)[..., 0]


def lightness_of_levels(levels: np.ndarray) -> np.ndarray:
    """Return the Lab lightness of gray levels, uint8 or uint16 of any shape, as float32 in 0..100."""
    return _tables(_depth(levels)).lightness[levels]


def color_gray(levels: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Return the image [H, W, 3] with the gray levels `levels` and the color `ab`, of the type of `levels`.

    Chroma outside sRGB's gamut is reduced; hue stays.

    Args:
      levels: uint8 or uint16 [H, W].
      ab: float32 Lab a and b [H, W, 2].
    """
    depth = _depth(levels)

    def color(levels: np.ndarray, ab: np.ndarray) -> np.ndarray:
        # Two programs, so that the wanted color is computed once: within one, XLA may compute it again for another part
        # with other rounding, and then another whole number is below it.
        return map_pixels(depth.nearest, levels, map_pixels(depth.wanted, levels, ab))

    return _by_chunks(color, levels[..., np.newaxis], ab)


class _Tables(NamedTuple):
    """Properties of each gray level, float32 [levels]: Lab lightness, linear light, and the bounds of the level's Y."""

    lightness: np.ndarray
    linear: np.ndarray
    darkest: np.ndarray
    lightest: np.ndarray


@dataclasses.dataclass(frozen=True)
class _Depth:
    """A depth of pixels: whole numbers from 0 to `top`."""

    top: int

    def gray_levels(self, pixels: jax.Array) -> jax.Array:
        """Return the levels [H, W, 1], uint8 or uint16, of pixels [H, W, 3], whole numbers in float32."""
        linear = jnp.asarray(_tables(self).linear)[pixels.astype(jnp.int32)]
        luminance = sum(weight * linear[..., i] for i, weight in enumerate(LUMINANCE))
        gray = linear_to_srgb(jnp.broadcast_to(luminance[..., np.newaxis], pixels.shape))[..., :1]
        return self._whole(jnp.round(gray * self.top))

    def nearest(self, levels: jax.Array, wanted: jax.Array) -> jax.Array:
        """Return the whole triples with the gray levels that are nearest to the wanted colors, [H, W, 3] in float32.

        Args:
          levels: [H, W, 1].
          wanted: what `wanted` returns, [H, W, 3].
        """
        tables = _Tables(*map(jnp.asarray, _tables(self)))
        levels, wanted = levels[..., 0].astype(jnp.int32), jnp.moveaxis(wanted, -1, 0)
        below = jnp.floor(wanted)
        whole = jnp.stack([below, jnp.minimum(below + 1.0, self.top)])  # [2, 3, H, W]
        light = tables.linear[whole.astype(jnp.int32)]
        distance = jnp.square(whole - wanted[np.newaxis])
        darkest, lightest = tables.darkest[levels], tables.lightest[levels]
        least, best = jnp.full(levels.shape, jnp.inf), jnp.zeros_like(levels)
        for number, corner in enumerate(itertools.product((0, 1), repeat=3)):
            luminance = sum(weight * light[up, i] for i, (weight, up) in enumerate(zip(LUMINANCE, corner, strict=True)))
            squared = sum(distance[up, i] for i, up in enumerate(corner))
            better = (darkest <= luminance) & (luminance <= lightest) & (squared < least)
            least, best = jnp.where(better, squared, least), jnp.where(better, number, best)
        # The bits of the corner's number mark the channels that are rounded up.
        pixels = [jnp.where((best & bit) > 0, whole[1, i], whole[0, i]) for i, bit in enumerate((4, 2, 1))]
        return self._whole(jnp.stack(pixels, axis=-1))

    def wanted(self, levels: jax.Array, ab: jax.Array) -> jax.Array:
        """Return the color to come near to, [H, W, 3] in 0..top and not whole, of just the luminance of `levels`.

        Args:
          levels: [H, W, 1].
          ab: Lab a and b, [H, W, 2].
        """
        tables = _Tables(*map(jnp.asarray, _tables(self)))
        levels = levels[..., 0].astype(jnp.int32)
        lab = jnp.concatenate([tables.lightness[levels][..., np.newaxis], ab], axis=-1)
        linear = srgb_to_linear(lab2rgb_gamut(lab))
        # At the gamut's surface the color may be off by `GAMUT_TOLERANCE`, several levels of 16 bits in the dark.
        return linear_to_srgb(of_luminance(linear, tables.linear[levels][..., np.newaxis])) * self.top

    def _whole(self, values):
        return jnp.clip(values, 0, self.top).astype(jnp.uint8 if self.top == 255 else jnp.uint16)


def of_luminance(linear: jax.Array, luminance: jax.Array) -> jax.Array:
    """Return the color in linear light with gray light added to reach a luminance, in [0, 1] by less chroma if need be.

    Args:
      linear: [H, W, 3], also outside [0, 1].
      luminance: CIE Y, from 0 to 1, [H, W, 1].
    """
    chromatic = linear - sum(weight * linear[..., i : i + 1] for i, weight in enumerate(LUMINANCE))
    most, least = (extreme(chromatic, axis=-1, keepdims=True) for extreme in (jnp.max, jnp.min))
    room = jnp.minimum((1.0 - luminance) / jnp.maximum(most, TINY), luminance / jnp.maximum(-least, TINY))
    return luminance + chromatic * jnp.minimum(room, 1.0)


def _by_chunks(function: Callable, *pictures: np.ndarray) -> np.ndarray:
    """Return `function(*pictures)` [H, W, D], a function of each pixel, called on small arrays of few shapes."""
    height, width = pictures[0].shape[:2]
    parts = []
    for start in range(0, height * width, CHUNK**2):
        flat = [picture.reshape(height * width, -1)[start : start + CHUNK**2] for picture in pictures]
        filled = -len(flat[0]) % CHUNK
        squares = [np.pad(values, [(0, filled), (0, 0)]).reshape(-1, CHUNK, values.shape[-1]) for values in flat]
        result = function(*squares)
        parts.append(result.reshape(-1, result.shape[-1])[: len(flat[0])])
    return np.concatenate(parts).reshape(height, width, -1)


def _depth(pixels: np.ndarray) -> _Depth:
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"pixels are uint8 or uint16, not {pixels.dtype}")
    return _Depth(int(np.iinfo(pixels.dtype).max))


@functools.cache
def _tables(depth: _Depth) -> _Tables:
    # In float64, because at 16 bits the errors of float32's exp and log are a tenth of a level.
    level = np.arange(depth.top + 1, dtype=np.float64)

    def linear(level):
        srgb = level / depth.top
        return np.where(srgb > 0.04045, ((np.maximum(srgb, 0.0) + 0.055) / 1.055) ** 2.4, srgb / 12.92)

    luminance = linear(level)
    curved = luminance > 0.008856
    lightness = np.where(curved, 116 * np.cbrt(luminance) - 16, 116 * 7.787 * luminance)
    tables = (lightness, luminance, linear(level - HALF_A_LEVEL), linear(level + HALF_A_LEVEL))
    return _Tables(*(table.astype(np.float32) for table in tables))
