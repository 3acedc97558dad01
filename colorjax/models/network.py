"""What every network is: a linen module, and what the framework asks of it beside its outputs.

Some networks are given a *conditioning* beside their inputs, computed from these by weights that are never trained.
Such a network overrides `frozen` and `conditioning`, and is applied as

    module.apply(variables, inputs, train=..., **conditioning)

Frozen weights are no part of the train state: they are not averaged, not written into checkpoints, and cost the
optimizer nothing.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array

#: The collection of what a network sows for the objective alone, such as `self.sow(AUXILIARY, "class_logits", logits)`.
#: Only training makes it mutable, so elsewhere a network is a function from inputs to outputs.
AUXILIARY = "auxiliary"


class FrozenWeights(NamedTuple):
    """Weights that are never trained, a pytree; empty without any.

    `origin` is a line for people on where they come from; `fingerprint` is a hash of their content, whatever the file.
    """

    variables: Any
    origin: str = ""
    fingerprint: str = ""


class Network(nn.Module):
    """A linen module from [B, H, W, Cin] to float32 [B, H, W, output_channels]."""

    # A picture moved by this many pixels moves all feature maps by whole positions: the product of the halvings.
    stride = 1

    #: Whether training gives each patch the conditioning of its whole photograph.
    conditioning_of_photograph = False

    #: Names all fields that the conditioning depends on.
    conditioning_key = ""

    @nn.nowrap
    def frozen(self) -> FrozenWeights:
        """Return the frozen weights.

        Raises:
          UserError: they are not there, with the lines that get them.
        """
        return FrozenWeights({})

    @nn.nowrap
    def conditioning(self, variables: Any, inputs: Array) -> dict[str, Array]:
        """Return further keyword arguments of `__call__`, each [B, ...], for inputs [B, H, W, Cin]; pure.

        Args:
          variables: those of `frozen()`.
          inputs: of the network.
        """
        del variables, inputs
        return {}


def initial_variables(model: Network, key: Array, frozen: Any, inputs: Array) -> dict[str, Any]:
    """Return new variables of the network, for inputs [B, H, W, Cin] of any size.

    Args:
      model: with or without a conditioning.
      key: of the random weights.
      frozen: the variables of `model.frozen()`, or their shapes.
      inputs: their values don't matter.
    """
    shapes = jax.eval_shape(model.conditioning, frozen, inputs)
    conditioning = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    variables = dict(model.init(key, inputs, train=False, **conditioning))
    variables.pop(AUXILIARY, None)  # linen's init makes every collection mutable
    return variables
