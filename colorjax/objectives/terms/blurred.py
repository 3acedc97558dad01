"""Squared error of blurred outputs: their colors at large, without the detail."""

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from colorjax.tasks import Example, Task

SIDE = 15  # pixels, as in the one re-implementation of Xu et al. 2021 that is known


def blurred_term(task: Task, outputs: Array, sown: Mapping[str, Array], example: Example) -> Array:
    """Return the mean squared difference of outputs and targets after a mean over squares of `SIDE` pixels, [B].

    Only whole squares count; smaller outputs are one square.

    Args:
      task: not used.
      outputs: [B, H, W, Cout].
      sown: not used.
      example: its targets are [B, H, W, Cout].
    """
    del task, sown
    means = outputs - example.targets  # the blur of the difference is the difference of the blurs
    for axis in (1, 2):
        side = min(SIDE, means.shape[axis])
        sums = jnp.cumsum(means, axis=axis)
        sums = jnp.pad(sums, [(1, 0) if number == axis else (0, 0) for number in range(4)])
        last = sums.shape[axis]
        means = (_part(sums, axis, side, last) - _part(sums, axis, 0, last - side)) / side
    return jnp.mean(jnp.square(means), axis=(1, 2, 3))


def _part(values: Array, axis: int, start: int, stop: int) -> Array:
    return values[:, start:stop] if axis == 1 else values[:, :, start:stop]
