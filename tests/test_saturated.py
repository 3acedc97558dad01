"""Saturated regions of photographs stay so, and noise around black and white is no such region."""

import numpy as np
import pytest
import skimage.data

from colorjax import denoising
from colorjax.inference import saturated
from colorjax.inference.saturated import keep_saturated

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_flat_black_and_white_stay_so_after_denoising(dtype, channels):
    largest = np.iinfo(dtype).max
    for value in (0, largest):
        picture = np.full((40, 48, channels), value, dtype)
        np.testing.assert_array_equal(denoising.denoise(picture), picture)


def test_saturated_sky_stays_white_and_the_rest_is_denoised():
    picture = skimage.data.camera()[150:246, 150:246, np.newaxis].copy()
    picture[:40] = 255
    noisy = np.clip(picture + RNG.normal(0, 15, picture.shape), 0, 255).astype(np.uint8)
    noisy[:40] = 255  # clipped by the camera, not by the noise
    result = denoising.denoise(noisy)
    np.testing.assert_array_equal(result[:40], 255)
    below = result[44:].astype(float) - picture[44:]
    assert np.sqrt(np.mean(below**2)) < 0.85 * 15


@pytest.mark.parametrize("value", [0, 3, 252, 255])
def test_noise_that_clips_is_no_saturated_region(value):
    noisy = np.clip(np.rint(value + RNG.normal(0, 20, (600, 600, 3))), 0, 255).astype(np.uint8)
    share = np.mean((noisy == 0) | (noisy == 255))
    assert share > 0.4
    result = np.full_like(noisy, 77)
    assert (keep_saturated(noisy, result) == 77).all()


def test_regions_are_the_same_in_bands_as_whole(monkeypatch):
    picture = RNG.integers(0, 256, (90, 60, 2), dtype=np.uint8)
    for _ in range(12):
        top, left = RNG.integers(0, 80), RNG.integers(0, 50)
        picture[top : top + RNG.integers(5, 12), left : left + RNG.integers(5, 12), RNG.integers(2)] = RNG.choice(
            [0, 255]
        )
    whole = keep_saturated(picture, np.full_like(picture, 77))
    # By definition: a pixel is kept if it lies in a square that is all extreme.
    expected = np.full_like(picture, 77)
    for extreme in (0, 255):
        squares = np.lib.stride_tricks.sliding_window_view(picture == extreme, (7, 7), axis=(0, 1)).all(axis=(-1, -2))
        for top, left, channel in np.argwhere(squares):
            expected[top : top + 7, left : left + 7, channel] = extreme
    inner = np.s_[7:-7, 7:-7]  # outside of the picture counts as extreme
    np.testing.assert_array_equal(whole[inner], expected[inner])
    monkeypatch.setattr(saturated, "BAND_PIXELS", 60 * 9)
    np.testing.assert_array_equal(keep_saturated(picture, np.full_like(picture, 77)), whole)
