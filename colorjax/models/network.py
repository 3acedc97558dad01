"""The interface of a network: a linen module with some further properties for the framework.

Some networks receive a *conditioning* in addition to their inputs: arrays that weights which are never trained compute
from the inputs. Such a network overrides `frozen` and `conditioning`, and is applied as

    module.apply(variables, inputs, train=..., **conditioning)

Frozen weights are not part of the train state: they are not averaged, not written into checkpoints, and cost the
optimizer nothing.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from colorjax.errors import UserError

#: The collection for arrays that a network sows for the objective, as by `self.sow(AUXILIARY, "class_logits", logits)`.
#: Only training makes it mutable, so elsewhere a network is a function from inputs to outputs.
AUXILIARY = "auxiliary"

#: The name under which a classifier of whole pictures sows its logits, [B, classes].
CLASS_LOGITS = "class_logits"


class FrozenWeights(NamedTuple):
    """Weights that are never trained.

    Attributes:
      variables: a pytree of arrays; empty if the network has no frozen weights.
      origin: the source of the weights, one line for people.
      fingerprint: a hash of the weights, independent of the file that they come from.
    """

    variables: Any
    origin: str = ""
    fingerprint: str = ""


class Network(nn.Module):
    """A linen module from [B, H, W, Cin] to float32 [B, H, W, output_channels]."""

    # The total downsampling factor: if an image moves by this many pixels, all feature maps move by whole positions.
    stride = 1

    #: Whether the network draws random numbers in training, as for dropout: it then takes `keys`, typed keys [B].
    takes_keys = False

    #: Whether it takes `style`, the lightness of another picture [B, h, w, 1], and colors in that picture's manner.
    takes_style = False

    #: Whether training uses the conditioning of the whole photograph for each of its patches.
    conditioning_of_photograph = False

    #: A text that differs between settings of the network with different conditionings.
    conditioning_key = ""

    @nn.nowrap
    def frozen(self) -> FrozenWeights:
        """Return the frozen weights.

        Raises:
          UserError: the weights are missing; the message has the commands that get them.
        """
        return FrozenWeights({})

    @nn.nowrap
    def pretrained(self) -> dict[str, Any]:
        """Return variables, by collection, with which a new training begins in place of random ones.

        Raises:
          UserError: the weights are missing; the message has the commands that get them.
        """
        return {}

    @nn.nowrap
    def conditioning(self, variables: Any, inputs: Array) -> dict[str, Array]:
        """Return further keyword arguments of `__call__`, each [B, ...], for inputs [B, H, W, Cin]; a pure function.

        Args:
          variables: the variables of `frozen()`.
          inputs: the network's inputs.
        """
        del variables, inputs
        return {}


def initial_variables(model: Network, key: Array, frozen: Any, inputs: Array) -> dict[str, Any]:
    """Return new variables of the network, for inputs [B, H, W, Cin] of any size.

    Args:
      model: a network with or without a conditioning.
      key: random key for the weights.
      frozen: the variables of `model.frozen()`, or their shapes.
      inputs: the values don't matter.
    """
    shapes = jax.eval_shape(model.conditioning, frozen, inputs)
    conditioning = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    variables = dict(model.init(key, inputs, train=False, **conditioning))
    variables.pop(AUXILIARY, None)  # linen's init makes every collection mutable
    return variables


def image_channels(model: Network, inputs: Array) -> Array:
    """Return the noisy image [B, H, W, output_channels] in a denoiser's inputs [B, H, W, Cin].

    It is their first channels; what follows is the map of the noise level, if there is one.

    Raises:
      UserError: the inputs have fewer channels than the output, as those of tasks other than denoising.
    """
    if inputs.shape[-1] < model.output_channels:
        raise UserError(
            f"config.model: {type(model).__name__} finds the image in its inputs without the noise, and these inputs "
            f"have no image of {model.output_channels} channels; use a task of denoising, or another model"
        )
    return inputs[..., : model.output_channels]


def require_ab(name: str, output_channels: int) -> None:
    """Check that a network that predicts colors is asked for as many channels.

    Raises:
      UserError: they are not the two of ab.
    """
    if output_channels != 2:
        raise UserError(f"model.name: {name!r} predicts the two channels ab: it is for config.task.name=colorize")
