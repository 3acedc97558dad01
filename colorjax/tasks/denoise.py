"""Denoising: from a noisy image to the clean one. Images are float32 sRGB [*b, H, W, 3]."""

import dataclasses
from typing import ClassVar

from jax import Array

from colorjax.noise import add_noise
from colorjax.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class Denoise(Task):
    """The network receives the noisy RGB image and predicts the correction to add to it.

    Learning the correction instead of the image is residual learning (Zhang et al., "Beyond a Gaussian Denoiser",
    2017): the image passes through an untrained network, whose output is 0, unchanged. Each loss in `LOSSES` is a
    function of outputs - targets, which equals restored - clean. So it is the loss between these two images.
    """

    name: ClassVar[str] = "denoise"
    input_kind: ClassVar[str] = "a noisy picture"
    input_channels: ClassVar[int] = 3
    output_channels: ClassVar[int] = 3

    def degrade(self, key: Array, clean: Array) -> Array:
        """Return the noisy image, not clipped."""
        return self.with_noise(key, clean, self.noise_level)

    def with_noise(self, key: Array, clean: Array, level: tuple[Array | float, Array | float]) -> Array:
        """Return the image with noise of a level between the two given ones, not clipped; each has its own key [*b]."""
        return add_noise(key, clean, self.noise_kind, level)

    def inputs(self, degraded: Array) -> Array:
        """Return the degraded image as it is."""
        return degraded

    def targets(self, clean: Array, inputs: Array) -> Array:
        """Return the correction that makes the noisy image clean."""
        return clean - inputs

    def estimate(self, outputs: Array, inputs: Array) -> Array:
        """Return the corrected image in the channels of the outputs; outputs are its difference from the inputs."""
        return inputs[..., : self.output_channels] + outputs

    def picture(self, outputs: Array, inputs: Array) -> Array:
        """Return the corrected image, not clipped."""
        return inputs + outputs
