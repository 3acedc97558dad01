"""Crops against SciPy's affine_transform, host against device, and where drawn crops lie."""

import functools

import jax
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from ml_collections import ConfigDict

from datasets.crops import draw_crop, samples_for, warp_on_device, warp_on_host
from datasets.sampling import Draws

SIZE = 24


def noise_picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def crop(seed, height, width, size=SIZE, **options):
    return draw_crop(np.random.default_rng(seed), height, width, size, **options)


def by_scipy(picture, matrix, size):
    """SciPy takes (row, column) where the matrix has (x, y); its 'mirror' is OpenCV's BORDER_REFLECT_101."""
    linear, offset = matrix[::-1, 1::-1].astype(np.float64), matrix[::-1, 2].astype(np.float64)
    channels = [
        scipy.ndimage.affine_transform(channel.astype(np.float64), linear, offset, (size, size), order=1, mode="mirror")
        for channel in np.moveaxis(picture, -1, 0)
    ]
    return np.stack(channels, axis=-1)


@functools.partial(jax.jit, static_argnums=(5, 6))
def jitted_warp(pixels, offset, height, width, matrix, size, samples):
    return warp_on_device(pixels, offset, height, width, matrix, size, samples)


def on_device(picture, matrix, size=SIZE, samples=1):
    """The picture stands behind another one in a buffer of fixed length, so that it is compiled once."""
    pixels = np.full(60_000, 77, np.uint8)
    pixels[300 : 300 + picture.size] = picture.ravel()
    sides = (np.int32(side) for side in picture.shape[:2])
    return np.asarray(jitted_warp(pixels, np.int32(300), *sides, matrix, size, samples)) * 255


