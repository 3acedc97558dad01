"""Denoising with a network that is told the level of the noise. Images are float32 sRGB [*b, H, W, 3]."""

import dataclasses
import math
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from colorjax.noise import NOISES
from colorjax.tasks.denoise import Denoise
from colorjax.tasks.denoise_gray import DenoiseGray
from colorjax.tasks.task import Example


class _Told(Denoise):
    """What the two tasks share: one more channel of the inputs, a map with the same number at each pixel.

    The number is the level of the noise in its own unit; for Gaussian noise, the standard deviation where white is 1
    (FFDNet, section III.C). In training it is the level that was drawn for the example.
    """

    takes_noise_level: ClassVar[bool] = True

    def inputs(self, degraded: Array, level: Array | float = 0.0) -> Array:
        """Return the degraded image beside the map.

        Args:
          degraded: [*b, H, W, 3].
          level: one number, or one for each pixel, [*b, H, W, 1].
        """
        image = super().inputs(degraded)
        level = jnp.asarray(level, image.dtype) / _unit(self.noise_kind)
        level = level.reshape((1,) * (image.ndim - level.ndim) + level.shape)
        return jnp.concatenate([image, jnp.broadcast_to(level, (*image.shape[:-1], 1))], axis=-1)

    def targets(self, clean: Array, inputs: Array) -> Array:
        """Return the correction that makes the noisy image clean."""
        return super().targets(clean, inputs[..., :-1])

    def picture(self, outputs: Array, inputs: Array) -> Array:
        """Return the corrected image, not clipped."""
        return super().picture(outputs, inputs[..., :-1])

    def example(self, keys: Array, clean: Array, labels: Mapping[str, Array] | None = None) -> Example:
        """Return the training example of each image [*b, H, W, 3]; the noise has the level that is in the map."""
        low, high = self.noise_level

        def inputs(key: Array, clean: Array) -> Array:
            key_of_level, key_of_noise = jax.random.split(key)
            level = jax.random.uniform(key_of_level, (), clean.dtype, low, high)
            return self.inputs(self.with_noise(key_of_noise, clean, (level, level)), level)

        for _ in keys.shape:
            inputs = jax.vmap(inputs)
        mapped = inputs(keys, clean)
        return Example(mapped, self.targets(clean, mapped), labels or {})


@dataclasses.dataclass(frozen=True)
class DenoiseTold(_Told):
    """`Denoise`, and the network is told the level of the noise."""

    name: ClassVar[str] = "denoise_told"
    measured_as: ClassVar[str] = "denoise"
    input_channels: ClassVar[int] = 4


@dataclasses.dataclass(frozen=True)
class DenoiseGrayTold(_Told, DenoiseGray):
    """`DenoiseGray`, and the network is told the level of the noise."""

    name: ClassVar[str] = "denoise_gray_told"
    measured_as: ClassVar[str] = "denoise_gray"
    input_channels: ClassVar[int] = 2


def _unit(kind: str) -> float:
    """Return the level of a kind of noise that is 1 in the map: 1, but for camera shake, whose level is in pixels."""
    largest = NOISES[kind].maximum
    return largest if math.isfinite(largest) and largest > 1 else 1.0
