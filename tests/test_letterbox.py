"""Pictures fitted into a square and brought back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorjax.inference.letterbox import letterbox, unletterbox


def ramp(height, width):
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([rows / max(height, width), columns / max(height, width)], axis=-1)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(8, 40))
def test_proportions_are_kept_and_the_longer_side_fills_the_square(height, width, size):
    fitted = letterbox(ramp(height, width), size)
    assert fitted.square.shape == (size, size, 2)
    assert fitted.square.dtype == np.float32
    assert max(fitted.height, fitted.width) == size
    assert abs(fitted.height - size * height / max(height, width)) <= 1
    assert abs(fitted.width - size * width / max(height, width)) <= 1
    assert unletterbox(fitted.square, fitted, height, width).shape == (height, width, 2)


@pytest.mark.parametrize(("height", "width"), [(120, 80), (50, 100), (30, 30)])
@pytest.mark.parametrize("size", [40, 64, 100])
def test_letterbox_returns_a_ramp_as_it_was(height, width, size):
    picture = ramp(height, width)
    fitted = letterbox(picture, size)
    back = unletterbox(fitted.square, fitted, height, width)
    edge = 5  # at the edges a resized ramp is flat for half a coarse pixel
    inside = (slice(edge, -edge), slice(edge, -edge))
    np.testing.assert_allclose(back[inside], picture[inside], atol=0.02)


def test_letterbox_fills_the_rest_with_the_pictures_reflection():
    fitted = letterbox(ramp(10, 20), 20)
    np.testing.assert_array_equal(fitted.square[10:19], fitted.square[8::-1][:9])


def test_letterbox_leaves_a_square_of_the_right_size():
    picture = np.random.default_rng(0).uniform(size=(16, 16, 3)).astype(np.float32)
    fitted = letterbox(picture, 16)
    np.testing.assert_array_equal(fitted.square, picture)
    np.testing.assert_array_equal(unletterbox(fitted.square, fitted, 16, 16), picture)
