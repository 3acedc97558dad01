"""Denoising: from a spoiled picture back to the clean one. Pictures are float32 sRGB [*b, H, W, 3]."""

import dataclasses
from typing import ClassVar

from jax import Array

from colorjax.noise import add_noise
from colorjax.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class Denoise(Task):
    """The network sees the noisy RGB picture and gives the correction to be added to it.

    Learning the correction and not the picture is residual learning (Zhang et al., "Beyond a Gaussian Denoiser",
    2017): a network that has learned nothing yet returns the picture as it got it. Each loss in `LOSSES` is a
    function of outputs - targets, which is restored - clean: it is the loss between the two pictures.
    """

    name: ClassVar[str] = "denoise"
    input_kind: ClassVar[str] = "a noisy picture"
    input_channels: ClassVar[int] = 3
    output_channels: ClassVar[int] = 3

    def degrade(self, key: Array, clean: Array) -> Array:
        """Return the noisy picture, not clipped."""
        return add_noise(key, clean, self.noise_kind, self.noise_level)

    def inputs(self, degraded: Array) -> Array:
        """Return the degraded picture as it is."""
        return degraded

    def targets(self, clean: Array, inputs: Array) -> Array:
        """Return the correction that makes the noisy picture clean."""
        return clean - inputs

    def picture(self, outputs: Array, inputs: Array) -> Array:
        """Return the corrected picture, not clipped."""
        return inputs + outputs
