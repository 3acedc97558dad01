"""Denoising, colorizing and restoring arrays: what `import colorjax` offers for a person's own pictures."""

import jax.numpy as jnp
import numpy as np
import pytest
from skimage.color import rgb2lab, rgb2xyz
from support import networks as made_networks

import colorjax
from colorjax import denoising, restoration, weights
from colorjax.color.gray import gray_levels
from colorjax.errors import UserError
from colorjax.models import build_model

HEIGHT, WIDTH = 32, 48


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    return {name: str(path) for name, path in made_networks.write_all(tmp_path_factory.mktemp("networks")).items()}


@pytest.fixture(autouse=True)
def _networks_of_the_project(networks, monkeypatch):
    monkeypatch.setattr(denoising, "DENOISER", networks["color"])
    monkeypatch.setattr(denoising, "GRAY_DENOISER", networks["gray"])
    monkeypatch.setattr(restoration, "COLORIZER", networks["colorizer"])


def picture(channels=3, dtype=np.uint8, height=HEIGHT, width=WIDTH):
    random = np.random.default_rng(channels)
    return random.integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype)


def gray_copy_levels(colored):
    """Return the sRGB level, [H, W], of a gray with the luminance of `colored`: IEC 61966-2-1, by scikit-image."""
    luminance = rgb2xyz(colored)[..., 1]
    srgb = np.where(luminance > 0.0031308, 1.055 * luminance ** (1 / 2.4) - 0.055, 12.92 * luminance)
    return np.rint(srgb * np.iinfo(colored.dtype).max)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("channels", "weights"), [(1, "idle"), (1, "idle_gray"), (3, "idle")])
def test_restoration_adds_no_noise(networks, dtype, channels, weights):
    given = picture(channels, dtype)
    result = colorjax.denoise(given, weights=networks[weights])
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, given)


def test_denoising_adds_what_the_network_says(networks):
    given = picture(width=64)  # as wide as a tile: what would lie beyond the picture's edge is nobody's matter here
    trained = weights.load(networks["color"])
    model = build_model(trained.config.model, 3)
    correction = model.apply(trained.variables, jnp.asarray(given[np.newaxis] / np.float32(255)), train=False)[0]
    expected = np.rint(np.clip(given + 255 * np.asarray(correction), 0, 255))
    result = colorjax.denoise(given)
    assert np.abs(result - expected).max() <= 1  # rounded the other way at most
    assert np.abs(result.astype(float) - given).mean() > 1


def test_gray_pictures_have_a_denoiser_of_their_own(networks):
    gray = picture(1)
    result = colorjax.denoise(gray)
    np.testing.assert_array_equal(result, colorjax.denoise(gray, weights=networks["gray"]))
    assert (result != colorjax.denoise(gray, weights=networks["color"])).any()
    in_three = colorjax.denoise(np.repeat(gray, 3, axis=-1))
    np.testing.assert_array_equal(in_three, np.repeat(result, 3, axis=-1))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 3)])
