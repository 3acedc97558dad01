"""Colorization by optimization: weights, linear system and solution.

Luminance is float32 [H, W] in [0, 1], chroma float32 [H, W, C], a mask bool [H, W]; nothing is batched.

The chroma of every unmarked pixel r is a weighted mean of its neighbors' chroma, U_r = sum over s in N(r) of w_rs U_s.
The weights fall with the difference of luminance. N(r) is the 3x3 window around r, cut at the border, without r. With
v the variance of the luminance in the window, r included,

    c_r  = max(0.6 v, min_s (Y_s - Y_r)^2 / -ln 0.01, 2e-6)
    w_rs = exp(-(Y_s - Y_r)^2 / c_r), divided by their sum over s.

The weights of a row sum to one, so no color leaves the range of the marked ones. Marked pixels are eliminated from
the system: their color moves to the right side, and their weight becomes the row's `absorption`. This is the form that
`colorjax.methods.scribble.multigrid` expects.

Reference: A. Levin, D. Lischinski and Y. Weiss, "Colorization using optimization", SIGGRAPH 2004, with the constants of
their reference program.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from jax import Array

from colorjax.methods.scribble.gmres import Solution, solve
from colorjax.methods.scribble.multigrid import OFFSETS, halo, shifted
from colorjax.runtime.shape_buckets import solver_side

VARIANCE_FACTOR = 0.6
SMALLEST_STRONGEST_WEIGHT = 0.01  # the nearest neighbor's weight before normalization is at least this
SMALLEST_SPREAD = 2e-6


def affinities(luminance: Array, exists: Array) -> Array:
    """Return the weights w_rs [8, H, W] for luminance [H, W], neighbors in the order of `multigrid.OFFSETS`.

    `exists` [H, W] is False for padding. A weight is zero where one of its two pixels is padding. The weights of a row
    sum to one, or to zero if the pixel has no neighbors.
    """
    inside = [neighbor & exists for neighbor in _neighbors(exists)]
    # The variance of differences from the center stays exact in float32 where the window is almost flat.
    differences = [
        jnp.where(there, neighbor - luminance, 0.0)
        for there, neighbor in zip(inside, _neighbors(luminance), strict=True)
    ]
    squares = [jnp.square(difference) for difference in differences]
    count = 1.0 + sum(there.astype(luminance.dtype) for there in inside)
    variance = sum(squares) / count - jnp.square(sum(differences) / count)
    nearest = jnp.full_like(luminance, jnp.inf)
    for there, square in zip(inside, squares, strict=True):
        nearest = jnp.where(there, jnp.minimum(nearest, square), nearest)
    nearest = jnp.where(count > 1, nearest, 0.0)
    spread = jnp.maximum(VARIANCE_FACTOR * variance, nearest / -math.log(SMALLEST_STRONGEST_WEIGHT))
    spread = jnp.maximum(spread, SMALLEST_SPREAD)
    weights = [jnp.where(there, jnp.exp(-square / spread), 0.0) for there, square in zip(inside, squares, strict=True)]
    total = sum(weights)
    return jnp.stack(weights) / jnp.where(count > 1, total, 1.0)[None]


def system(weights: Array, chroma: Array, mask: Array) -> tuple[Array, Array, Array]:
    """Return the linear system of the unmarked pixels.

    Args:
      weights: [8, H, W], from `affinities`.
      chroma: [H, W, C], used only where marked.
      mask: bool [H, W], the marked pixels; at least one.

    Returns:
      weights [8, H, W], absorption [H, W] and right side [C, H, W]; a marked pixel's row is x = 0.
    """
    known = jnp.where(mask[None], jnp.moveaxis(chroma, -1, 0), 0.0)
    # The terms are added one by one, because jaxlib 0.10.2 (excluded in requirements.txt) computes
    # `(weights[:, None] * stack).sum(0)` wrongly in the second channel of 512x512 images on some CPUs.
    right = sum(weight[None] * color for weight, color in zip(weights, _neighbors(known), strict=True))
    marked_neighbor = jnp.stack(_neighbors(mask))
    absorption = sum(jnp.where(marked_neighbor, weights, 0.0))
    weights = jnp.where(marked_neighbor | mask[None], 0.0, weights)
    return weights, jnp.where(mask, 1.0, absorption), jnp.where(mask[None], 0.0, right)


def _neighbors(x: Array) -> list[Array]:
    """Return the eight neighbors [..., H, W] of every pixel, in the order of OFFSETS."""
    x = halo(x)
    return [shifted(x, dy, dx) for dy, dx in OFFSETS]


@jax.jit
def _solve(luminance, chroma, mask, exists, tolerance, max_iterations) -> Solution:
    marked = mask & exists
    inside = marked[..., None]
    low = jnp.where(inside, chroma, jnp.inf).min((0, 1))[:, None, None]
    high = jnp.where(inside, chroma, -jnp.inf).max((0, 1))[:, None, None]
    weights, absorption, right = system(affinities(luminance, exists), chroma, marked | ~exists)
    guess = jnp.where((marked | ~exists)[None], 0.0, (low + high) / 2.0)
    solution = solve(weights, absorption, right, guess, tolerance, max_iterations)
    # The exact solution stays within the range of the marks; anything outside is the solver's error.
    x = jnp.clip(solution.x, low, high)
    return solution._replace(x=jnp.where(marked[None], jnp.moveaxis(chroma, -1, 0), x))


def propagate(
    luminance: np.ndarray, chroma: np.ndarray, mask: np.ndarray, tolerance: float, max_iterations: int
) -> Solution:
    """Spread the chroma of the marked pixels over the image. Images of similar size share one compiled program.

    Args:
      luminance: [H, W] in [0, 1].
      chroma: [H, W, C], used only where marked.
      mask: bool [H, W]; at least one pixel is marked.
      tolerance: largest allowed error of the chroma against the exact solution.
      max_iterations: multigrid cycles after which to give up.

    Returns:
      A `Solution` with x [C, H, W]. Marked pixels keep their chroma; no other pixel is outside the range of the marked
      ones. The caller must check `converged`.
    """
    height, width = np.shape(luminance)
    border = [(0, solver_side(n) - n) for n in (height, width)]
    solution = _solve(
        np.pad(np.asarray(luminance, np.float32), border),
        np.pad(np.asarray(chroma, np.float32), [*border, (0, 0)]),
        np.pad(np.asarray(mask, bool), border),
        np.pad(np.ones((height, width), bool), border),
        np.float32(tolerance),
        np.int32(max_iterations),
    )
    return solution._replace(x=solution.x[:, :height, :width])


def propagate_directly(luminance: np.ndarray, chroma: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return x [C, H, W] like `propagate`, by a direct solver. It takes many times longer, but never fails."""
    mask = np.asarray(mask, bool)
    chroma = np.asarray(chroma, np.float32)
    weights = affinities(np.asarray(luminance, np.float32), np.ones_like(mask))
    x = solve_directly(*system(weights, chroma, mask))
    marked = chroma[mask]
    x = np.clip(np.moveaxis(x, 0, -1), marked.min(0), marked.max(0))
    return np.moveaxis(np.where(mask[..., None], chroma, x), -1, 0).astype(np.float32)


def solve_directly(weights: np.ndarray, absorption: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return x [R, H, W], float64, with A x = right, for weights [8, H, W], absorption [H, W] and right [R, H, W].

    This is slow but works for every image. The multigrid cycles don't converge where regions are nearly disconnected.
    """
    weights, absorption, right = (np.asarray(array, np.float64) for array in (weights, absorption, right))
    height, width = absorption.shape
    number = np.arange(height * width).reshape(height, width)
    rows, columns, values = [number.ravel()], [number.ravel()], [(absorption + weights.sum(0)).ravel()]
    for weight, (dy, dx) in zip(weights, OFFSETS, strict=True):
        # The weight of a neighbor outside the image is zero.
        y, x = np.nonzero(weight)
        rows.append(number[y, x])
        columns.append(number[y + dy, x + dx])
        values.append(-weight[y, x])
    matrix = scipy.sparse.csc_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(number.size,) * 2
    )
    solution = scipy.sparse.linalg.splu(matrix).solve(right.reshape(len(right), -1).T)
    return solution.T.reshape(right.shape)
