"""Losses: `loss(outputs, targets)` takes two arrays `[B, H, W, C]` and returns one number for each example, `[B]`.

They work in the units of the task's targets (noise: parts of the range [0, 1]; ab: as scaled by the task).
Arrays of different shapes raise ValueError, because broadcasting would hide a wrong axis.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Loss = Callable[[jax.Array, jax.Array], jax.Array]

# Lai, Huang, Ahuja and Yang, "Fast and Accurate Image Super-Resolution with Deep Laplacian Pyramid Networks", 2018.
CHARBONNIER_EPSILON = 1e-3


def squared_error(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Return the mean of the squared differences, `[B]`."""
    return _example_mean(jnp.square(_difference(outputs, targets)))


def l1(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Return the mean of the absolute differences, `[B]`."""
    return _example_mean(jnp.abs(_difference(outputs, targets)))


def charbonnier(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Return the mean of sqrt(difference^2 + epsilon^2), `[B]`: L1 made smooth at 0 (Charbonnier et al., ICIP 1994)."""
    return _example_mean(jnp.sqrt(jnp.square(_difference(outputs, targets)) + CHARBONNIER_EPSILON**2))


LOSSES: dict[str, Loss] = {
    "squared_error": squared_error,
    "l1": l1,
    "charbonnier": charbonnier,
}


def _difference(outputs, targets):
    if outputs.shape != targets.shape or outputs.ndim != 4:
        raise ValueError(
            f"outputs and targets must have one shape [B, H, W, C], not {outputs.shape} and {targets.shape}"
        )
    return outputs - targets


def _example_mean(values):
    return jnp.mean(values, axis=(-3, -2, -1))
