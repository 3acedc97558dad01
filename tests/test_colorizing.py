"""Coloring whole pictures: what the network is given, and what becomes of the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data
from skimage.color import rgb2lab

from colorjax.color.gray import gray_levels
from colorjax.errors import UserError
from colorjax.inference import colorizing
from colorjax.inference.colorizing import colorize_pixels
from colorjax.inference.reduced_size import reduced_shape
from colorjax.inference.resizing import resize


def warm(lightness):
    """A color that depends on the lightness, as a network's does."""
    return np.stack([lightness / 5, lightness / 3], axis=-1)


def noise(shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@given(st.integers(1, 40_000), st.integers(1, 40_000), st.sampled_from([128, 192, 256]))
def test_working_picture_is_of_whole_steps_bounded_and_about_in_proportion(height, width, size):
    h, w = reduced_shape(height, width, size)
    assert h % 16 == w % 16 == 0
    assert 16 * 16 <= h * w <= 6 * size**2
    if max(height, width) <= 5.5 * min(height, width):
        assert min(h, w) == size
        assert abs(h / w * width / height - 1) <= 8 / size + 1e-9
    assert reduced_shape(width, height, size) == (w, h)


def test_working_size_impossible_is_refused():
    with pytest.raises(UserError, match="working size of 0"):
        reduced_shape(10, 10, 0)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 900, 3), (700, 3, 1), (45, 61, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pictures_of_any_shape_keep_their_gray_levels(shape, dtype):
    pixels = noise(shape, dtype)
    colored = colorize_pixels(pixels, warm, reduced_shape(*pixels.shape[:2], 32))
    assert colored.shape == (*shape[:2], 3)
    assert colored.dtype == dtype
    np.testing.assert_array_equal(gray_levels(colored), gray_levels(pixels))


def test_colorizing_shows_the_network_the_reduced_lightness():
    seen = []
    pixels = data.astronaut()[100:400]

    def predict(lightness):
        seen.append(lightness)
        return warm(lightness)

    colorize_pixels(pixels, predict, reduced_shape(*pixels.shape[:2], 96))
    assert len(seen) == 1
    expected = resize(rgb2lab(pixels)[..., 0], *reduced_shape(300, 512, 96))
    # the gray copy at whole levels is half a unit of L off at most; a mean of many of them less
    np.testing.assert_allclose(seen[0], expected, atol=0.2)


def test_colorizing_returns_a_photograph_with_its_true_colors_reduced():
    """The truth as prediction: what is lost is detail of color and rounding."""
    pixels = data.astronaut()[:320, :256]
    truth = rgb2lab(pixels)
    colored = colorize_pixels(pixels, lambda lightness: resize(truth[..., 1:], *lightness.shape), (320, 256))
    lab = rgb2lab(colored)
    np.testing.assert_allclose(lab[..., 0], truth[..., 0], atol=1.5)
    assert np.sqrt(np.mean(np.square(lab[..., 1:] - truth[..., 1:]))) < 3


def test_bands_do_not_show(monkeypatch):
    pixels = noise((90, 50, 1))
    finished = []
    whole = colorize_pixels(pixels, warm, reduced_shape(*pixels.shape[:2], 32), finished.append)
    assert finished == [90]
    monkeypatch.setattr(colorizing, "MOST_PIXELS_OF_A_BAND", 50 * 13)
    finished.clear()
    banded = colorize_pixels(pixels, warm, reduced_shape(*pixels.shape[:2], 32), finished.append)
    assert finished == [13, 26, 39, 52, 65, 78, 90]
    # sums in another order: a pixel whose color lies between two whole ones may fall to the other
    assert np.mean(whole != banded) < 1e-3
