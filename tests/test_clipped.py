"""The mean of noise that a file has cut off: against SciPy's integrals, and on a photograph."""

import numpy as np
import pytest
from scipy import integrate, stats
from skimage import data

from colorjax import denoising
from colorjax.inference.clipped import clipped_moments, noise_before_clipping, undo_clipped_mean
from colorjax.methods.method import Observation
from colorjax.methods.pretrained import Pretrained

LEVEL = 50 / 255


@pytest.mark.parametrize("value", [-0.2, 0.0, 0.1, 0.5, 0.93, 1.0])
@pytest.mark.parametrize("level", [0.02, 0.2, 0.6])
def test_moments_of_clipped_noise_are_the_integrals(value, level):
    def moment(power):
        density = stats.norm(value, level)
        inside, _ = integrate.quad(lambda x: x**power * density.pdf(x), 0, 1, points=[np.clip(value, 0, 1)])
        return inside + density.sf(1)

    mean, variance = clipped_moments(np.array([value]), level)
    assert mean[0] == pytest.approx(moment(1), abs=1e-7)
    assert variance[0] == pytest.approx(moment(2) - moment(1) ** 2, abs=1e-7)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_means_of_noisy_surfaces_are_brought_back(dtype):
    largest = np.iinfo(dtype).max
    surfaces = np.linspace(0, 1, 12)
    noisy = np.clip(surfaces + LEVEL * np.random.default_rng(0).normal(size=(90_000, 12)), 0, 1).mean(axis=0)
    means = np.rint(noisy * largest).astype(dtype)[None, :, None]
    assert np.abs(means[0, :, 0] / largest - surfaces).max() > 0.05  # or there would be nothing to do
    corrected = undo_clipped_mean(means, LEVEL)
    assert corrected.dtype == dtype
    np.testing.assert_allclose(corrected[0, :, 0] / largest, surfaces, atol=2.5 / 255)


def test_without_noise_nothing_changes():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert noise_before_clipping(ramp, ramp) == 0
    np.testing.assert_array_equal(undo_clipped_mean(ramp, 0.0), ramp)
    np.testing.assert_array_equal(undo_clipped_mean(ramp, 1 / 255), ramp)


@pytest.mark.parametrize("level", [10 / 255, LEVEL])
def test_the_level_is_that_before_the_noise_was_cut_off(level):
    """With a copy that has the mean of the noisy picture; the standard deviation after cutting off is much smaller."""
    clean = data.astronaut()[:160, :160] / 255
    noisy = np.clip(clean + level * np.random.default_rng(0).normal(size=clean.shape), 0, 1)
    noisy, mean = (np.rint(each * 255).astype(np.uint8) for each in (noisy, clipped_moments(clean, level)[0]))
    assert noise_before_clipping(noisy, mean) == pytest.approx(level, rel=0.02)


def test_a_dark_file_is_denoised_as_well_as_what_was_not_cut_off():
    clean = (data.astronaut()[40:168, 150:278] // 3).astype(np.uint8)
    noisy = clean / 255 + LEVEL * np.random.default_rng(0).normal(size=clean.shape)
    file = np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8)
    of_floats = Pretrained("denoise_color").restore(Observation(noisy.astype(np.float32))).image

    def psnr(restored):
        return -10 * np.log10(np.mean((np.clip(restored, 0, 1) - clean / 255) ** 2))

    of_file = psnr(denoising.denoise(file, weights="denoise_color") / 255)
    assert of_file > psnr(of_floats) - 0.3
    assert of_file > psnr(Pretrained("denoise_color").restore(Observation(file.astype(np.float32) / 255)).image) + 3
