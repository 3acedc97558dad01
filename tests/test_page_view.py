"""What the page shows of a picture, and that it is what the finished file has; by the bundled networks."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from colorjax.errors import UserError
from colorjax.page.denoising import denoise
from colorjax.page.likely_colors import modes
from colorjax.page.pyramid import TILE, cut, level_sizes, read_level, write_pyramid
from colorjax.page.reading import read
from colorjax.page.recipe import Recipe
from colorjax.page.rendering import restored
from colorjax.page.view import tile


def nothing(share):
    del share


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        ((1, 1), [(1, 1)]),
        ((512, 512), [(512, 512)]),
        ((513, 100), [(513, 100), (257, 50)]),
        ((1500, 2001), [(1500, 2001), (750, 1001), (375, 501)]),
    ],
)
def test_pyramid_halves_until_a_tile_holds_it(size, sizes):
    assert level_sizes(*size) == sizes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_pyramid_has_the_means_of_squares(tmp_path, dtype, channels):
    random = np.random.default_rng(0)
    pixels = random.integers(0, np.iinfo(dtype).max + 1, (700, 1031, channels), dtype)
    write_pyramid(tmp_path, "before", pixels)
    eight = np.rint(pixels / (np.iinfo(dtype).max / 255))
    np.testing.assert_array_equal(read_level(tmp_path, "before", 0), eight)
    half = read_level(tmp_path, "before", 1)
    assert half.shape == (350, 516, channels)
    means = eight[:, :1030].reshape(350, 2, 515, 2, channels).mean(axis=(1, 3))
    assert np.abs(half[:, :515] - means).max() <= 0.5 + 1e-6
    np.testing.assert_allclose(half[:, 515], eight[:, 1030].reshape(350, 2, channels).mean(axis=1), atol=0.51)
    assert cut(read_level(tmp_path, "before", 0), 2, 1).shape == (700 - TILE, 1031 - 2 * TILE, channels)


def test_modes_are_apart_and_the_likeliest_comes_first():
    from colorjax.color import ab_bins

    logits = np.full(ab_bins.count(), -20.0)
    places = ab_bins.centers()
    for number, (a, b) in enumerate([(0, 0), (10, 0), (50, 50), (-40, 30)]):
        logits[np.flatnonzero((places == (a, b)).all(axis=-1))[0]] = -0.5 * number
    found = modes(logits)
    assert len(found) == 3  # the first two are one color
    np.testing.assert_allclose([share for *_, share in found], sorted((share for *_, share in found), reverse=True))
    assert [(round(a), round(b)) for a, b, _ in found[1:]] == [(50, 50), (-40, 30)]
    assert 0 < found[0][0] < 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A picture's folder, read and denoised in both ways, and what the page says of it."""
    place = tmp_path_factory.mktemp("picture")
    noisy = data.astronaut()[:128, 120:280] + np.random.default_rng(0).normal(0, 15, (128, 160, 3))
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "PNG")
    (place / "original").write_bytes(file.getvalue())
    info = read(nothing, str(place), "noisy.png", 10**6, "")
    for kind in ("gray", "color"):
        denoise(nothing, str(place), "noisy.png", kind)
    return place, info, np.asarray(Image.open(file))


HINTS = {
    "format": "colorjax hints",
    "version": 1,
    "width": 160,
    "height": 128,
    "strokes": [{"color": "#b5653a", "width": 9, "points": [[12.5, 30], [80, 31.5]]}],
    "points": [{"color": "#3a64b5", "size": 9, "x": 120, "y": 90}],
}


@pytest.mark.parametrize(
    ("recipe", "within"),
    [
        (Recipe("denoise"), 0.1),
        (Recipe("denoise", strength=0.3), 0.1),
        (Recipe("colorize", vividness=0.8), 0.5),
        (Recipe("restore", strength=0.6), 0.5),
        (Recipe("colorize", hints=HINTS), 1),
        (Recipe("colorize", method="scribble", hints=HINTS), 1),
    ],
    ids=lambda value: "" if isinstance(value, float | int) else f"{value.task}-{value.method}",
)
def test_view_is_nearly_the_finished_file(folder, recipe, within):
    place, info, pixels = folder
    kind = {"denoise": "color", "restore": "gray"}.get(recipe.task, "")
    shown = tile(nothing, str(place), 128, 160, 0, 0, 0, recipe, revision=hash(repr(recipe)), denoised=kind)
    shown = np.asarray(Image.open(io.BytesIO(shown)).convert("RGB"), float)
    finished = np.broadcast_to(restored(pixels, place, recipe, kind), pixels.shape).astype(float)
    assert np.abs(shown - finished).mean() < within
    assert np.abs(shown - pixels).mean() > 2 * np.abs(shown - finished).mean()
    assert info["bits"] == 8


def test_view_before_the_picture_is_denoised_has_its_colors(folder):
    place, _, pixels = folder
    recipe = Recipe("restore")
    early = tile(nothing, str(place), 128, 160, 0, 0, 0, recipe, revision=-1)
    colored = restored(pixels, place, Recipe("colorize")).astype(float)
    assert np.abs(np.asarray(Image.open(io.BytesIO(early)), float) - colored).mean() < 3


@pytest.mark.parametrize("place", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (-1, 0, 0), (0, -1, 0)])
def test_tile_that_is_not_there_is_refused(folder, place):
    with pytest.raises(UserError, match="no such tile"):
        tile(nothing, str(folder[0]), 128, 160, *place, None)


def test_scribbles_without_hints_stay_gray_and_make_no_file(folder):
    place, _, pixels = folder
    recipe = Recipe("colorize", method="scribble")
    shown = np.asarray(Image.open(io.BytesIO(tile(nothing, str(place), 128, 160, 0, 0, 0, recipe))))
    assert shown.ndim == 2
    with pytest.raises(UserError, match="needs hints"):
        restored(pixels, place, recipe)