def test_pictures_of_any_size_are_taken(size):
    given = picture(1, height=size[0], width=size[1])
    assert colorjax.denoise(given).shape == given.shape
    colored = colorjax.colorize(given)
    np.testing.assert_array_equal(gray_copy_levels(colored), given[..., 0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colorizing_keeps_the_gray_levels(dtype):
    gray = picture(1, dtype)
    colored = colorjax.colorize(gray)
    assert (colored.shape, colored.dtype) == ((HEIGHT, WIDTH, 3), dtype)
    np.testing.assert_allclose(gray_copy_levels(colored), gray[..., 0], atol=0 if dtype == np.uint8 else 1)
    assert np.abs(rgb2lab(colored)[..., 1:]).mean() > 2


def test_colorizing_a_colored_picture_uses_its_lightness():
    colors = picture()
    np.testing.assert_array_equal(
        colorjax.colorize(colors), colorjax.colorize(gray_copy_levels(colors).astype(np.uint8)[..., np.newaxis])
    )


def test_restoring_is_denoising_and_then_colorizing():
    gray = picture(1)
    np.testing.assert_array_equal(colorjax.restore(gray), colorjax.colorize(colorjax.denoise(gray)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("method", ["network", "gaussian"])
def test_strength_blends_the_picture_back_in(monkeypatch, dtype, channels, method):
    monkeypatch.setattr(denoising, "_BAND_PIXELS", 5 * WIDTH)  # several bands
    given = picture(channels, dtype)
    full = colorjax.denoise(given, method=method)
    assert (full != given).any()
    np.testing.assert_array_equal(colorjax.denoise(given, method=method, strength=0), given)
    np.testing.assert_array_equal(colorjax.denoise(given, method=method, strength=1), full)
    half = colorjax.denoise(given, method=method, strength=0.5)
    assert half.dtype == dtype
    np.testing.assert_array_equal(half, np.rint((given.astype(float) + full) / 2))
    some = colorjax.denoise(given, method=method, strength=0.3)
    np.testing.assert_allclose(some, 0.3 * full + 0.7 * given, atol=0.51)


def test_strength_of_restoring_is_that_of_its_denoising():
    gray = picture(1)
    np.testing.assert_array_equal(colorjax.restore(gray, strength=0), colorjax.colorize(gray))
    expected = colorjax.colorize(colorjax.denoise(gray, strength=0.4))
    np.testing.assert_array_equal(colorjax.restore(gray, strength=0.4), expected)


@pytest.mark.parametrize("function", [denoising.denoise, restoration.restore])
@pytest.mark.parametrize("strength", [-0.1, 1.01, 30, float("nan")])
def test_strength_outside_0_to_1_is_refused(function, strength):
    with pytest.raises(UserError, match=r"^strength -?[0-9a-z.]+: it is from 0 \(the picture as it is\) to 1"):
        function(picture(1), strength=strength)


@pytest.mark.parametrize("function", [denoising.denoise, restoration.colorize, restoration.restore])
def test_progress_grows_to_one(function):
    shares = []
    function(picture(1), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[0] > 0
    assert shares[-1] == pytest.approx(1)


def halves():
    """A picture [16, 24, 1] of two halves, dark and light."""
    gray = np.full((16, 24, 1), 80, np.uint8)
    gray[:, 12:] = 170
    return gray


def scribbled(copy):
    """Return `copy` [H, W, 3] with a red line on the left and a blue one on the right."""
    marked = copy.copy()
    marked[4:6, 2:8] = (220, 40, 40)
    marked[10:12, 15:21] = (60, 60, 230)
    return marked


# Most old photographs are not stored as gray, but brownish: what counts as painted is what differs from the picture.
@pytest.mark.parametrize("tint", [(1, 1, 1), (1, 0.85, 0.7)])
@pytest.mark.parametrize("deep", [False, True])
def test_scribbles_color_what_they_lie_in(tint, deep):
    given = np.rint(halves() * np.array(tint)).astype(np.uint8)
    hints = scribbled(given)
    if deep:
        given = given.astype(np.uint16) * 257
    result = colorjax.colorize(given, method="scribble", hints=hints)
    np.testing.assert_allclose(gray_levels(result), gray_levels(given), atol=1)
    ab = rgb2lab(result)[..., 1:]
    assert (ab[:, :11, 0] > 10).all()
    assert (ab[:, 13:, 1] < -10).all()


@pytest.mark.parametrize(
    ("hints", "line"),
    [
        (np.zeros((16, 25, 3), np.uint8), "the hints are 25x16 pixels and the picture 24x16 pixels"),
        (np.zeros((16, 24, 3), np.float32), "a picture is an array of uint8 or uint16, not float32"),
        (np.repeat(halves(), 3, axis=-1), "nothing is painted over"),
    ],
)
def test_bad_hints_are_refused(hints, line):
    with pytest.raises(UserError, match=line):
        colorjax.colorize(halves(), method="scribble", hints=hints)


@pytest.mark.parametrize("function", [denoising.denoise, restoration.colorize, restoration.restore])
@pytest.mark.parametrize(
    ("given", "line"),
    [
        (np.zeros((4, 4, 3), np.float32), "uint8 or uint16, not float32"),
        ([[0]], "uint8 or uint16, not list"),
        (np.zeros((4, 4), np.uint8), r"\[H, W, 1\] or \[H, W, 3\] of at least one pixel, not \[4, 4\]"),
        (np.zeros((4, 4, 4), np.uint8), r"not \[4, 4, 4\]"),
        (np.zeros((0, 4, 3), np.uint8), r"not \[0, 4, 3\]"),
    ],
)
def test_arrays_of_other_kinds_are_refused(function, given, line):
    with pytest.raises(UserError, match=line):
        function(given)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"method": "scribbles"}, "no method of colorizing is named 'scribbles'; did you mean 'scribble'?"),
        ({"method": "scribble"}, "needs hints"),
        ({"method": "scribble", "weights": "colorizer", "hints": picture()}, "has no weights"),
        ({"weights": "colorizer", "vividness": 0.5}, "no vividness can choose"),
        ({"weights": "gray"}, "colorizing needs a colorizer's"),
    ],
)
def test_arguments_that_do_not_go_together(networks, arguments, line):
    if "weights" in arguments:
        arguments = arguments | {"weights": networks[arguments["weights"]]}
    with pytest.raises(UserError, match=line.replace("?", r"\?")):
        colorjax.colorize(picture(), **arguments)


def test_weights_for_something_else(networks):
    with pytest.raises(UserError, match="are for a gray picture; denoising needs a denoiser's"):
        colorjax.denoise(picture(), weights=networks["colorizer"])
    with pytest.raises(UserError, match="are for gray pictures, and this one has colors"):
        colorjax.denoise(picture(), weights=networks["gray"])
    with pytest.raises(UserError, match="there is no such file"):
        colorjax.denoise(picture(), weights="nothing.safetensors")
