"""Colorization by optimization: weights, linear system and solution.

Luminance is float32 [H, W] in [0, 1], chroma float32 [H, W, C], a mask bool [H, W]; nothing is batched.

The chroma of every unmarked pixel r is a weighted mean of its neighbors' chroma, U_r = sum over s in N(r) of w_rs U_s.
The weights fall with the difference of luminance. N(r) is the 3x3 window around r, cut at the border, without r. With
v the variance of the luminance in the window, r included,

    c_r  = max(0.6 v, min_s (Y_s - Y_r)^2 / -ln 0.01, 2e-6)
    w_rs = exp(-(Y_s - Y_r)^2 / c_r), divided by their sum over s.

The weights of a row sum to one, so no color leaves the range of the marked ones. Marked pixels are eliminated from
the system: their color moves to the right side, and their weight becomes the row's `absorption`. This is the form that
`colorjax.methods.scribble.nested_dissection` expects.

Reference: A. Levin, D. Lischinski and Y. Weiss, "Colorization using optimization", SIGGRAPH 2004, with the constants of
their reference program.
"""

import math

import numpy as np

from colorjax.methods.scribble.nested_dissection import OFFSETS, solve

VARIANCE_FACTOR = 0.6
SMALLEST_STRONGEST_WEIGHT = 0.01  # the nearest neighbor's weight before normalization is at least this
SMALLEST_SPREAD = 2e-6


def propagate(luminance: np.ndarray, chroma: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Spread the chroma of the marked pixels over the image, by the exact solution of the equations.

    Args:
      luminance: [H, W] in [0, 1], finite.
      chroma: [H, W, C], used only where marked.
      mask: bool [H, W]; at least one pixel is marked.

    Returns:
      float32 [H, W, C]. Marked pixels keep their chroma; no other pixel is outside the range of the marked ones.
    """
    luminance, chroma = np.asarray(luminance, np.float32), np.asarray(chroma, np.float32)
    mask = np.asarray(mask, bool)
    x = np.moveaxis(solve(*system(affinities(luminance), chroma, mask)), 0, -1)
    marked = chroma[mask]
    # The exact solution stays within the range of the marks; anything outside is a rounding error.
    return np.where(mask[..., np.newaxis], chroma, np.clip(x, marked.min(0), marked.max(0)))


def affinities(luminance: np.ndarray) -> np.ndarray:
    """Return the weights w_rs, float32 [8, H, W], neighbors in the order of `OFFSETS`.

    A weight is zero where the neighbor lies outside. The weights of a row sum to one, or to zero if the pixel has no
    neighbors.
    """
    inside = np.stack(_neighbors(np.ones_like(luminance, bool)))
    # The variance of differences from the center stays exact in float32 where the window is almost flat.
    differences = np.where(inside, np.stack(_neighbors(luminance)) - luminance, np.float32(0))
    squares = np.square(differences)
    count = 1 + inside.sum(0, dtype=np.float32)
    variance = squares.sum(0) / count - np.square(differences.sum(0) / count)
    nearest = np.where(inside, squares, np.float32(np.inf)).min(0)
    nearest = np.where(count > 1, nearest, np.float32(0))
    spread = np.maximum(VARIANCE_FACTOR * variance, nearest / -math.log(SMALLEST_STRONGEST_WEIGHT))
    weights = np.where(inside, np.exp(-squares / np.maximum(spread, SMALLEST_SPREAD)), np.float32(0))
    return weights / np.where(count > 1, weights.sum(0), np.float32(1))


def system(weights: np.ndarray, chroma: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the linear system of the unmarked pixels.

    Args:
      weights: [8, H, W], from `affinities`.
      chroma: [H, W, C], used only where marked.
      mask: bool [H, W], the marked pixels; at least one.

    Returns:
      weights [8, H, W], absorption [H, W] and right side [C, H, W]; a marked pixel's row is x = 0.
    """
    known = np.where(mask, np.moveaxis(chroma, -1, 0), np.float32(0))
    right = sum(weight * color for weight, color in zip(weights, _neighbors(known), strict=True))
    marked_neighbor = np.stack(_neighbors(mask))
    absorption = np.where(marked_neighbor, weights, np.float32(0)).sum(0)
    weights = np.where(marked_neighbor | mask, np.float32(0), weights)
    return weights, np.where(mask, np.float32(1), absorption), np.where(mask, np.float32(0), right)


def _neighbors(x: np.ndarray) -> list[np.ndarray]:
    """Return the eight neighbors [..., H, W] of every pixel, in the order of OFFSETS; zero outside the image."""
    height, width = x.shape[-2:]
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(1, 1), (1, 1)])
    return [x[..., 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in OFFSETS]