OPTIONS = {"zoom": (0.6, 1.8), "rotate": 30.0, "flip": True}
SHAPES = [(90, 70), (SIZE, SIZE), (20, 100), (7, 5), (1, 60), (60, 1), (1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_magnified_turned_mirrored_crop_is_scipys(shape, seed):
    picture = noise_picture(*shape)
    matrix = crop(seed, *shape, zoom=(1.0, 1.8), rotate=30.0, flip=True)
    expected = by_scipy(picture, matrix, SIZE)
    # Half a level is rounding to uint8; the rest is arithmetic in float32 on pure noise.
    assert np.abs(warp_on_host(picture, matrix, SIZE) - expected).max() < 0.6
    assert np.abs(on_device(picture, matrix) - expected).max() < 0.6


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_host_and_device_agree_when_shrinking(shape, seed):
    picture = noise_picture(*shape)
    matrix = crop(seed, *shape, **OPTIONS)
    host = warp_on_host(picture, matrix, SIZE, samples_for(OPTIONS["zoom"]))
    assert host.dtype == np.uint8
    assert np.abs(host - on_device(picture, matrix, samples=2)).max() < 1.01


@given(seed=st.integers(0, 2**32), height=st.integers(1, 80), width=st.integers(1, 80), flip=st.booleans())
def test_crop_without_zoom_and_rotation_resamples_nothing(seed, height, width, flip):
    picture = noise_picture(height, width)
    matrix = crop(seed, height, width, flip=flip)
    assert np.array_equal(matrix, np.round(matrix))
    host = warp_on_host(picture, matrix, SIZE)
    assert np.array_equal(host, np.round(by_scipy(picture, matrix, SIZE)))
    assert np.array_equal(host, np.round(on_device(picture, matrix)))


def test_crop_that_is_plain_is_a_view_and_a_mirrored_one_is_mirrored():
    picture = noise_picture(50, 40)
    matrix = np.array([[1, 0, 5], [0, 1, 9]], np.float32)
    plain = warp_on_host(picture, matrix, SIZE)
    assert np.shares_memory(plain, picture)
    assert np.array_equal(plain, picture[9 : 9 + SIZE, 5 : 5 + SIZE])
    mirrored = np.array([[-1, 0, 5 + SIZE - 1], [0, 1, 9]], np.float32)
    assert np.array_equal(warp_on_host(picture, mirrored, SIZE), plain[:, ::-1])


@given(
    seed=st.integers(0, 2**32),
    height=st.integers(SIZE, 300),
    width=st.integers(SIZE, 300),
    low=st.floats(0.3, 2),
    ratio=st.floats(1, 3),
    rotate=st.floats(0, 180),
)
def test_crop_lies_inside_where_it_fits(seed, height, width, low, ratio, rotate):
    matrix = crop(seed, height, width, zoom=(low, low * ratio), rotate=rotate, flip=True)
    corners = matrix @ np.array([[0, SIZE - 1, 0, SIZE - 1], [0, 0, SIZE - 1, SIZE - 1], [1, 1, 1, 1]])
    # The outermost samples of a shrunk pixel lie (1/z - 1) / 2 from its center, along the turned axes.
    scale = np.hypot(matrix[0, 0], matrix[1, 0])
    spread = max(scale - 1, 0) / 2 * np.abs(matrix[:, :2]).sum(axis=1) / scale
    for places, more, length in zip(corners, spread, (width, height), strict=True):
        first, last = places.min() - more, places.max() + more
        if last - first <= length - 1:
            assert first > -1e-3
            assert last < length - 1 + 1e-3
        else:  # the photograph lies inside the square then
            assert first < 1e-3
            assert last > length - 1 - 1e-3


@given(seed=st.integers(0, 2**32), low=st.floats(0.3, 2), ratio=st.floats(1, 3), rotate=st.floats(0, 90))
def test_zoom_and_angle_are_within_their_ranges(seed, low, ratio, rotate):
    linear = crop(seed, 200, 200, zoom=(low, low * ratio), rotate=rotate)[:, :2].astype(np.float64)
    zoom = 1 / np.sqrt(np.linalg.det(linear))
    assert low * (1 - 1e-5) <= zoom <= low * ratio * (1 + 1e-5)
    assert np.allclose(linear @ linear.T * zoom**2, np.eye(2), atol=1e-5)
    assert abs(np.degrees(np.arctan2(linear[1, 0], linear[0, 0]))) <= rotate + 1e-3


def test_crop_draws_every_place_and_both_mirrorings_equally_often():
    shifts, mirrored = [], []
    for seed in range(1500):
        matrix = crop(seed, SIZE + 2, SIZE, flip=True)
        shifts.append(matrix[1, 2])
        mirrored.append(matrix[0, 0] < 0)
    values, counts = np.unique(shifts, return_counts=True)
    assert values.tolist() == [0, 1, 2]
    # Four standard deviations of a binomial.
    assert np.abs(counts - 500).max() < 4 * np.sqrt(1500 * 2 / 9)
    assert abs(np.mean(mirrored) - 0.5) < 4 * np.sqrt(0.25 / 1500)


def test_crop_option_switched_off_leaves_the_other_draws():
    with_flip = crop(3, 300, 300, zoom=(1, 2), rotate=20.0, flip=True)
    without = crop(3, 300, 300, zoom=(1, 2), rotate=20.0, flip=False)
    middle = np.array([(SIZE - 1) / 2, (SIZE - 1) / 2, 1])
    assert np.allclose(with_flip @ middle, without @ middle, atol=1e-4)


def test_shrinking_does_not_alias():
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    matrix = crop(0, 200, 200, zoom=(0.5, 0.5))
    shrunk = warp_on_host(stripes, matrix, SIZE, samples_for((0.5, 0.5)))
    # Stripes finer than the new pixels become their mean; one sample a pixel would keep black or white ones.
    assert np.abs(shrunk.astype(int) - 127).max() <= 3
    assert samples_for((0.5, 0.5)) == 2
    assert samples_for((1 / 3, 1)) == 3
    assert samples_for((1, 2)) == 1


def test_crop_of_a_flat_photograph_stays_flat():
    flat = np.full((40, 30, 3), 201, np.uint8)
    matrix = crop(1, 40, 30, zoom=(0.3, 0.3), rotate=45.0)
    assert np.all(warp_on_host(flat, matrix, SIZE, 4) == 201)


def test_crop_of_a_photograph_longer_than_opencv_can_warp():
    picture = noise_picture(30, 40_000)
    matrix = np.array([[0.9, 0.05, 39_000.25], [-0.05, 0.9, 4.5]], np.float32)
    near = matrix - np.array([[0, 0, 38_900], [0, 0, 0]], np.float32)
    assert (
        np.abs(warp_on_host(picture, matrix, SIZE) - by_scipy(picture[:, 38_900:], near, SIZE)).max() < 1.5
    )  # float32 coordinates of 39,000 have steps of 1/256


@pytest.mark.parametrize("shape", [(90, 70), (30, 100)])
def test_crop_of_another_aspect_is_scipys(shape):
    picture = noise_picture(*shape)
    matrix = crop(1, *shape, zoom=(1.0, 1.0), aspect=2.0, flip=True)
    np.testing.assert_allclose(np.abs(matrix[:, :2]), [[1, 0], [0, 0.5]], atol=1e-6)
    expected = by_scipy(picture, matrix, SIZE)
    assert np.abs(warp_on_host(picture, matrix, SIZE) - expected).max() < 0.6
    assert np.abs(on_device(picture, matrix) - expected).max() < 0.6


def test_whole_photograph_is_stretched_into_the_patch():
    config = ConfigDict({"patch_size": SIZE, "patches_per_epoch": 10, "zoom": (1.0, 1.0), "zoom_of": "whole"})
    config.update({"rotate": 0.0, "flip": False, "shares": ()})
    draws = Draws.from_config(config, seed=0)
    # Brightness rises evenly from one side to the other, along either axis, in a large and in a small photograph.
    for height, width in ((200, 300), (10, 40)):
        ramp = np.zeros((height, width, 3), np.uint8)
        ramp[..., 0] = np.linspace(0, 255, width)[np.newaxis]
        ramp[..., 1] = np.linspace(0, 255, height)[:, np.newaxis]
        patch = warp_on_host(ramp, draws.crop(3, height, width), SIZE, draws.samples(height, width)).astype(float)
        centers = (np.arange(SIZE) + 0.5) / SIZE * 255
        assert np.abs(patch[..., 0] - centers).max() < 8
        assert np.abs(patch[..., 1] - centers[:, np.newaxis]).max() < 16  # ten rows alone
