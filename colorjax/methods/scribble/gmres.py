"""Restarted, multigrid-preconditioned GMRES for the systems of `colorjax.methods.scribble.multigrid`.

Every restart is a step of iterative refinement. The solution is kept as a sum of two float32 numbers, and its residual
is computed from differences of neighbors. So float32 is as accurate here as the direct solution in float64.

`solve` stops by an estimate of the solution's error, not by the residual, because a weakly connected region can be
wrong by 1 with a residual of 1e-6. If the last restart changed the solution by at most d_k and the one before by
d_(k-1), linear convergence at the rate q = d_k / d_(k-1) leaves an error of d_k q / (1 - q) (E. Hairer and G. Wanner,
"Solving Ordinary Differential Equations II", section IV.8).

Reference: Y. Saad, "A flexible inner-outer preconditioned GMRES algorithm", SIAM J. Sci. Comput. 14 (1993).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from colorjax.methods.scribble import multigrid

RESTART = 8  # number of directions; orthogonalizing more costs more than it saves
# The error estimate clips the rate of convergence to this range, because restarts progress unevenly.
SLOWEST_RATE, FASTEST_RATE = 0.95, 0.3


class Solution(NamedTuple):
    """The solution of a system.

    Attributes:
      x: [R, H, W].
      iterations: number of V-cycles done.
      error: estimate of the largest error of x.
      converged: whether that is within the tolerance.
    """

    x: Array
    iterations: Array
    error: Array
    converged: Array


class _State(NamedTuple):
    high: Array  # the solution is high + low, each [R, n] with the planes one after the other
    low: Array
    iterations: Array
    change: Array  # largest change by the last restart
    error: Array


@jax.jit
def solve(
    weights: Array, absorption: Array, right: Array, guess: Array, tolerance: Array, max_iterations: Array
) -> Solution:
    """Solve A x = right for all R right sides at once.

    Args:
      weights: float32 [8, H, W], of the operator A as in `multigrid`; A must not be singular.
      absorption: float32 [H, W], of the operator A.
      right: float32 [R, H, W].
      guess: float32 [R, H, W], where to start.
      tolerance: float32 [], largest allowed error of x.
      max_iterations: int32 [], V-cycles after which to give up.

    Returns:
      A Solution. Its `converged` is False if the tolerance was not reached or a number was not finite.
    """
    height, width = absorption.shape
    hierarchy = multigrid.build(weights, absorption)
    finest = hierarchy.levels[0]
    right, guess = (_flat(multigrid.to_planes(x)) for x in (right, guess))

    def restart(state: _State) -> _State:
        residual = _residual(finest, right, state.high, state.low)
        correction = _gmres(hierarchy, residual)
        high, low = _add(state.high, state.low, correction)
        change = jnp.abs(correction).max()
        rate = jnp.clip(change / state.change, FASTEST_RATE, SLOWEST_RATE)
        return _State(high, low, state.iterations + RESTART, change, change * rate / (1.0 - rate))

    def unfinished(state: _State) -> Array:
        # A comparison with NaN is False, which ends the loop.
        return (state.error > tolerance) & (state.iterations < max_iterations)

    infinity = jnp.float32(jnp.inf)
    # The first restart has no predecessor to compare with; this tiny change gives it the slowest rate.
    start = _State(guess, jnp.zeros_like(guess), jnp.int32(0), jnp.float32(1e-30), infinity)
    end = jax.lax.while_loop(unfinished, restart, start)
    x = multigrid.from_planes(_planes(finest, end.high))[:, :height, :width]
    return Solution(x, end.iterations, end.error, end.error <= tolerance)


def _flat(x: multigrid.Planes) -> Array:
    """Convert planes [R, h, w] to [R, n]."""
    return jnp.stack(x, axis=1).reshape(x[0].shape[0], -1)


def _planes(level: multigrid.Level, x: Array) -> multigrid.Planes:
    """Convert [R, n] to planes [R, h, w]."""
    x = x.reshape(-1, *level.absorption.shape)
    return tuple(x[:, plane] for plane in range(4))


def _image(level: multigrid.Level, x: multigrid.Planes) -> Array:
    """Return A x, [R, n], for x in planes with halos."""
    return _flat(multigrid.apply(level.weights, level.absorption, x))


def _residual(level: multigrid.Level, right: Array, high: Array, low: Array) -> Array:
    """Return right - A (high + low), [R, n]. The large terms cancel in float32 without rounding error."""
    of_high, of_low = (_image(level, multigrid.halos(_planes(level, x))) for x in (high, low))
    return right - of_high - of_low


def _add(high: Array, low: Array, x: Array) -> tuple[Array, Array]:
    """Return (high + low) + x as a sum of two numbers, by D. E. Knuth's TwoSum; either operand may be the larger."""
    total = high + x
    part = total - high
    low = low + ((high - (total - part)) + (x - part))
    return total, low


barrier = jax.lax.optimization_barrier


def _gmres(hierarchy: multigrid.Hierarchy, residual: Array) -> Array:
    """Return the correction [R, n] with the least residual in the span of RESTART preconditioned Krylov directions."""
    finest = hierarchy.levels[0]
    count = residual.shape[0]
    norm = jnp.linalg.norm(residual, axis=1)
    basis = jnp.zeros((count, RESTART + 1, residual.shape[1]), residual.dtype)
    basis = basis.at[:, 0].set(_scaled(residual, norm))
    corrections = jnp.zeros_like(basis[:, 1:])
    hessenberg = jnp.zeros((count, RESTART + 1, RESTART), residual.dtype)

    def step(j, carry):
        basis, corrections, hessenberg = carry
        direction = barrier(_planes(finest, basis[:, j]))
        correction = barrier(multigrid.cycle_in_planes(hierarchy, direction))
        image = barrier(_image(finest, correction))
        # Classical Gram-Schmidt; directions not yet computed are zero and change nothing.
        along = jnp.einsum("rmn,rn->rm", basis, image)
        image = barrier(image - jnp.einsum("rmn,rm->rn", basis, along))
        length = jnp.linalg.norm(image, axis=1)
        hessenberg = hessenberg.at[:, :, j].set(along.at[:, j + 1].set(length))
        basis = basis.at[:, j + 1].set(_scaled(image, length))
        inner = tuple(multigrid.shifted(x, 0, 0) for x in correction)
        return basis, corrections.at[:, j].set(_flat(inner)), hessenberg

    _, corrections, hessenberg = jax.lax.fori_loop(0, RESTART, step, (basis, corrections, hessenberg))
    target = jnp.zeros((count, RESTART + 1), residual.dtype).at[:, 0].set(norm)
    steps = jax.vmap(lambda h, t: jnp.linalg.lstsq(h, t)[0])(hessenberg, target)
    return jnp.einsum("rmn,rm->rn", corrections, steps)


def _scaled(x: Array, norm: Array) -> Array:
    """Return the rows of x [R, n] divided by their norms [R]. A row of zeros (a solved right side) stays zero."""
    return x * jnp.where(norm > 0, 1.0 / jnp.where(norm > 0, norm, 1.0), 0.0)[:, None]
