"""The interface of a task: from a clean image to a network's inputs and targets, and from its outputs to an image.

Images are float32 sRGB [*b, H, W, 3], clean ones in [0, 1]. The data, the training loop and the evaluation use this
interface alone, no particular task:

    clean --degrade--> degraded --inputs--> inputs --network--> outputs --picture--> restored

`loss` compares the outputs with the targets, which `targets` computes from the clean image and the inputs.
"""

import abc
import dataclasses
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
from jax import Array

from colorjax.errors import UserError, nearest
from colorjax.noise import check_noise
from colorjax.tasks.losses import LOSSES, Loss


class Example(NamedTuple):
    """An example for training.

    Attributes:
      inputs: of the network, [*b, H, W, input_channels].
      targets: the outputs of a perfect network, [*b, H, W, output_channels].
      labels: further knowledge of the data set by name, such as 'class', float32 [*b, classes].
      guidance: further arguments of the network by name, such as 'palette', each [*b, ...].
    """

    inputs: Array
    targets: Array
    labels: Mapping[str, Array] = {}
    guidance: Mapping[str, Array] = {}


@dataclasses.dataclass(frozen=True)
class Task(abc.ABC):
    """A task. It holds plain values alone, so it is hashable and can be a static argument of a jitted function.

    Attributes:
      losses: (of the class) the losses by name, each comparing outputs with targets.
      loss_name: a key of `losses`.
      noise_kind: name in `colorjax.noise.NOISES`: the noise of the degraded image.
      noise_level: (low, high), the range of the noise's level.

    Raises:
      UserError: the loss or noise is unknown, or the noise is not defined for the level.
    """

    name: ClassVar[str]
    input_kind: ClassVar[str]  # the degraded image in words; methods for one task also serve tasks with equal words
    input_channels: ClassVar[int]
    output_channels: ClassVar[int]
    colorizes: ClassVar[bool] = False  # whether the task asks for color, so that hints of color make sense
    takes_noise_level: ClassVar[bool] = False  # whether `inputs` takes the noise's level as a second argument
    measured_as: ClassVar[str] = ""  # another task with the same images, in whose tables it has rows
    losses: ClassVar[Mapping[str, Loss]] = LOSSES

    loss_name: str
    noise_kind: str = "none"
    noise_level: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self):
        if self.loss_name not in self.losses:
            line = f"config.task.loss: the task {self.name} has no loss {self.loss_name!r}"
            raise UserError(f"{line}; {nearest(self.loss_name, self.losses)}")
        _, level = check_noise(self.noise_kind, self.noise_level)
        object.__setattr__(self, "noise_level", level)

    def truth(self, clean: Array) -> Array:
        """Return the result of a perfect method, [*b, H, W, 3]: the clean image, unless a task asks for less."""
        return clean

    @abc.abstractmethod
    def degrade(self, key: Array, clean: Array) -> Array:
        """Return the degraded image [*b, H, W, 3], not clipped; each image has its own key [*b]."""

    @abc.abstractmethod
    def inputs(self, degraded: Array) -> Array:
        """Return the network's inputs for a degraded image, [*b, H, W, input_channels]."""

    @abc.abstractmethod
    def targets(self, clean: Array, inputs: Array) -> Array:
        """Return the outputs of a perfect network, [*b, H, W, output_channels]."""

    @abc.abstractmethod
    def picture(self, outputs: Array, inputs: Array) -> Array:
        """Return the restored image, [*b, H, W, 3], for a network's outputs and inputs."""

    def estimate(self, outputs: Array, inputs: Array) -> Array:
        """Return what outputs stand for, [*b, H, W, C], in the scale of the inputs: what a discriminator judges.

        By default the outputs themselves, such as a and b beside the lightness in the inputs.
        """
        del inputs
        return outputs

    def inputs_without_noise(self, clean: Array) -> Array:
        """Return the network's inputs for a clean image [H, W, 3], degraded without noise."""
        quiet = dataclasses.replace(self, noise_kind="none", noise_level=(0.0, 0.0))
        return self.inputs(quiet.degrade(jax.random.key(0), clean))

    def loss(self, outputs: Array, targets: Array) -> Array:
        """Return one number for each example, [B]; both arguments are [B, H, W, output_channels]."""
        return self.losses[self.loss_name](outputs, targets)

    def example(self, keys: Array, clean: Array, labels: Mapping[str, Array] | None = None) -> Example:
        """Return the training example of each clean image [*b, H, W, 3], with its own key [*b] and labels; jit-safe."""
        inputs = self.inputs(self.degrade(keys, clean))
        return Example(inputs, self.targets(clean, inputs), labels or {})
