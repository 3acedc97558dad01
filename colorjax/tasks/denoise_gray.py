"""Denoising of gray images, float32 sRGB [*b, H, W, 3] with three equal channels."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from colorjax.color.spaces import rgb2yiq
from colorjax.noise import add_noise
from colorjax.tasks.denoise import Denoise


def luma(picture: Array) -> Array:
    """Return 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601) of [*b, H, W, 3] at whole 8-bit levels, [*b, H, W, 1].

    It is MATLAB's `rgb2gray` of 8-bit images. The gray sets for measuring denoisers (BSD68, Set12) were made with it.
    """
    return jnp.round(rgb2yiq(picture)[..., :1] * 255) / 255


@dataclasses.dataclass(frozen=True)
class DenoiseGray(Denoise):
    """`Denoise` on one channel: the noise is added to the photograph's luma, and the clean luma is the truth."""

    name: ClassVar[str] = "denoise_gray"
    input_kind: ClassVar[str] = "a noisy gray picture"
    input_channels: ClassVar[int] = 1
    output_channels: ClassVar[int] = 1

    def truth(self, clean: Array) -> Array:
        """Return the photograph's luma in three equal channels."""
        return jnp.broadcast_to(luma(clean), clean.shape)

    def with_noise(self, key: Array, clean: Array, level: tuple[Array | float, Array | float]) -> Array:
        """Return the noisy luma, not clipped, in three equal channels."""
        return jnp.broadcast_to(add_noise(key, luma(clean), self.noise_kind, level), clean.shape)

    def inputs(self, degraded: Array) -> Array:
        """Return one of the equal channels."""
        return degraded[..., :1]

    def targets(self, clean: Array, inputs: Array) -> Array:
        """Return the correction that makes the noisy image clean."""
        return luma(clean) - inputs

    def picture(self, outputs: Array, inputs: Array) -> Array:
        """Return the corrected image, not clipped, in three equal channels."""
        return jnp.repeat(inputs + outputs, 3, axis=-1)
