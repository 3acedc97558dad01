"""Coloring by example: what all methods have in common, Reinhard's tint and Welsh's transfer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import color as skimage_color

from colorjax.errors import UserError
from colorjax.methods import Observation
from colorjax.methods.by_example.gupta import Gupta
from colorjax.methods.by_example.irony import Irony
from colorjax.methods.by_example.neighborhoods import mean_and_deviation, remapped, windows
from colorjax.methods.by_example.reinhard import Reinhard
from colorjax.methods.by_example.welsh import Swatch, Welsh, jittered_grid

METHODS = [Reinhard, Welsh, Irony, Gupta]
SIZES = [(1, 1), (1, 2), (9, 1)]
USUAL = (24, 20)  # one size for most tests, because Levin's weights are compiled for each


def lightness_of(height, width, seed=0):
    return np.random.default_rng(seed).uniform(5, 95, (height, width)).astype(np.float32)


def example_of(height, width, seed=1):
    """Return Lab colors of sRGB's gamut."""
    rgb = np.random.default_rng(seed).random((height, width, 3), np.float32)
    return skimage_color.rgb2lab(rgb).astype(np.float32)


def check(transfer, shape):
    assert transfer.ab.shape == (*shape, 2)
    assert transfer.confidence.shape == shape
    assert transfer.ab.dtype == transfer.confidence.dtype == np.float32
    assert np.isfinite(transfer.ab).all()
    assert transfer.confidence.min() >= 0
    assert transfer.confidence.max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_methods_are_named_after_their_files_and_need_a_reference(method):
    assert method.name == method.__module__.rsplit(".", 1)[-1]
    assert method.needs == {"references"}
    assert "colorize" in method.tasks
    assert not method.learns()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", SIZES)
def test_every_size_of_image_and_reference_is_colored(method, shape):
    check(method().transfer(lightness_of(*shape), example_of(12, 10)), shape)
    check(method().transfer(lightness_of(*USUAL), example_of(*shape)), USUAL)
    check(method().transfer(lightness_of(*shape), example_of(*shape)), shape)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 50.0, 100.0])
def test_constant_images_and_references_are_colored(method, value):
    flat = np.full(USUAL, value, np.float32)
    example = np.stack([flat, np.zeros_like(flat), np.zeros_like(flat)], axis=-1)
    check(method().transfer(flat, example_of(12, 10)), flat.shape)
    check(method().transfer(lightness_of(*USUAL), example), USUAL)
    check(method().transfer(flat, example), flat.shape)


@pytest.mark.parametrize("method", [Welsh, Irony, Gupta])
def test_a_reference_of_one_chroma_gives_that_chroma(method):
    example = example_of(30, 26)
    example[..., 1:] = [12.0, -7.0]
    transfer = method().transfer(lightness_of(*USUAL), example)
    np.testing.assert_allclose(transfer.ab, np.broadcast_to([12.0, -7.0], (*USUAL, 2)), atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_arguments_give_the_same_colors(method):
    lightness, example = lightness_of(*USUAL), example_of(30, 20)
    first, again = (method().transfer(lightness, example) for _ in range(2))
    np.testing.assert_array_equal(first.ab, again.ab)
    np.testing.assert_array_equal(first.confidence, again.confidence)


@pytest.mark.parametrize("method", [Welsh, Irony])
def test_another_seed_takes_other_samples(method):
    lightness, example = lightness_of(*USUAL), example_of(30, 40)
    settings = {"samples": 20}
    first, second = (method(**settings, seed=seed).transfer(lightness, example) for seed in range(2))
    assert (first.ab != second.ab).any()


@pytest.mark.parametrize("method", METHODS)
def test_restored_images_keep_their_lightness(method):
    gray = np.repeat(np.random.default_rng(0).random((*USUAL, 1), np.float32), 3, axis=-1)
    reference = np.random.default_rng(1).random((22, 30, 3), np.float32)
    restored = method().restore(Observation(gray, references=(reference,))).image
    lightness = skimage_color.rgb2lab(np.clip(restored, 0, 1))[..., 0]
    np.testing.assert_allclose(lightness, skimage_color.rgb2lab(gray)[..., 0], atol=0.1)
    assert np.ptp(restored, axis=-1).max() > 0.01


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        (Welsh, {"samples": 0}),
        (Welsh, {"swatch_samples": 0}),
        (Welsh, {"window": 4}),
        (Welsh, {"weight": 1.5}),
        (Welsh, {"scale": 0}),
        (Welsh, {"seed": -1}),
        (Irony, {"regions": 0}),
        (Irony, {"window": 0}),
        (Irony, {"dropped": 49}),
        (Irony, {"scale": -1}),
        (Irony, {"threshold": 2}),
        (Irony, {"seed": -1}),
        (Gupta, {"area": 0}),
        (Gupta, {"fraction": 0}),
        (Gupta, {"scribbled": 1.5}),
        (Gupta, {"radius": 0}),
        (Gupta, {"scale": 0}),
    ],
)
def test_settings_out_of_range_are_refused_by_name(method, settings):
    with pytest.raises(UserError, match=f"method.{next(iter(settings))}="):
        method(**settings)


