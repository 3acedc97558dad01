"""The statistics of group normalization for an image that a network sees in tiles: over which pixels they are taken.

Each function returns a collection "statistics" for `colorjax.models.normalization.GroupNorm`: float32 arrays by the
path of the layer. It is empty for a network without such layers. A tile may reach beyond the image; it is filled with
the image's reflection there, and the statistics leave that part out.
"""

import functools
from typing import Any

import jax
import numpy as np
from flax import linen as nn
from flax import traverse_util

from colorjax.models.normalization import GroupNorm


def are_needed(model: nn.Module, variables: Any, frozen: Any, channels: int) -> bool:
    """Return whether the network has group normalization, for inputs of so many channels."""
    smallest = (model.stride, model.stride, channels)  # this traces the network, once for tiles of all sizes
    return bool(_layers(model, *map(_abstract, (variables, frozen)), smallest))


def of_tile(model: nn.Module, variables: Any, frozen: Any, tile: tuple[int, int, int], valid: tuple[int, int]):
    """Return the weights for statistics of the whole tile.

    Args:
      model: the network.
      variables: its trained variables.
      frozen: its frozen variables.
      tile: height, width and channels of the network's input.
      valid: height and width of the part of the tile that the image fills.
    """
    return _weights(model, variables, frozen, tile, valid, lambda side, filled, _: _box(side, filled, filled)[:1])


def of_window(
    model: nn.Module, variables: Any, frozen: Any, tile: tuple[int, int, int], valid: tuple[int, int], window: int
):
    """Return the weights for statistics of a window of `window` x `window` pixels around each position.

    Chu et al. 2022, "Improving Image Restoration by Revisiting Global Information Aggregation". At an edge the window
    moves inwards. A window longer than a side of the tile covers that whole side.

    Args:
      model: the network.
      variables: its trained variables.
      frozen: its frozen variables.
      tile: height, width and channels of the network's input.
      valid: height and width of the part of the tile that the image fills.
      window: side of the window, pixels of the input.
    """

    def box(side, filled, scale):
        return _box(side, filled, max(1, round(window * scale)))

    return _weights(model, variables, frozen, tile, valid, box)


def of_sample(model: nn.Module, variables: Any, frozen: Any, sample: np.ndarray, valid: tuple[int, int]):
    """Return the mean and variance of every layer over a sample of an image, to be used for all tiles of the image.

    Every layer sees what the layers before it compute with the statistics of the whole sample.

    Args:
      model: the network.
      variables: its trained variables.
      frozen: its frozen variables.
      sample: squares of the image as inputs of the network, [n, h, w, C].
      valid: height and width of the part of each square that the image fills.
    """
    weights = of_tile(model, variables, frozen, sample.shape[1:], valid)
    return _collect(model, variables, frozen, weights, sample)


@functools.partial(jax.jit, static_argnums=0)
def _collect(model, variables, frozen, weights, sample):
    conditioning = model.conditioning(frozen, sample)
    _, collected = model.apply(
        {**variables, "statistics": weights}, sample, train=False, mutable=["statistics"], **conditioning
    )
    flat = traverse_util.flatten_dict(collected.get("statistics", {}))
    return traverse_util.unflatten_dict({path: flat[path] for path in flat if path[-1] in ("mean", "variance")})


def _weights(model, variables, frozen, tile, valid, box):
    flat = {}
    for path, sides in _layers(model, *map(_abstract, (variables, frozen)), tile):
        for name, side, length, filled in zip(("rows", "columns"), sides, tile, valid, strict=False):
            scale = side / length
            flat[*path, name] = box(side, max(1, round(filled * scale)), scale)
    return traverse_util.unflatten_dict(flat)


def _box(side: int, filled: int, window: int) -> np.ndarray:
    """Return the weights [side, side] of a moving mean: for each position, over `window` of the first `filled` ones."""
    window = min(window, filled)
    starts = np.clip(np.arange(side) - window // 2, 0, filled - window)[:, None]
    positions = np.arange(side)[None, :]
    inside = (starts <= positions) & (positions < starts + window)
    return (inside / window).astype(np.float32)


def _abstract(tree):
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple(jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype) for leaf in leaves)


@functools.lru_cache(maxsize=256)
def _layers(model, variables, frozen, tile):
    """Return the path of each group normalization, with the height and width of what it normalizes."""
    variables, frozen = (jax.tree.unflatten(*tree) for tree in (variables, frozen))

    def apply(variables, frozen, inputs):
        def is_group_norm(module, method):
            return isinstance(module, GroupNorm)

        conditioning = model.conditioning(frozen, inputs)
        return model.apply(
            variables,
            inputs,
            train=False,
            capture_intermediates=is_group_norm,
            mutable=["intermediates"],
            **conditioning,
        )

    inputs = jax.ShapeDtypeStruct((1, *tile), np.float32)
    _, captured = jax.eval_shape(apply, variables, frozen, inputs)
    outputs = traverse_util.flatten_dict(captured.get("intermediates", {}))
    return tuple((path[:-1], output[0].shape[1:3]) for path, output in outputs.items() if path[-1] == "__call__")
