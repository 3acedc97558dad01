"""Colorization: from a gray image to a color image. Images are float32 sRGB [*b, H, W, 3]."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from colorjax.color.gray import gray_copy
from colorjax.color.spaces import lab2rgb_gamut, rgb2lab
from colorjax.noise import add_noise
from colorjax.tasks.task import Task

# Brings ab into about [-1, 1]: over all of sRGB, a lies in [-86.2, 98.3] and b in [-107.9, 94.5].
AB_SCALE = 110.0


@dataclasses.dataclass(frozen=True)
class Colorize(Task):
    """The network receives the lightness L / 50 - 1, in [-1, 1], and predicts a and b divided by `AB_SCALE`.

    Noise, if any, is added to the gray image before the lightness is computed. It is one value for each pixel, so the
    grain is gray too. The restored image keeps the noisy lightness, because the task asks for color alone.
    """

    name: ClassVar[str] = "colorize"
    input_kind: ClassVar[str] = "a gray picture"
    input_channels: ClassVar[int] = 1
    output_channels: ClassVar[int] = 2
    colorizes: ClassVar[bool] = True

    def degrade(self, key: Array, clean: Array) -> Array:
        """Return the noisy gray copy as RGB, not clipped."""
        gray = gray_copy(clean)[..., :1]
        noisy = add_noise(key, gray, self.noise_kind, self.noise_level)
        return jnp.broadcast_to(noisy, clean.shape)

    def inputs(self, degraded: Array) -> Array:
        """Return L / 50 - 1, where L is the Lab lightness."""
        return rgb2lab(degraded)[..., :1] / 50 - 1

    def targets(self, clean: Array, inputs: Array) -> Array:
        """Return the true a and b divided by `AB_SCALE`."""
        del inputs
        return rgb2lab(clean)[..., 1:] / AB_SCALE

    def picture(self, outputs: Array, inputs: Array) -> Array:
        """Return the image with the input's lightness and the predicted color, in [0, 1].

        Chroma outside sRGB's gamut is reduced.
        """
        return lab2rgb_gamut(jnp.concatenate([(inputs + 1) * 50, self.colors(outputs)], axis=-1))

    def colors(self, outputs: Array) -> Array:
        """Return the Lab a and b, [*b, H, W, 2], of a network's outputs."""
        return outputs * AB_SCALE
