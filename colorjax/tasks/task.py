"""What a problem is: how a clean photograph becomes a network's input and target, and an output a picture again.

Pictures are float32 sRGB [*b, H, W, 3], clean ones in [0, 1]. The data, the training loop and the evaluation know
this interface and no task of their own:

    clean --degrade--> degraded --inputs--> inputs --network--> outputs --picture--> restored

and `loss` compares the outputs with what `targets` makes of the clean picture and the inputs.
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
    """What the network is given, [*b, H, W, input_channels], and asked for, [*b, H, W, output_channels].

    `labels` is what the data set knows besides, by name: such as 'class', int32 [*b].
    """

    inputs: Array
    targets: Array
    labels: Mapping[str, Array] = {}


@dataclasses.dataclass(frozen=True)
class Task(abc.ABC):
    """A problem. It holds plain values alone, so it is hashable and can be a static argument of a jitted function.

    Attributes:
        losses: (of the class) the losses that compare its outputs with its targets, by name.
        loss_name: name of one of them.
        noise_kind, noise_level: what spoils the degraded picture, as `colorjax.noise.add_noise` takes it.

    Raises:
        UserError: an unknown loss or noise, or a level that the noise is not defined for.
    """

    name: ClassVar[str]
    input_kind: ClassVar[str]  # what is degraded, in words; methods for one task do for another with the same
    input_channels: ClassVar[int]
    output_channels: ClassVar[int]
    colorizes: ClassVar[bool] = False  # whether color is what is asked for, so that hints of it make sense
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
        """Return what a perfect method would restore, [*b, H, W, 3]: the clean picture, unless a task asks for less."""
        return clean

    @abc.abstractmethod
    def degrade(self, key: Array, clean: Array) -> Array:
        """Return the picture that a method is given to restore, [*b, H, W, 3], not clipped; one key [*b] for each."""

    @abc.abstractmethod
    def inputs(self, degraded: Array) -> Array:
        """Return what the network is given of a degraded image, [*b, H, W, input_channels]."""

    @abc.abstractmethod
    def targets(self, clean: Array, inputs: Array) -> Array:
        """Return the outputs that a perfect network would give, [*b, H, W, output_channels]."""

    @abc.abstractmethod
    def picture(self, outputs: Array, inputs: Array) -> Array:
        """Return the restored picture, [*b, H, W, 3], from a network's outputs and its inputs."""

    def inputs_without_noise(self, clean: Array) -> Array:
        """Return what the network is given of a clean picture [H, W, 3] that no noise falls on."""
        quiet = dataclasses.replace(self, noise_kind="none", noise_level=(0.0, 0.0))
        return self.inputs(quiet.degrade(jax.random.key(0), clean))

    def loss(self, outputs: Array, targets: Array) -> Array:
        """Return one number for each example, [B], from [B, H, W, output_channels] twice."""
        return self.losses[self.loss_name](outputs, targets)

    def example(self, keys: Array, clean: Array, labels: Mapping[str, Array] | None = None) -> Example:
        """Make a training example of each clean picture [*b, H, W, 3] with its own key [*b] and labels; jit-safe."""
        inputs = self.inputs(self.degrade(keys, clean))
        return Example(inputs, self.targets(clean, inputs), labels or {})
