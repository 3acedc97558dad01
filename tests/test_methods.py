import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color as skimage_color
from skimage import data as skimage_data

from colorjax.errors import UserError
from colorjax.inference.colorizing import colorize_pixels
from colorjax.methods import METHODS, Identity, MeanColor, NetworkMethod, Observation, build_method, default_config
from colorjax.methods.method import NEEDS
from colorjax.models.network import Network
from colorjax.pictures.images import Photograph
from colorjax.tasks import TASKS, Colorize, Denoise
from colorjax.tasks.colorize_bins import mean_of_squares


def photograph(seed, shape=(12, 10, 3)):
    return Photograph(str(seed), np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def test_methods_build_from_their_own_sections_and_have_their_entries_names():
    for name in METHODS:
        method = build_method(default_config(name))
        assert method.name == name
        assert method.tasks <= TASKS.keys()
        assert method.needs <= NEEDS.keys()


def test_methods_and_settings_unknown_name_the_nearest():
    with pytest.raises(UserError, match="did you mean 'mean_color'"):
        build_method({"name": "mean_colour"})
    with pytest.raises(UserError, match="did you mean 'photographs'"):
        build_method({"name": "mean_color", "photograph": 3})
    assert build_method({"name": "mean_color", "photographs": 3}).photographs == 3


def test_observed_returns_its_input():
    picture = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(Identity().restore(Observation(picture)).image, picture)


def test_mean_color_is_the_mean_ab_that_scikit_image_gives():
    photographs = [photograph(0), photograph(1, (7, 31, 3)), photograph(2)]
    method = MeanColor().fit(photographs)
    means = [skimage_color.rgb2lab(p.picture)[..., 1:].mean(axis=(0, 1)) for p in photographs]
    np.testing.assert_allclose(method.ab, np.mean(means, axis=0), atol=2e-3)
    some = MeanColor(photographs=2).fit(photographs)
    np.testing.assert_allclose(some.ab, np.mean([means[0], means[2]], axis=0), atol=2e-3)


def test_mean_color_keeps_the_lightness_and_gives_every_pixel_the_mean():
    method = MeanColor().fit([photograph(0)])
    method.ab = (6.0, -9.0)
    gray = np.repeat(np.linspace(0.3, 0.7, 20, dtype=np.float32).reshape(4, 5, 1), 3, axis=2)
    lab = skimage_color.rgb2lab(method.restore(Observation(gray)).image)
    np.testing.assert_allclose(lab[..., 0], skimage_color.rgb2lab(gray)[..., 0], atol=0.02)
    np.testing.assert_allclose(lab[..., 1:], np.broadcast_to([6.0, -9.0], (4, 5, 2)), atol=0.05)


def test_mean_color_without_photographs_is_refused():
    with pytest.raises(UserError, match="fit"):
        MeanColor().restore(Observation(np.zeros((2, 2, 3), np.float32)))
    with pytest.raises(UserError, match="at least one"):
        MeanColor().fit([])
    with pytest.raises(UserError, match="at least one"):
        MeanColor(photographs=0).fit([photograph(0)])


TRACES = []


class PerPixel(Network):
    """A network that sees one pixel at a time: patches of any kind must then give what the whole picture gives."""

    features: int

    @nn.compact
    def __call__(self, inputs, train):
        assert not train
        TRACES.append(inputs.shape)
        return nn.Dense(self.features)(inputs)


class Zero(Network):
    features: int

    @nn.compact
    def __call__(self, inputs, train):
        return jnp.zeros((*inputs.shape[:-1], self.features), inputs.dtype)


DENOISE = Denoise("squared_error")
MODEL = PerPixel(3)
VARIABLES = MODEL.init(jax.random.key(1), jnp.zeros((1, 8, 8, 3)), train=False)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 7))
@settings(max_examples=10)
def test_network_restores_pictures_of_any_size_patch_by_patch(height, width, overlap):
    degraded = np.random.default_rng(height * 31 + width).uniform(size=(height, width, 3)).astype(np.float32)
    method = NetworkMethod("net", MODEL, VARIABLES, DENOISE, patch_size=8, overlap=overlap, batch_size=3)
    picture, outputs = method.restore(Observation(degraded))
    dense = VARIABLES["params"]["Dense_0"]
    expected = degraded @ np.asarray(dense["kernel"]) + np.asarray(dense["bias"])
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_allclose(picture, degraded + expected, atol=1e-5)
    np.testing.assert_array_equal(method.restore(Observation(degraded)).image, picture)


