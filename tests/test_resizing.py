"""Resizing against Pillow's triangle filter, on ramps, and in bands."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from colorjax.inference.resizing import resize, resize_bands

SIDES = st.integers(1, 40)


def noise(*shape):
    return np.random.default_rng(sum(shape)).uniform(0, 100, shape).astype(np.float32)


@given(SIDES, SIDES, SIDES, SIDES)
def test_resizing_is_pillows(height, width, new_height, new_width):
    picture = noise(height, width)
    expected = Image.fromarray(picture).resize((new_width, new_height), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(resize(picture, new_height, new_width), np.asarray(expected), atol=2e-3)


@pytest.mark.parametrize("side", [7, 40, 41, 97])
def test_resizing_keeps_a_ramp_in_its_place(side):
    """Pixel centers: the ramp's value at (i + 0.5) / side, but where the filter meets the picture's edge."""
    ramp = (np.arange(40, dtype=np.float32) + 0.5) / 40
    across = resize(np.broadcast_to(ramp, (3, 40)), 3, side)
    edge = side // 7 + 1
    # a hundredth of a pixel: at factors that are not whole, the sampled triangle is not quite even about its center
    np.testing.assert_allclose(across[1, edge:-edge], ((np.arange(side) + 0.5) / side)[edge:-edge], atol=0.01 / side)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), SIDES, SIDES)
def test_bands_give_what_the_whole_picture_gives(cuts, height, width):
    picture = noise(sum(cuts), 13, 2)
    bands = np.split(picture, np.cumsum(cuts)[:-1])
    np.testing.assert_allclose(
        resize_bands(iter(bands), len(picture), height, width), resize(picture, height, width), atol=1e-4
    )


def test_missing_bands_are_noticed():
    with pytest.raises(ValueError, match="bands of 3 rows for a picture of 4"):
        resize_bands([noise(3, 5)], 4, 2, 2)


@pytest.mark.parametrize(("new_height", "new_width"), [(7, 11), (64, 80), (13, 31)])
def test_resizing_is_that_of_jax(new_height, new_width):
    picture = np.random.default_rng(2).uniform(size=(40, 31, 3)).astype(np.float32)
    expected = jax.image.resize(picture, (new_height, new_width, 3), "linear")
    np.testing.assert_allclose(resize(picture, new_height, new_width), expected, atol=2e-6)


@pytest.mark.parametrize(("new_height", "new_width"), [(7, 11), (64, 80), (13, 31), (40, 5), (1, 1)])
def test_resizing_without_antialiasing_is_bilinear_between_four_pixels(new_height, new_width):
    """PyTorch's `interpolate` with align_corners=False: pixel i comes from (i + 0.5) * scale - 0.5, not below 0."""
    picture = np.random.default_rng(2).uniform(size=(40, 31, 3))

    def source(side, new_side):
        place = np.maximum((np.arange(new_side) + 0.5) * (side / new_side) - 0.5, 0)
        low = np.floor(place).astype(int)
        return low, np.minimum(low + 1, side - 1), place - low

    top, bottom, down = source(40, new_height)
    left, right, across = source(31, new_width)
    down, across = down[:, np.newaxis, np.newaxis], across[np.newaxis, :, np.newaxis]
    upper = picture[top][:, left] * (1 - across) + picture[top][:, right] * across
    lower = picture[bottom][:, left] * (1 - across) + picture[bottom][:, right] * across
    expected = upper * (1 - down) + lower * down
    found = resize(picture, new_height, new_width, antialias=False)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_resizing_without_antialiasing_is_the_example_of_pytorchs_documentation():
    """Of `torch.nn.Upsample(scale_factor=2, mode='bilinear')`."""
    expected = [[1, 1.25, 1.75, 2], [1.5, 1.75, 2.25, 2.5], [2.5, 2.75, 3.25, 3.5], [3, 3.25, 3.75, 4]]
    found = resize(np.array([[1, 2], [3, 4]], np.float32), 4, 4, antialias=False)
    np.testing.assert_allclose(found, expected, atol=1e-6)