def test_reinhard_gives_the_color_of_a_reference_of_one_color_at_its_own_lightness():
    color = skimage_color.rgb2lab(np.float32([[[0.7, 0.4, 0.3]]])).astype(np.float32)
    lightness = np.float32([[color[0, 0, 0], 20.0, 90.0]])
    transfer = Reinhard().transfer(lightness, np.tile(color, (4, 5, 1)))
    np.testing.assert_allclose(transfer.ab[0, 0], color[0, 0, 1:], atol=0.01)
    hues = np.arctan2(transfer.ab[..., 1], transfer.ab[..., 0])
    np.testing.assert_allclose(hues, hues[0, 0], atol=0.3)
    assert (transfer.confidence == 1).all()


def test_reinhard_gives_no_color_from_a_gray_reference():
    example = example_of(6, 7)
    example[..., 1:] = 0
    np.testing.assert_allclose(Reinhard().transfer(lightness_of(5, 4), example).ab, 0, atol=0.01)


def test_remapping_gives_the_mean_and_the_deviation_of_the_image():
    values, target = lightness_of(9, 8), lightness_of(5, 6, seed=3) / 3
    result = remapped(values, target)
    assert result.mean() == pytest.approx(target.mean(), rel=1e-5)
    assert result.std() == pytest.approx(target.std(), rel=1e-5)
    part = np.zeros(values.shape, bool)
    part[2:6, 1:5] = True
    assert remapped(values, target, part)[part].std() == pytest.approx(target.std(), rel=1e-5)
    np.testing.assert_allclose(remapped(np.full((3, 3), 7.1, np.float32), target), target.mean(), rtol=1e-6)


@pytest.mark.parametrize("shape", SIZES)
def test_means_and_deviations_are_those_of_reflected_windows(shape):
    values = lightness_of(*shape)
    around = windows(values.astype(np.float64), 5)
    mean, deviation = mean_and_deviation(values, 5)
    np.testing.assert_allclose(mean, around.mean((-2, -1)), atol=1e-6)
    np.testing.assert_allclose(deviation, around.std((-2, -1)), atol=1e-4)


def test_the_deviation_of_flat_lightness_is_zero():
    assert mean_and_deviation(np.full((8, 8), 77.7, np.float32), 5)[1].max() < 1e-4


@given(height=st.integers(1, 40), width=st.integers(1, 40), count=st.integers(1, 300), seed=st.integers(0, 9))
def test_the_jittered_grid_has_different_pixels_and_enough(height, width, count, seed):
    rows, columns = jittered_grid(height, width, count, np.random.default_rng(seed))
    assert rows.min() >= 0
    assert columns.min() >= 0
    assert rows.max() < height
    assert columns.max() < width
    assert len(np.unique(rows * width + columns)) == len(rows)
    assert len(rows) >= min(count, height * width)


def test_welsh_finds_each_pixel_of_its_own_reference():
    example = example_of(24, 20)
    transfer = Welsh(samples=24 * 20).transfer(example[..., 0], example)
    np.testing.assert_array_equal(transfer.ab, example[..., 1:])
    np.testing.assert_allclose(transfer.confidence, 1, atol=1e-4)


def test_welsh_with_one_sample_gives_one_color():
    transfer = Welsh(samples=1).transfer(lightness_of(9, 8), example_of(20, 30))
    assert np.ptp(transfer.ab, axis=(0, 1)).max() == 0


def test_welsh_is_less_sure_of_worse_matches():
    example, lightness = example_of(20, 20), np.full((9, 30), 50, np.float32)
    lightness[:, 15:] = 90
    example[..., 0] = np.where(example[..., 0] < 50, 20, 40)
    confidence = Welsh().transfer(lightness, example).confidence
    same = Welsh().transfer(example[..., 0], example).confidence
    assert confidence.mean() < same.mean()


def test_swatches_color_their_own_parts_and_what_looks_like_them():
    lightness = np.full((20, 40), 50, np.float32)
    lightness[::2, 20:] = 60  # stripes
    example = np.zeros((10, 20, 3), np.float32)
    example[:, :10], example[:, 10:] = [30, 20, 5], [70, -30, 40]
    mask = np.zeros(lightness.shape, bool)
    mask[5:11, 24:34] = True
    swatches = [Swatch((2, 2, 9, 12), (0, 0, 10, 10)), Swatch(mask, (0, 10, 10, 20))]
    ab = Welsh().transfer_swatches(lightness, example, swatches).ab
    np.testing.assert_array_equal(ab[:, :17], np.broadcast_to(np.float32([20, 5]), (20, 17, 2)))
    np.testing.assert_array_equal(ab[:, 23:], np.broadcast_to(np.float32([-30, 40]), (20, 17, 2)))


def test_swatches_that_do_not_fit_are_refused():
    lightness, example = lightness_of(6, 7), example_of(8, 9)
    everything = (0, 0, 9, 9)
    check(Welsh().transfer_swatches(lightness, example, [Swatch(everything, everything)]), (6, 7))
    with pytest.raises(UserError, match="there is none"):
        Welsh().transfer_swatches(lightness, example, [])
    with pytest.raises(UserError, match=r"target of swatch 0 is a mask of \[8, 9\]"):
        Welsh().transfer_swatches(lightness, example, [Swatch(np.ones((8, 9), bool), everything)])
    with pytest.raises(UserError, match="example of swatch 1 has no pixel"):
        Welsh().transfer_swatches(
            lightness, example, [Swatch(everything, everything), Swatch(everything, (8, 0, 9, 9))]
        )
