"""Colorization with guidance: colors of some pixels, and which colors a picture has. Images are sRGB [*b, H, W, 3].

Reference: R. Zhang, J.-Y. Zhu, P. Isola, X. Geng, A. S. Lin, T. Yu and A. A. Efros, "Real-Time User-Guided Image
Colorization with Learned Deep Priors", SIGGRAPH 2017: the network's inputs (section 3), the simulated hints
(section 3.2) and the global hints (section 3.3).
"""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from colorjax.color import ab_bins
from colorjax.color.spaces import rgb2lab
from colorjax.tasks.colorize import AB_SCALE
from colorjax.tasks.colorize_bins import ColorizeBins, mean_of_squares
from colorjax.tasks.task import Example

#: Length of a palette: a share for each bin of ab, the mean chroma, and whether there is a palette.
PALETTE = ab_bins.count() + 2

# The number of hints is geometric: another one follows with probability 7/8, so that there are 7 on average.
ANOTHER_HINT = 7 / 8
# At most this many are drawn; one example in 600 would have more.
MOST_HINTS = 48
LARGEST_HINT = 9  # pixels, the side of a square
# Shares of the examples without any hint, and with a palette. The paper trains in stages instead.
WITHOUT_HINTS = 0.5
WITH_PALETTE = 0.25
# Examples are seen darker or lighter: the exponent of the gray levels is drawn between the first and its inverse.
LEAST_GAMMA = 0.7

_PALETTE_SIDE = 28  # squares along each side of an image, over which its palette is counted


@dataclasses.dataclass(frozen=True)
class ColorizeGuided(ColorizeBins):
    """The network receives lightness, hints and their mask, and a palette besides; it predicts a distribution.

    Inputs are [*b, H, W, 4]: L / 50 - 1; a and b of the hints divided by `AB_SCALE`, 0 elsewhere; and 1 at hints, 0
    elsewhere. In training the hints are squares of 1 to 9 pixels that show the mean color of what they cover; their
    centers are normally distributed around the image's center with a standard deviation of a quarter of its sides.
    """

    name: ClassVar[str] = "colorize_guided"
    input_channels: ClassVar[int] = 4
    # The plain mean (temperature 1) is worse by every measure: the little probability that all far bins have adds up to
    # a haze over gray things. Chosen on validation photographs, as are the powers.
    temperature: ClassVar[float] = 0.38
    rarity_powers: ClassVar[tuple[float, float]] = (-0.5, 0.25)

    def inputs(self, degraded: Array) -> Array:
        """Return the network's inputs without any hint."""
        lightness = rgb2lab(degraded)[..., :1] / 50 - 1
        return jnp.concatenate([lightness, jnp.zeros((*lightness.shape[:-1], 3), lightness.dtype)], axis=-1)

    def picture(self, outputs: Array, inputs: Array) -> Array:
        """See `Colorize`."""
        return super().picture(outputs, inputs[..., :1])

    def example(self, keys: Array, clean: Array, labels: Mapping[str, Array] | None = None) -> Example:
        """Return the training example of each image [B, H, W, 3], with hints and palettes drawn by its own key [B]."""
        own = jax.vmap(lambda key: jax.random.split(key, 4))(keys)
        degraded = jax.vmap(_tone)(own[:, 3], self.degrade(own[:, 0], clean))
        ab = rgb2lab(clean)[..., 1:]
        hints, mask = jax.vmap(draw_hints)(own[:, 1], ab)
        inputs = self.inputs(degraded)
        inputs = jnp.concatenate([inputs[..., :1], hints / AB_SCALE, mask], axis=-1)
        seen = jax.vmap(lambda key: jax.random.bernoulli(key, WITH_PALETTE))(own[:, 2])
        palettes = palette(ab) * seen[:, None].astype(ab.dtype)
        return Example(inputs, ab, labels or {}, {"palette": palettes})


def draw_hints(key: Array, ab: Array) -> tuple[Array, Array]:
    """Return drawn hints [H, W, 2], 0 outside them, and their mask [H, W, 1], of the true colors `ab` [H, W, 2]."""
    height, width = ab.shape[:2]
    any_hint, number, places, sides = jax.random.split(key, 4)
    # P(count >= n) = ANOTHER_HINT^n
    uniform = jax.random.uniform(number, minval=jnp.finfo(jnp.float32).tiny)
    count = jnp.floor(jnp.log(uniform) / jnp.log(jnp.float32(ANOTHER_HINT))).astype(jnp.int32)
    count = jnp.where(jax.random.bernoulli(any_hint, WITHOUT_HINTS), 0, jnp.minimum(count, MOST_HINTS))
    side = jax.random.randint(sides, (MOST_HINTS, 1), 1, LARGEST_HINT + 1)
    extent = jnp.array([[height, width]])
    free = (extent - side).astype(jnp.float32)
    center = free / 2 + jax.random.normal(places, (MOST_HINTS, 2)) * free / 4
    first = jnp.clip(jnp.round(center).astype(jnp.int32), 0, jnp.maximum(extent - side, 0))
    drawn = jnp.arange(MOST_HINTS) < count

    def covered(axis, length):
        positions = jnp.arange(length)[None]
        return (positions >= first[:, axis, None]) & (positions < (first + side)[:, axis, None])

    rows = (covered(0, height) & drawn[:, None]).astype(ab.dtype)
    columns = covered(1, width).astype(ab.dtype)
    # The mean color of each square: its sum over the square, by two products, divided by the number of its pixels.
    sums = jnp.einsum("nh,nw,hwc->nc", rows, columns, ab, precision="highest")
    means = sums / jnp.maximum(rows.sum(axis=1) * columns.sum(axis=1), 1)[:, None]
    # Where squares overlap, the one drawn last counts.
    owner = jnp.arange(1, MOST_HINTS + 1, dtype=ab.dtype)[:, None, None] * rows[:, :, None] * columns[:, None]
    owner = owner.max(axis=0).astype(jnp.int32)
    mask = (owner > 0)[..., None].astype(ab.dtype)
    return means[jnp.maximum(owner - 1, 0)] * mask, mask


def palette(ab: Array) -> Array:
    """Return the palettes [B, PALETTE] of colors `ab` [B, H, W, 2]: shares of the bins, mean chroma / 110, and 1.

    Colors are averaged over squares first, and each counts for its nearest bin, as in the paper's section 3.3.
    """
    sides = (_divisor(ab.shape[1]), _divisor(ab.shape[2]))
    colors = mean_of_squares(ab, *sides).reshape(ab.shape[0], -1, 2)
    nearest = jnp.argmax(ab_bins.encode(colors), axis=-1)
    shares = jax.nn.one_hot(nearest, ab_bins.count(), dtype=ab.dtype).mean(axis=1)
    chroma = jnp.sqrt(jnp.sum(jnp.square(colors), axis=-1)).mean(axis=1, keepdims=True) / AB_SCALE
    return jnp.concatenate([shares, chroma, jnp.ones_like(chroma)], axis=-1)


def _divisor(length: int) -> int:
    """Return the largest divisor of `length` that is at most `_PALETTE_SIDE`."""
    return max(side for side in range(1, min(length, _PALETTE_SIDE) + 1) if length % side == 0)


def _tone(key: Array, degraded: Array) -> Array:
    """Return a gray image [H, W, 3] as it looks darker or lighter, by a power of its levels."""
    exponent = LEAST_GAMMA ** jax.random.uniform(key, minval=-1.0, maxval=1.0)
    return jnp.clip(degraded, 0, 1) ** exponent
