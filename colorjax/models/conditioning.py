"""Conditioning: what some networks are given beside their inputs, computed from these by weights never trained.

Such a network (a linen module) has, beside `__call__`,

    frozen() -> FrozenWeights                its frozen weights, what they are and where they come from
    conditioning(variables, inputs) -> dict  further keyword arguments of `__call__`, each [B, ...], for inputs
                                             [B, H, W, Cin]; pure; `variables` are those of `frozen()`
    conditioning_of_photograph: bool         whether training gives each patch the conditioning of its whole photograph
    conditioning_key: str                    names all fields that the conditioning depends on

and is applied as `module.apply(variables, inputs, train=..., **conditioning)`. The functions below treat a network
without these as one whose conditioning is empty. Frozen weights are no part of the train state: they are not averaged,
not written into checkpoints, and cost the optimizer nothing.
"""

import functools
import hashlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import Array


class FrozenWeights(NamedTuple):
    """Weights that are never trained, a pytree; empty without any.

    `origin` is a line for people on where they come from; `fingerprint` is a hash of their content, whatever the file.
    """

    variables: Any
    origin: str = ""
    fingerprint: str = ""


def fingerprint_of(variables: Any) -> str:
    """Return a SHA-256 over the names, shapes and bytes of all arrays."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(variables):
        array = np.asarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def frozen_of(model: nn.Module) -> FrozenWeights:
    """Return the network's frozen weights.

    Raises:
      UserError: they are not there, with the lines that get them.
    """
    return model.frozen() if hasattr(model, "frozen") else FrozenWeights({})


def conditioning_of(model: nn.Module, variables: Any, inputs: Array) -> dict[str, Array]:
    """Return the conditioning of inputs [B, H, W, Cin]; `variables` are the frozen ones."""
    return model.conditioning(variables, inputs) if hasattr(model, "conditioning") else {}


def initial_variables(model: nn.Module, key: Array, frozen: Any, inputs: Array) -> dict[str, Any]:
    """Return new variables of the network, for inputs [B, H, W, Cin] of any size.

    Args:
      model: with or without a conditioning.
      key: of the random weights.
      frozen: the variables of `frozen_of(model)`, or their shapes.
      inputs: their values don't matter.
    """
    shapes = jax.eval_shape(functools.partial(conditioning_of, model), frozen, inputs)
    conditioning = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return model.init(key, inputs, train=False, **conditioning)


def has_conditioning_of_photograph(model: nn.Module) -> bool:
    """Whether training takes the conditioning of the whole photograph for each of its patches."""
    return getattr(model, "conditioning_of_photograph", False)
