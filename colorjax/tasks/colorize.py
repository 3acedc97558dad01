"""Colorization: from a gray picture to a colored one. Pictures are float32 sRGB [*b, H, W, 3]."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from colorjax.color.gray import gray_copy
from colorjax.color.spaces import lab2rgb_gamut, rgb2lab
from colorjax.noise import add_noise
from colorjax.tasks.task import Task

# Brings ab into about [-1, 1]: over the whole of sRGB a lies in [-86.2, 98.3] and b in [-107.9, 94.5].
AB_SCALE = 110.0


@dataclasses.dataclass(frozen=True)
class Colorize(Task):
    """The network sees the lightness L / 50 - 1, in [-1, 1], and gives a and b over `AB_SCALE`.

    Noise, if any, falls on the gray picture (one value a pixel, so its grain is gray too) before the lightness is
    taken; the restored picture keeps that noisy lightness, for only its color is asked for.
    """

    name: ClassVar[str] = "colorize"
    input_kind: ClassVar[str] = "a gray picture"
    input_channels: ClassVar[int] = 1
    output_channels: ClassVar[int] = 2
    colorizes: ClassVar[bool] = True

    def degrade(self, key: Array, clean: Array) -> Array:
        """Return the gray copy as RGB, spoiled by the noise and then not clipped."""
        gray = gray_copy(clean)[..., :1]
        noisy = add_noise(key, gray, self.noise_kind, self.noise_level)
        return jnp.broadcast_to(noisy, clean.shape)

    def inputs(self, degraded: Array) -> Array:
        """Return the lightness over 50, minus 1."""
        return rgb2lab(degraded)[..., :1] / 50 - 1

    def targets(self, clean: Array, inputs: Array) -> Array:
        """Return the true a and b over `AB_SCALE`."""
        del inputs
        return rgb2lab(clean)[..., 1:] / AB_SCALE

    def picture(self, outputs: Array, inputs: Array) -> Array:
        """Return the input's own lightness with the predicted color, as far as sRGB can show it, in [0, 1]."""
        return lab2rgb_gamut(jnp.concatenate([(inputs + 1) * 50, self.colors(outputs)], axis=-1))

    def colors(self, outputs: Array) -> Array:
        """Return the Lab a and b, [*b, H, W, 2], that a network's outputs stand for."""
        return outputs * AB_SCALE
