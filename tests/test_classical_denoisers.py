"""The classical denoisers, against scikit-image, SciPy and their properties; and the estimate of the noise level."""

import numpy as np
import pytest
import pywt
import scipy.ndimage
import skimage.data
from skimage.restoration import denoise_nl_means, denoise_wavelet

import colorjax
from colorjax.errors import UserError
from colorjax.methods import DENOISERS, Observation, build_method
from colorjax.methods.classical import block_matching
from colorjax.methods.classical.bm3d import BM3D
from colorjax.methods.classical.filters import bilateral, blurred, left_by_blur
from colorjax.methods.classical.method import OPPONENT
from colorjax.methods.classical.noise_level import estimate_noise, noise_eigenvalue

NAMES = tuple(DENOISERS)


def clean(size=96):
    """A part of the astronaut, [size, size, 3]."""
    return (skimage.data.astronaut()[20 : 20 + size, 180 : 180 + size] / np.float32(255)).astype(np.float32)


def noisy(image, level, seed=0):
    """The image with Gaussian noise of `level` of 255."""
    return image + np.random.default_rng(seed).normal(size=image.shape).astype(np.float32) * np.float32(level / 255)


def psnr(image, truth):
    """Signal to noise ratio, dB."""
    return -10 * np.log10(np.mean(np.square(image - truth)))


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_image_stays_and_so_does_any_without_noise(name):
    flat = np.full((20, 33, 3), 0.4, np.float32)
    method = build_method({"name": name, "level": 25.0})
    np.testing.assert_allclose(method.restore(Observation(flat)).image, flat, atol=2e-5)
    if name != "median":
        still = build_method({"name": name, "level": 0.0})
        np.testing.assert_array_equal(still.restore(Observation(clean(20))).image, clean(20))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "median"])
def test_noise_becomes_less_and_gray_stays_gray(name):
    truth = clean()[..., :1].repeat(3, axis=-1)
    given = noisy(truth[..., :1], 30).repeat(3, axis=-1)
    result = build_method({"name": name, "level": 30.0}).restore(Observation(given)).image
    assert psnr(result, truth) > psnr(given, truth) + 3
    np.testing.assert_array_equal(result[..., 0], result[..., 2])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (3, 70), (9, 8)])
def test_any_size(name, size):
    image = np.random.default_rng(0).uniform(size=(*size, 3)).astype(np.float32)
    result = build_method({"name": name, "level": 20.0}).restore(Observation(image)).image
    assert result.shape == image.shape
    assert np.isfinite(result).all()


def test_level_is_set_told_or_estimated():
    image, truth = noisy(clean(), 30), clean()
    told = build_method({"name": "bilateral", "told": True})
    assert told.needs == {"noise"}
    assert build_method({"name": "bilateral"}).needs == set()
    assert told.sigma(image, ("gaussian", 0.1)) == 0.1
    assert build_method({"name": "bilateral", "level": 51.0}).sigma(image) == 0.2
    for noise in (None, ("speckle", 0.1)):
        assert abs(told.sigma(image, noise) * 255 - 30) < 3
    assert psnr(told.restore(Observation(image)).image, truth) > psnr(image, truth) + 3


@pytest.mark.parametrize("settings", [{"level": -3.0}, {"level": 300.0}])
@pytest.mark.parametrize("name", NAMES)
def test_bad_levels_are_one_line(name, settings):
    with pytest.raises(UserError, match=r"method\.level=.*: must be from 0 to 255, or -1"):
        build_method({"name": name} | settings)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"name": "median", "side": 4}, "must be an odd number"),
        ({"name": "gaussian", "width": 0.0}, "must be above 0"),
        ({"name": "wavelet", "threshold": "Bayes"}, "BayesShrink"),
        ({"name": "non_local_means", "patch": 2}, "must be an odd number"),
        ({"name": "total_variation", "weight": -1.0}, "must be above 0"),
    ],
)
def test_bad_settings_are_one_line(settings, line):
    with pytest.raises(UserError, match=line):
        build_method(settings)


# Against other implementations


def test_filters_are_those_of_scipy_and_scikit_image():
    image = noisy(clean(40), 25)
    np.testing.assert_allclose(
        blurred(image, 0.8),
        np.stack([scipy.ndimage.gaussian_filter(image[..., c], 0.8) for c in range(3)], -1),
        atol=1e-6,
    )
    median = build_method({"name": "median"}).restore(Observation(image)).image
    np.testing.assert_allclose(median[1, 1, 0], np.median(image[:3, :3, 0]))


