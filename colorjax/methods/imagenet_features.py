"""ImageNet's features of gray images, for methods that learn from them without training a network."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from colorjax.color.gray import gray_of_lightness
from colorjax.color.spaces import rgb2lab
from colorjax.inference.resizing import resize
from colorjax.models import efficientnet_weights
from colorjax.models.efficientnet_lite import SIZES, EfficientNetLite, efficientnet_input
from colorjax.runtime.pixelwise import map_pixels

SIDE = SIZES[0].side  # of the square into which an image is stretched, pixels
GRID = 28  # squares along each side, of which each has features


def lightness_and_ab(image: np.ndarray) -> np.ndarray:
    """Return an image [H, W, 3] in [0, 1], stretched into a square, as Lab [SIDE, SIDE, 3]."""
    return resize(map_pixels(rgb2lab, image), SIDE, SIDE)


def weights():
    """Return the weights of EfficientNet-Lite0.

    Raises:
      UserError: the package with them is not installed; the message has the line that installs it.
    """
    return efficientnet_weights.load(0)


def features(lightness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of each square of an image, [GRID, GRID, D], and those of the whole, [E].

    The features of a square are those of the stages 2 to 7 there, and the mean of the last one over the image.

    Args:
      lightness: of the stretched image, [SIDE, SIDE], 0..100.
    """
    return jax.device_get(_features(weights().variables, lightness[np.newaxis, ..., np.newaxis] / 50 - 1))


@jax.jit
def _features(variables: dict, inputs: Array) -> tuple[Array, Array]:
    gray = jnp.repeat(gray_of_lightness(inputs), 3, axis=-1)
    end_points = EfficientNetLite(0).apply(variables, efficientnet_input(gray))
    stages = [_on_grid(end_points[f"stage_{number}"][0]) for number in range(2, 8)]
    whole = end_points["stage_7"][0].mean(axis=(0, 1))
    everywhere = jnp.broadcast_to(whole, (GRID, GRID, whole.size))
    return jnp.concatenate([*stages, everywhere], axis=-1), whole


def _on_grid(values: Array) -> Array:
    """Return values [h, w, C] on the grid: means of squares, or repeated."""
    if values.shape[0] >= GRID:
        side = values.shape[0] // GRID
        return values.reshape(GRID, side, GRID, side, -1).mean(axis=(1, 3))
    return jnp.repeat(jnp.repeat(values, GRID // values.shape[0], axis=0), GRID // values.shape[1], axis=1)


def mean_on_grid(values: np.ndarray) -> np.ndarray:
    """Return values [SIDE, SIDE, C] averaged over the squares of the grid, [GRID, GRID, C]."""
    side = SIDE // GRID
    return values.reshape(GRID, side, GRID, side, -1).mean(axis=(1, 3))


def weight_count() -> int:
    """Return the number of the published weights, those of the classifier too."""
    return sum(leaf.size for leaf in jax.tree.leaves(weights().variables["params"]))


@functools.cache
def fingerprint() -> str:
    """Return the SHA-256 of the published weights."""
    return weights().sha256