def test_pictures_of_many_sizes_compile_for_few_shapes_and_the_number_at_work_changes_nothing():
    random = np.random.default_rng(0)
    pictures = [random.uniform(size=(h, w, 3)).astype(np.float32) for h, w in [(9, 20), (31, 8), (3, 5)]]
    method = NetworkMethod("net", MODEL, VARIABLES, DENOISE, patch_size=9, overlap=2, batch_size=5)
    TRACES.clear()
    restored = [method.restore(Observation(picture)).image for picture in pictures]
    assert set(TRACES) == {(1, 9, 9, 3)}
    other = NetworkMethod("net", MODEL, VARIABLES, DENOISE, patch_size=9, overlap=2, batch_size=1)
    for picture, expected in zip(pictures, restored, strict=True):
        np.testing.assert_array_equal(other.restore(Observation(picture)).image, expected)


def test_colorizer_that_predicts_no_color_returns_the_gray_copy():
    task = Colorize("squared_error")
    truth = np.random.default_rng(0).uniform(size=(9, 11, 3)).astype(np.float32)
    degraded = np.asarray(task.degrade(jax.random.key(0), truth))
    method = NetworkMethod("net", Zero(2), {}, task, patch_size=8, overlap=2, batch_size=2)
    np.testing.assert_allclose(method.restore(Observation(degraded)).image, degraded, atol=1e-3)


@pytest.mark.parametrize(
    "change", [{"overlap": 8}, {"patch_size": 0}, {"batch_size": 0}, {"statistics": "owns"}, {"window": 0}]
)
def test_impossible_inference_settings_are_refused_at_once(change):
    with pytest.raises(UserError, match="inference"):
        NetworkMethod("net", MODEL, VARIABLES, DENOISE, **({"patch_size": 8, "overlap": 2, "batch_size": 2} | change))


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=10)
def test_whole_picture_keeps_its_size_and_its_own_lightness(height, width):
    """One flat color, predicted on a small square, on a picture of any size: what CIE Lab says it is."""
    task = Colorize("squared_error")
    gray = np.random.default_rng(height * 41 + width).uniform(0.3, 0.7, size=(height, width, 1)).astype(np.float32)
    degraded = np.repeat(gray, 3, axis=-1)
    variables = {"params": {"Dense_0": {"kernel": jnp.zeros((1, 2)), "bias": jnp.array([0.1, -0.1])}}}
    method = NetworkMethod("net", PerPixel(2), variables, task, 16, overlap=99, batch_size=1, picture="whole")
    picture, outputs = method.restore(Observation(degraded))
    assert picture.shape == (height, width, 3)
    np.testing.assert_allclose(outputs, np.broadcast_to(np.float32([0.1, -0.1]), outputs.shape), atol=1e-5)
    expected = skimage_color.rgb2lab(degraded)
    expected[..., 1:] = 11, -11
    np.testing.assert_allclose(skimage_color.rgb2lab(picture), expected, atol=0.05)


def test_whole_picture_goes_through_the_network_once_as_a_square():
    task = Colorize("squared_error")
    variables = PerPixel(2).init(jax.random.key(1), jnp.zeros((1, 4, 4, 1)), train=False)
    method = NetworkMethod("net", PerPixel(2), variables, task, 24, overlap=0, batch_size=4, picture="whole")
    TRACES.clear()
    for height, width in [(9, 20), (100, 70), (24, 24)]:
        method.restore(Observation(np.full((height, width, 3), 0.5, np.float32)))
    assert TRACES == [(1, 24, 24, 1)]


