"""Levin's system against a reference that is built pixel by pixel from the formulas, and solved directly."""

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from colorjax.methods.scribble import levin
from colorjax.methods.scribble.nested_dissection import OFFSETS


def weights_of(luminance, row, column):
    """Return {neighbor: w_rs} by the definition, in float64."""
    height, width = luminance.shape
    window = [
        (y, x)
        for y in range(max(row - 1, 0), min(row + 2, height))
        for x in range(max(column - 1, 0), min(column + 2, width))
    ]
    neighbors = [pixel for pixel in window if pixel != (row, column)]
    if not neighbors:
        return {}
    squares = {pixel: (luminance[pixel] - luminance[row, column]) ** 2 for pixel in neighbors}
    variance = np.var([luminance[pixel] for pixel in window])
    spread = max(0.6 * variance, -min(squares.values()) / np.log(0.01), 2e-6)
    weights = {pixel: np.exp(-square / spread) for pixel, square in squares.items()}
    return {pixel: weight / sum(weights.values()) for pixel, weight in weights.items()}


def direct_solution(luminance, chroma, mask):
    """Return the chroma [H, W, C] by SciPy, from the whole system: U = W U, or the mark's own color."""
    height, width = luminance.shape
    matrix = scipy.sparse.lil_matrix((height * width, height * width))
    for row in range(height):
        for column in range(width):
            here = row * width + column
            matrix[here, here] = 1.0
            if not mask[row, column]:
                for (y, x), weight in weights_of(luminance, row, column).items():
                    matrix[here, y * width + x] = -weight
    right = np.where(mask[..., None], chroma, 0).reshape(height * width, -1)
    return scipy.sparse.linalg.splu(matrix.tocsc()).solve(right).reshape(chroma.shape)


def problem(seed, height, width, levels=40):
    """Return luminance with equal neighbors among it, chroma and at least one mark."""
    random = np.random.default_rng(seed)
    luminance = random.integers(levels, size=(height, width)).astype(np.float32) / np.float32(255)
    chroma = random.uniform(-0.5, 0.5, (height, width, 2)).astype(np.float32)
    mask = random.random((height, width)) < 0.1
    mask[random.integers(height), random.integers(width)] = True
    return luminance, chroma, mask


def test_weights_are_those_of_the_formula():
    luminance = data.camera()[200:206, 100:107].astype(np.float32) / np.float32(255)
    weights = levin.affinities(luminance)
    for row, column in np.ndindex(luminance.shape):
        expected = weights_of(luminance.astype(np.float64), row, column)
        for (dy, dx), weight in zip(OFFSETS, weights[:, row, column], strict=True):
            assert weight == pytest.approx(expected.get((row + dy, column + dx), 0.0), abs=1e-5)
    np.testing.assert_allclose(weights.sum(0), 1.0, atol=1e-6)


@given(seed=st.integers(0, 10**6), height=st.integers(1, 24), width=st.integers(1, 24))
def test_solution_is_the_direct_one_and_keeps_to_the_range_of_the_marks(seed, height, width):
    luminance, chroma, mask = problem(seed, height, width)
    x = levin.propagate(luminance, chroma, mask)
    assert np.abs(x - direct_solution(luminance.astype(np.float64), chroma, mask)).max() < 1e-4
    np.testing.assert_array_equal(x[mask], chroma[mask])
    assert (x >= chroma[mask].min(0)).all()
    assert (x <= chroma[mask].max(0)).all()


@pytest.mark.parametrize("marks", [3, 60])
def test_photograph_with_few_and_many_marks(marks):
    photograph = data.astronaut()[40:100, 180:244] / 255
    luminance = (photograph @ [0.299, 0.587, 0.114]).astype(np.float32)
    chroma = (photograph @ np.array([[0.596, -0.275, -0.321], [0.212, -0.523, 0.311]]).T).astype(np.float32)
    mask = np.zeros(luminance.shape, bool)
    mask.flat[np.random.default_rng(marks).choice(mask.size, marks, replace=False)] = True
    x = levin.propagate(luminance, chroma, mask)
    assert np.abs(x - direct_solution(luminance.astype(np.float64), chroma, mask)).max() < 1e-4


def test_levin_colors_the_whole_picture_from_one_mark():
    luminance, chroma, _ = problem(1, 9, 7)
    mask = np.zeros((9, 7), bool)
    mask[3, 4] = True
    np.testing.assert_allclose(
        levin.propagate(luminance, chroma, mask), np.broadcast_to(chroma[3, 4], (9, 7, 2)), atol=1e-6
    )
