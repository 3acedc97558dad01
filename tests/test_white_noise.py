"""White noise told from that of photographs, and left to the network for it."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from colorjax import denoising
from colorjax.inference.white_noise import LEAST_LEVEL, is_white, middle

CLEAN = data.astronaut()[60:252, 150:342].astype(np.float64)


def drawn(level=1.0, seed=0):
    return level * np.random.default_rng(seed).normal(size=CLEAN.shape)


def file_of(values):
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def smoothed(noise, deviation):
    """Noise alike in neighbors, of the same standard deviation."""
    smooth = ndimage.gaussian_filter(noise, (deviation, deviation, 0))
    return smooth * noise.std() / smooth.std()


def alike_in_channels(noise):
    return 0.8 * noise + 0.6 * np.roll(noise, 1, axis=-1)


NOISES = {
    "white": (drawn(25), True),
    "white, weak": (drawn(9), True),
    "too weak": (drawn(LEAST_LEVEL - 2), False),
    "none": (drawn(0), False),
    "of neighbors alike": (smoothed(drawn(25), 0.45), False),
    "coarse": (smoothed(drawn(25), 1.0), False),
    "of channels alike": (alike_in_channels(drawn(25)), False),
    "gray": (np.repeat(drawn(25)[..., :1], 3, axis=-1), False),
}


@pytest.mark.parametrize(("noise", "white"), NOISES.values(), ids=NOISES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_of_a_denoiser_that_takes_all_noise(noise, white, dtype):
    scale = 1 if dtype == np.uint8 else 257
    noisy, clean = (file_of(each).astype(dtype) * scale for each in (CLEAN + noise, CLEAN))
    assert is_white(noisy, clean) == white


def test_of_a_small_picture_nothing_is_said():
    noisy, clean = file_of(CLEAN + drawn(25)), file_of(CLEAN)
    assert not is_white(noisy[:63], clean[:63])


def test_of_a_black_channel_nothing_is_said():
    noisy, clean = file_of(CLEAN + drawn(25)), file_of(CLEAN)
    noisy[..., 2] = clean[..., 2] = 0
    assert not is_white(noisy, clean)


@pytest.mark.parametrize(("height", "width"), [(300, 40), (256, 257), (1000, 900)])
def test_the_middle_is_in_the_middle(height, width):
    rows, columns = np.mgrid[:height, :width]
    part = middle(np.stack([rows, columns], axis=-1))
    assert part.shape == (min(height, 256), min(width, 256), 2)
    assert np.abs(part.mean(axis=(0, 1)) - [(height - 1) / 2, (width - 1) / 2]).max() <= 0.5


@pytest.mark.parametrize(
    ("noise", "network"), [(drawn(30), "denoise_color"), (smoothed(drawn(30), 1), "denoise_photo")]
)
def test_a_picture_goes_to_the_network_for_its_noise(noise, network):
    noisy = file_of(CLEAN + noise)
    np.testing.assert_array_equal(denoising.denoise(noisy), denoising.denoise(noisy, network))


def test_white_noise_is_removed_better_than_by_the_network_for_photographs():
    noisy = file_of(CLEAN + drawn(50))
    errors = [np.mean((denoising.denoise(noisy, weights) - CLEAN) ** 2) for weights in ("", "denoise_photo")]
    assert errors[0] < 0.9 * errors[1]
