"""Colorization from a gray image to a whole color image. Images are float32 sRGB [*b, H, W, 3]."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from colorjax.color.spaces import rgb2lab
from colorjax.tasks.colorize import Colorize


@dataclasses.dataclass(frozen=True)
class ColorizeRGB(Colorize):
    """The network receives the gray image as three equal channels and predicts all three of the color image.

    Both are in [-1, 1], as translations between images have them (Isola et al. 2017; Zhu et al. 2017). Nothing keeps
    the lightness of the input, so a restored image may differ from it in more than color. Gray and color images have
    as many channels, so a network that makes color from gray can also be given a color image.
    """

    name: ClassVar[str] = "colorize_rgb"
    measured_as: ClassVar[str] = "colorize"
    input_channels: ClassVar[int] = 3
    output_channels: ClassVar[int] = 3

    def inputs(self, degraded: Array) -> Array:
        """Return the gray image in [-1, 1], [*b, H, W, 3]."""
        return 2 * degraded - 1

    def targets(self, clean: Array, inputs: Array) -> Array:
        """Return the color image in [-1, 1]."""
        del inputs
        return 2 * clean - 1

    def picture(self, outputs: Array, inputs: Array) -> Array:
        """Return the predicted image, clipped to [0, 1]."""
        del inputs
        return jnp.clip((outputs + 1) / 2, 0, 1)

    def colors(self, outputs: Array) -> Array:
        """Return the Lab a and b, [*b, H, W, 2], of a network's outputs."""
        return rgb2lab(self.picture(outputs, outputs))[..., 1:]
