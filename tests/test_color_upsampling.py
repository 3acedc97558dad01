"""Joint bilateral upsampling against the formula written out pixel by pixel, on ramps and edges, and in bands."""

import numpy as np
import pytest
from skimage import data
from skimage.color import rgb2lab

from colorjax.inference.color_upsampling import FLOOR, SIGMA_LIGHTNESS, ColorUpsampling, upsample_colors
from colorjax.inference.resizing import resize


def reduced_and_full(shape, full_shape, seed=0):
    random = np.random.default_rng(seed)
    colors = random.normal(0, 30, (*shape, 2)).astype(np.float32)
    return colors, *(random.uniform(0, 100, size).astype(np.float32) for size in (shape, full_shape))


def by_formula(colors, lightness, full, sigma, floor):
    """Sum over all reduced pixels, in float64, one full pixel at a time."""
    scale = np.array(lightness.shape) / full.shape
    result = np.zeros((*full.shape, 2))
    for p in np.ndindex(full.shape):
        total, weights = 0.0, 0.0
        for q in np.ndindex(lightness.shape):
            distance = np.abs((np.array(p) + 0.5) * scale - 0.5 - q)
            f = np.prod(np.maximum(1 - distance, 0))
            g = np.exp(-((float(full[p]) - float(lightness[q])) ** 2) / (2 * sigma**2)) + floor
            total, weights = total + f * g * colors[q], weights + f * g
        result[p] = total / weights
    return result


@pytest.mark.parametrize(
    ("shape", "full_shape"), [((4, 5), (13, 11)), ((5, 3), (5, 3)), ((1, 1), (3, 2)), ((2, 6), (40, 6))]
)
@pytest.mark.parametrize(("sigma", "floor"), [(SIGMA_LIGHTNESS, FLOOR), (30.0, 1e-4)])
def test_upsampling_is_the_formula(shape, full_shape, sigma, floor):
    pictures = reduced_and_full(shape, full_shape)
    ours = upsample_colors(*pictures, sigma_lightness=sigma, floor=floor)
    np.testing.assert_allclose(ours, by_formula(*pictures, sigma, floor), atol=2e-3)


@pytest.mark.parametrize(("height", "width"), [(50, 33), (8, 5), (29, 5)])
def test_color_upsampling_keeps_a_ramp_in_its_place(height, width):
    """In flat lightness a ramp comes back as the ramp at full size, up to half a reduced pixel from the edges."""
    flat = np.full((8, 5), 50, np.float32)
    y, x = ((np.arange(n) + 0.5) / n for n in (8, 5))
    colors = np.stack(np.meshgrid(100 * y, 100 * x, indexing="ij"), axis=-1).astype(np.float32)
    ours = upsample_colors(colors, flat, np.full((height, width), 50, np.float32))
    y, x = (np.clip((np.arange(n) + 0.5) / n, 0.5 / m, 1 - 0.5 / m) for n, m in ((height, 8), (width, 5)))
    np.testing.assert_allclose(ours, np.stack(np.meshgrid(100 * y, 100 * x, indexing="ij"), axis=-1), atol=1e-3)


def test_colors_stop_at_the_pictures_own_edge():
    """The edge lies where no reduced pixel ends; bilinear interpolation smears the color over 20 pixels."""
    full = np.where(np.arange(80) < 37, 20, 80).astype(np.float32) * np.ones((80, 1), np.float32)
    lightness = resize(full, 8, 8)
    colors = np.stack([lightness - 50, 50 - lightness], axis=-1)
    ours = upsample_colors(colors, lightness, full)
    truth = np.stack([full - 50, 50 - full], axis=-1)
    assert np.abs(ours - truth).mean() < 0.3 * np.abs(resize(colors, 80, 80) - truth).mean()


@pytest.mark.parametrize("full_shape", [(300, 70), (70, 1500)])
def test_rows_are_the_same_however_they_are_put_together(full_shape):
    colors, lightness, full = reduced_and_full((17, 23), full_shape)
    whole = upsample_colors(colors, lightness, full)
    upsampling = ColorUpsampling(colors, lightness, *full.shape)
    for cuts in ([1, 30, 31], [20, 64]):
        bands = [upsampling.rows(top, full[top:stop]) for top, stop in zip([0, *cuts], [*cuts, len(full)], strict=True)]
        np.testing.assert_allclose(np.concatenate(bands), whole, rtol=0, atol=1e-5)


def test_color_upsampling_of_a_smaller_picture_gives_the_colors_of_the_places():
    colors, lightness, _ = reduced_and_full((40, 64), (1, 1))
    ours = upsample_colors(colors, lightness, resize(lightness, 10, 64))
    # g is a weight among columns alone then, and each column's own one lies exactly below it
    np.testing.assert_allclose(ours, resize(colors, 10, 64), atol=1e-3)


def test_colors_may_be_coarser_than_the_lightness_that_the_network_saw():
    colors, lightness, full = reduced_and_full((4, 6), (20, 19))
    finer = reduced_and_full((8, 12), (1, 1))[1]
    expected = upsample_colors(colors, resize(finer, 4, 6), full)
    np.testing.assert_array_equal(upsample_colors(colors, finer, full), expected)


def test_color_upsampling_of_a_photographs_own_colors_beats_interpolation():
    lab = rgb2lab(data.astronaut()[:256, :256]).astype(np.float32)
    colors, lightness = resize(lab[..., 1:], 48, 48), resize(lab[..., 0], 48, 48)
    errors = [
        np.mean(np.square(found - lab[..., 1:]))
        for found in (upsample_colors(colors, lightness, lab[..., 0]), resize(colors, 256, 256))
    ]
    assert errors[0] < 0.9 * errors[1]


def test_pictures_that_do_not_belong_together_are_refused():
    colors, lightness, full = reduced_and_full((4, 5), (8, 10))
    with pytest.raises(ValueError, match=r"colors are \[h, w, 2\], not \[4, 5, 1\]"):
        ColorUpsampling(colors[..., :1], lightness, 8, 10)
    with pytest.raises(ValueError, match="rows of 9 pixels for a picture of 10"):
        ColorUpsampling(colors, lightness, 8, 10).rows(0, full[:, :9])