def test_bilateral_filter_is_its_formula():
    image = noisy(clean(14), 25)[..., :1]
    found = bilateral(image, 1.5, 0.3)
    padded = np.pad(image[..., 0], 5, mode="symmetric")
    y, x = np.mgrid[-5:6, -5:6]
    near = np.where(np.hypot(x, y) <= 5, np.exp(-(x**2 + y**2) / (2 * 1.5**2)), 0)
    for row, column in ((0, 0), (3, 7), (13, 5)):
        window = padded[row : row + 11, column : column + 11]
        weights = near * np.exp(-np.square(window - image[row, column, 0]) / (2 * 0.3**2))
        np.testing.assert_allclose(found[row, column, 0], np.sum(weights * window) / weights.sum(), atol=1e-5)


def test_bilateral_border_does_not_darken():
    image = np.full((30, 30, 3), 0.9, np.float32)
    np.testing.assert_allclose(bilateral(image, 1.5, 0.2), image, atol=1e-5)


def test_share_of_noise_that_a_blur_leaves():
    noise = np.random.default_rng(0).normal(size=(400, 400, 1)).astype(np.float32)
    for width in (0.5, 1.0, 1.7):
        np.testing.assert_allclose(blurred(noise, width).std(), left_by_blur(width), rtol=0.02)


def test_wavelets_and_non_local_means_are_scikit_images():
    image = noisy(clean(64), 25)
    sigma = 25 / 255
    gray = image[..., :1]
    for threshold in ("VisuShrink", "BayesShrink"):
        method = build_method({"name": "wavelet", "level": 25.0, "threshold": threshold})
        expected = denoise_wavelet(gray[..., 0].astype(np.float64), sigma, "db1", method=threshold)
        np.testing.assert_allclose(method.denoised(gray, sigma)[..., 0], expected, atol=1e-5)
    np.testing.assert_allclose(OPPONENT @ OPPONENT.T, np.eye(3), atol=1e-12)
    result = build_method({"name": "non_local_means", "level": 25.0}).restore(Observation(image)).image
    expected = denoise_nl_means(image, 5, 8, 0.55 * sigma, fast_mode=True, sigma=sigma, channel_axis=-1)
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_total_variation_becomes_less_and_the_mean_stays():
    def variation(image):
        return sum(np.abs(np.diff(image, axis=axis)).sum() for axis in (0, 1))

    image = noisy(clean(64), 25)
    before = variation(image)
    for weight in (0.3, 1.0, 3.0):
        method = build_method({"name": "total_variation", "level": 25.0, "weight": weight})
        result = method.restore(Observation(image)).image
        np.testing.assert_allclose(result.mean(), image.mean(), atol=1e-4)
        assert variation(result) < before
        before = variation(result)


# BM3D


def test_transforms_are_the_cosine_transform_and_the_biorthogonal_wavelet():
    forward, backward = block_matching._transform("dct")
    np.testing.assert_allclose(forward @ forward.T, np.eye(64), atol=1e-5)
    forward, backward = block_matching._transform("bior1.5")
    np.testing.assert_allclose(forward @ backward, np.eye(64), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(forward, axis=1), 1, atol=1e-5)
    patch = np.random.default_rng(0).normal(size=8)
    approximation, details = pywt.dwt(patch, "bior1.5", "periodization")
    found = block_matching._wavelet_coefficients(patch, "bior1.5")
    np.testing.assert_allclose(found[4:], details)
    np.testing.assert_allclose(found[2:4], pywt.dwt(approximation, "bior1.5", "periodization")[1])


def test_stacks_are_transformed_by_haars_wavelet_of_their_own_size():
    sizes, matrices = block_matching._haar_transforms(16)
    np.testing.assert_array_equal(sizes, [1, 2, 4, 8, 16])
    stack = np.random.default_rng(0).normal(size=16)
    for size, matrix in zip(sizes, matrices, strict=True):
        expected = pywt.wavedec(stack[:size], "haar", "periodization") if size > 1 else [stack[:1]]
        np.testing.assert_allclose((matrix @ stack)[:size], np.concatenate(expected), atol=1e-5)
        assert not (matrix @ stack)[size:].any()


def test_matches_are_the_nearest_patches_within_reach():
    tile = np.random.default_rng(0).normal(size=(block_matching._TILE, block_matching._TILE)).astype(np.float32)
    places = block_matching._PLACES
    allowed = np.zeros((places, places), bool)
    allowed[16:60, 10:70] = True
    rows, columns = np.array([0, 21], np.int32), np.array([3, 45], np.int32)
    patches = block_matching._patches(tile[..., None])[:, 0]
    chosen, distances = block_matching._matches(patches, allowed, rows, columns, 8)
    for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
        own = tile[row + 16 : row + 24, column + 16 : column + 24]
        all_of_them = {}
        for y in range(row, row + 33):
            for x in range(column, column + 33):
                if allowed[y, x]:
                    all_of_them[y * places + x] = np.square(tile[y : y + 8, x : x + 8] - own).sum()
        nearest = sorted(all_of_them, key=all_of_them.get)[:8]
        assert list(chosen[number]) == nearest
        np.testing.assert_allclose(distances[number], [all_of_them[place] for place in nearest], atol=2e-3)


