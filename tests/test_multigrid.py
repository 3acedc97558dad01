"""The multigrid preconditioner and GMRES against dense linear algebra."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from colorjax.methods.scribble import gmres, multigrid
from colorjax.methods.scribble.multigrid import OFFSETS


def operator(height, width, seed=0, jump=4.0, absorbing=0.02):
    """Return random non-symmetric weights with jumps of e^-jump, and absorption at a few pixels."""
    random = np.random.default_rng(seed)
    weights = np.exp(random.uniform(-jump, 0, (8, height, width)))
    for k, (dy, dx) in enumerate(OFFSETS):
        inside = np.zeros((height + 2, width + 2), bool)
        inside[1:-1, 1:-1] = True
        weights[k] *= inside[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
    absorption = (random.random((height, width)) < absorbing).astype(np.float64)
    absorption[height // 2, width // 2] = 1.0
    return weights.astype(np.float32), absorption.astype(np.float32)


def dense(weights, absorption):
    """Return the matrix of the operator, in float64."""
    height, width = absorption.shape
    matrix = np.zeros((height * width, height * width))
    for row, column in np.ndindex(height, width):
        here = row * width + column
        matrix[here, here] = absorption[row, column]
        for weight, (dy, dx) in zip(weights[:, row, column], OFFSETS, strict=True):
            if weight > 0:
                matrix[here, here] += weight
                matrix[here, (row + dy) * width + column + dx] -= weight
    return matrix


def test_planes_are_the_four_parities_and_come_back():
    x = jnp.arange(2 * 6 * 4.0).reshape(2, 6, 4)
    planes = multigrid.to_planes(x)
    np.testing.assert_array_equal(planes[2], x[:, 1::2, ::2])
    np.testing.assert_array_equal(multigrid.from_planes(planes), x)


def test_apply_is_the_matrix():
    weights, absorption = operator(6, 8)
    x = np.random.default_rng(1).normal(size=(2, 6, 8)).astype(np.float32)
    planes = multigrid.to_planes(jnp.asarray(weights)), multigrid.to_planes(jnp.asarray(absorption))
    image = multigrid.apply(
        jnp.stack(planes[0], 1), jnp.stack(planes[1]), multigrid.halos(multigrid.to_planes(jnp.asarray(x)))
    )
    expected = (dense(weights, absorption) @ x.reshape(2, -1).T).T.reshape(x.shape)
    np.testing.assert_allclose(multigrid.from_planes(image), expected, atol=1e-5)


def test_coarse_operator_is_the_galerkin_product():
    weights, absorption = operator(8, 8, seed=3)
    level = multigrid._level(*(jnp.stack(multigrid.to_planes(jnp.asarray(x)), -3) for x in (weights, absorption)))
    coarse_weights, coarse_absorption = multigrid._galerkin(level)
    basis = jnp.eye(16).reshape(16, 4, 4)
    interpolation = np.stack([multigrid.from_planes(multigrid.interpolate(level, basis))]).reshape(16, 64).T
    restriction = multigrid.restrict(level, multigrid.to_planes(jnp.eye(64).reshape(64, 8, 8))).reshape(64, 16).T
    expected = np.asarray(restriction, np.float64) @ dense(weights, absorption) @ interpolation
    diagonal = np.asarray(coarse_absorption) + np.asarray(coarse_weights).sum(0)
    matrix = np.diag(diagonal.ravel())
    for row, column in np.ndindex(4, 4):
        for weight, (dy, dx) in zip(np.asarray(coarse_weights)[:, row, column], OFFSETS, strict=True):
            if 0 <= row + dy < 4 and 0 <= column + dx < 4:
                matrix[row * 4 + column, (row + dy) * 4 + column + dx] -= weight
            else:
                assert weight == 0
    np.testing.assert_allclose(matrix, expected, atol=1e-5)


def test_interpolation_keeps_a_constant_where_nothing_absorbs():
    weights, _ = operator(8, 8, seed=4)
    absorption = np.zeros((8, 8), np.float32)
    level = multigrid._level(*(jnp.stack(multigrid.to_planes(jnp.asarray(x)), -3) for x in (weights, absorption)))
    constant = multigrid.interpolate(level, jnp.ones((1, 4, 4)))
    np.testing.assert_allclose(multigrid.from_planes(constant), 1.0, atol=1e-6)


def test_cycle_is_linear_and_contracts_the_error():
    weights, absorption = operator(40, 33, seed=5, jump=2.0)
    hierarchy = jax.jit(multigrid.build)(weights, absorption)
    cycle = jax.jit(multigrid.cycle)
    matrix = dense(weights, absorption)
    x = np.random.default_rng(6).normal(size=(2, 40 * 33))
    right = (matrix @ x.T).T.reshape(2, 40, 33).astype(np.float32)
    first, second = cycle(hierarchy, right)
    np.testing.assert_allclose(cycle(hierarchy, right.sum(0)[None].repeat(2, 0))[0], first + second, atol=1e-4)
    error = x - np.asarray([first, second]).reshape(2, -1)
    assert np.linalg.norm(error) < 0.3 * np.linalg.norm(x)


@pytest.mark.parametrize(("height", "width"), [(2, 3), (1, 50), (70, 60)])
def test_solve_is_the_dense_solution(height, width):
    weights, absorption = operator(height, width, seed=7)
    right = np.random.default_rng(8).normal(size=(2, height, width)).astype(np.float32)
    right /= np.abs(np.linalg.solve(dense(weights, absorption), right.reshape(2, -1).T)).max()
    solution = gmres.solve(weights, absorption, right, np.zeros_like(right), np.float32(1e-5), np.int32(500))
    expected = np.linalg.solve(dense(weights, absorption), right.reshape(2, -1).T).T.reshape(right.shape)
    assert solution.converged
    assert np.abs(np.asarray(solution.x) - expected).max() < 1e-4


def test_too_few_cycles_are_told():
    weights, absorption = operator(2, 3, seed=9)
    right = np.ones((2, 2, 3), np.float32)
    solution = gmres.solve(weights, absorption, right, np.zeros_like(right), np.float32(0.0), np.int32(24))
    assert not solution.converged
    assert solution.iterations == 24
