"""Nested dissection against dense linear algebra in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorjax.methods.scribble import nested_dissection
from colorjax.methods.scribble.nested_dissection import OFFSETS, solve


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
        for weight, (dy, dx) in zip(weights[:, row, column].astype(np.float64), OFFSETS, strict=True):
            if weight > 0:
                matrix[here, here] += weight
                matrix[here, (row + dy) * width + column + dx] -= weight
    return matrix


def dense_solution(weights, absorption, right):
    return np.linalg.solve(dense(weights, absorption), right.reshape(len(right), -1).T).T.reshape(right.shape)


@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 1000))
def test_solution_is_the_dense_one_for_any_size(height, width, seed):
    weights, absorption = operator(height, width, seed)
    # Absorption times colors keeps the solution within the colors, as marks do.
    right = absorption * np.random.default_rng(seed).uniform(-1, 1, (2, height, width)).astype(np.float32)
    expected = dense_solution(weights, absorption, right)
    np.testing.assert_allclose(solve(weights, absorption, right), expected, atol=2e-5)


@pytest.mark.parametrize(("height", "width"), [(1, 300), (300, 1), (7, 130)])
def test_long_grids(height, width):
    weights, absorption = operator(height, width)
    right = absorption[np.newaxis] * np.float32([[[0.3]], [[-0.5]], [[1.0]]])
    np.testing.assert_allclose(
        solve(weights, absorption, right), np.ones_like(right) * [[[0.3]], [[-0.5]], [[1.0]]], atol=1e-6
    )


def test_region_that_float32_takes_for_disconnected_is_solved_in_float64(monkeypatch):
    weights, absorption = operator(20, 20, jump=1.0, absorbing=0.0)
    absorption[:] = 0
    absorption[0, 0] = absorption[19, 0] = 1
    # Rows from 10 on and columns from 5 on are joined to the others by 1e-11.
    region = np.zeros((22, 22), bool)
    region[11:21, 6:21] = True
    for k, (dy, dx) in enumerate(OFFSETS):
        other = region[1 + dy : 21 + dy, 1 + dx : 21 + dx]
        weights[k] *= np.where(region[1:-1, 1:-1] != other, np.float32(1e-11), 1)
    right = np.zeros((1, 20, 20), np.float32)
    right[0, 0, 0] = 1
    used, inner = [], nested_dissection._solve
    monkeypatch.setattr(nested_dissection, "_solve", lambda *a: (used.append(a[-1]), inner(*a))[1])
    x = solve(weights, absorption, right)
    assert used == [np.float32, np.float64]
    np.testing.assert_allclose(x, dense_solution(weights, absorption, right), atol=1e-4)