def test_bm3d_is_better_than_non_local_means_and_that_than_a_gaussian():
    truth = np.float32(skimage.data.camera()[60:188, 150:278, None] / 255)
    given = noisy(truth, 25)
    found = {
        name: psnr(np.clip(build_method({"name": name, "level": 25.0}).restore(Observation(given)).image, 0, 1), truth)
        for name in ("bm3d", "non_local_means", "gaussian")
    }
    assert found["bm3d"] > found["non_local_means"] > found["gaussian"] > psnr(given, truth)


# The noise level


def test_noise_level_of_pure_noise_and_of_photographs():
    noise = np.random.default_rng(0).normal(size=(128, 128, 1)) * 0.1
    assert abs(estimate_noise(noise) - 0.1) < 0.003
    photograph = clean(200)
    own = estimate_noise(photograph)  # that the photograph itself has
    for level in (5, 10, 25, 50):
        found = estimate_noise(noisy(photograph, level))
        assert abs(found / np.hypot(level / 255, own) - 1) < 0.05, level


def test_noise_level_of_whole_numbers_is_that_of_the_same_image_as_floats():
    image = np.uint8(np.clip(np.rint(noisy(clean(), 20) * 255), 0, 255))
    np.testing.assert_allclose(estimate_noise(image) / 255, estimate_noise(image / np.float32(255)), rtol=1e-3)


def test_noise_is_the_part_of_the_spectrum_that_is_level():
    eigenvalues = np.sort(np.concatenate([np.linspace(0.9, 1.1, 40), [5.0, 20.0, 100.0]]))
    np.testing.assert_allclose(noise_eigenvalue(eigenvalues), 1, atol=0.02)


def test_noise_level_of_tiny_and_of_flat_images():
    assert estimate_noise(np.ones((5, 5, 3), np.float32)) == 0
    assert estimate_noise(np.ones((64, 64, 1), np.float32)) < 1e-3


# Users' pictures


def test_pictures_are_denoised_by_a_method():
    truth = np.uint8(np.rint(clean() * 255))
    given = np.uint8(np.clip(np.rint(noisy(clean(), 20) * 255), 0, 255))
    for name, level in (("non_local_means", 20), ("non_local_means", None)):
        result = colorjax.denoise(given, method=name, noise_level=level)
        assert result.dtype == np.uint8
        assert psnr(result / 255, truth / 255) > psnr(given / 255, truth / 255) + 3
    deep = colorjax.denoise(np.uint16(given) * 257, method="gaussian", noise_level=20)
    np.testing.assert_allclose(deep / 257, colorjax.denoise(given, method="gaussian", noise_level=20), atol=0.51)
    np.testing.assert_array_equal(colorjax.denoise(given, method="bilateral", noise_level=0), given)


def test_bands_do_not_show(monkeypatch):
    image = noisy(clean(90), 25)
    for name in ("gaussian", "bilateral", "median", "non_local_means"):
        method = build_method({"name": name, "level": 25.0})
        whole = method.restore(Observation(image)).image
        monkeypatch.setattr(type(method), "rows", 30)
        monkeypatch.setattr(type(method), "margin", 24)
        np.testing.assert_allclose(method.restore(Observation(image)).image, whole, atol=1e-5)
        monkeypatch.undo()


def test_bm3d_is_the_same_in_bands_and_tells_its_progress(monkeypatch):
    image = noisy(clean(250), 25)[:, :20, :1]
    method = build_method({"name": "bm3d", "level": 25.0})
    whole = method.denoised(image, 25 / 255)
    monkeypatch.setattr(BM3D, "rows", 48)
    shares = []
    bands = method.in_bands(lambda rows: image[rows], len(image), 25 / 255, shares.append)
    np.testing.assert_allclose(np.concatenate(list(bands)), whole, atol=1e-6)
    assert len(shares) > 20
    assert shares == sorted(shares)
    np.testing.assert_allclose(shares[-1], 1)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"method": "bm3"}, "no method of denoising is named 'bm3'; did you mean 'bm3d'"),
        ({"method": "bm3d", "noise_level": -3}, "noise level -3: it is of 255"),
        ({"method": "bm3d", "noise_level": 0.1}, "noise level 0.1: it is of 255"),
        ({"method": "bm3d", "noise_level": 400}, "noise level 400: it is of 255"),
        ({"method": "median", "weights": "denoise_color"}, "the method median has no weights"),
        ({"noise_level": 20}, "the network 'denoise_photo_gray' finds the noise level by itself; a level is for"),
    ],
)
def test_arguments_that_do_not_fit_are_one_line(arguments, line):
    with pytest.raises(UserError, match=line):
        colorjax.denoise(np.zeros((8, 8, 3), np.uint8), **arguments)