@pytest.mark.parametrize("change", [{"picture": "hole"}, {"picture": "whole", "patch_size": 0}])
def test_impossible_settings_of_whole_pictures_are_refused_at_once(change):
    with pytest.raises(UserError, match="inference"):
        NetworkMethod("net", MODEL, VARIABLES, DENOISE, **({"patch_size": 8, "overlap": 2, "batch_size": 2} | change))


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=6)
def test_reduced_picture_keeps_its_size_and_its_own_lightness(height, width):
    """One flat color, predicted on the reduced picture: what CIE Lab says it is."""
    task = Colorize("squared_error")
    gray = np.random.default_rng(height * 41 + width).uniform(0.3, 0.7, size=(height, width, 1)).astype(np.float32)
    degraded = np.repeat(gray, 3, axis=-1)
    variables = {"params": {"Dense_0": {"kernel": jnp.zeros((1, 2)), "bias": jnp.array([0.1, -0.1])}}}
    method = NetworkMethod("net", PerPixel(2), variables, task, 32, overlap=0, batch_size=1, picture="reduced")
    picture, outputs = method.restore(Observation(degraded))
    np.testing.assert_allclose(outputs, np.broadcast_to(np.float32([0.1, -0.1]), (height, width, 2)), atol=1e-5)
    expected = skimage_color.rgb2lab(degraded)
    expected[..., 1:] = 11, -11
    np.testing.assert_allclose(skimage_color.rgb2lab(picture), expected, atol=0.05)


def test_reduced_picture_is_colored_as_a_persons_own_is():
    task = Colorize("squared_error")
    pixels = skimage_data.astronaut()[:150, :200]
    degraded = np.asarray(task.degrade(jax.random.key(0), pixels.astype(np.float32) / np.float32(255)))
    grays = np.rint(degraded[..., :1] * 255).astype(np.uint8)
    variables = {"params": {"Dense_0": {"kernel": jnp.array([[0.2, 0.1]]), "bias": jnp.array([0.1, -0.1])}}}
    method = NetworkMethod("net", PerPixel(2), variables, task, 64, overlap=0, batch_size=1, picture="reduced")
    TRACES.clear()
    restored = method.restore(Observation(degraded)).image
    assert TRACES == [(1, 64, 80, 1)]

    def predict(lightness):
        return (lightness[..., None] / 50 - 1) * np.float32([22, 11]) + np.float32([11, -11])

    # whole levels of three channels, chosen together, and a gray that was rounded before
    np.testing.assert_allclose(restored * 255, colorize_pixels(grays, predict, (64, 80)), atol=2.5)


class Mean(Network):
    """A network that gives one output for a square of 4x4 pixels: their mean, twice."""

    @nn.compact
    def __call__(self, inputs, train):
        return jnp.repeat(mean_of_squares(inputs, inputs.shape[1] // 4, inputs.shape[2] // 4), 2, axis=-1)


def test_outputs_for_squares_of_pixels_are_not_repeated_before_they_are_enlarged():
    """Of a lightness that rises evenly across, the colors do too, but near the edges."""
    across = np.linspace(40, 60, 64, dtype=np.float32)
    lab = np.stack([np.broadcast_to(across, (64, 64)), *np.zeros((2, 64, 64), np.float32)], axis=-1)
    degraded = skimage_color.lab2rgb(lab).astype(np.float32)
    method = NetworkMethod("net", Mean(), {}, Colorize("squared_error"), 64, 0, batch_size=1, picture="reduced")
    picture, outputs = method.restore(Observation(degraded))
    rise = across / 50 - 1
    np.testing.assert_allclose(outputs[..., 0][:, 2:-2], np.broadcast_to(rise, (64, 64))[:, 2:-2], atol=1e-3)
    ab = skimage_color.rgb2lab(picture)[:, 6:-6, 1:]
    np.testing.assert_allclose(ab, np.broadcast_to(110 * rise[:, None], (64, 64, 2))[:, 6:-6], atol=0.2)


def test_reduced_pictures_are_for_tasks_with_colors():
    with pytest.raises(UserError, match="'reduced' is for tasks that colorize, not for 'denoise'"):
        NetworkMethod("net", MODEL, VARIABLES, DENOISE, 8, overlap=0, batch_size=1, picture="reduced")
