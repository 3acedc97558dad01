"""Every gray level in every color: the gray copy, in float64 and as the task takes it, is the gray again."""

import numpy as np
import pytest
from skimage.color import lab2rgb, rgb2lab, rgb2xyz

from colorjax.color.gray import color_gray, gray_copy, gray_levels, lightness_of_levels

HUES = np.radians(np.arange(0, 360, 3))
LEVELS = {
    np.uint8: np.arange(256, dtype=np.uint8),
    np.uint16: np.unique(np.concatenate([np.arange(0, 3000, 41), np.linspace(0, 65535, 150)])).astype(np.uint16),
}
DEPTHS = pytest.mark.parametrize("depth", LEVELS)


def sweep(depth, chroma):
    """Return levels [n, 120] and ab [n, 120, 2]: every level, in all hues."""
    levels = np.repeat(LEVELS[depth][:, np.newaxis], len(HUES), axis=1)
    ab = chroma * np.stack([np.cos(HUES), np.sin(HUES)], axis=-1)
    return levels, np.broadcast_to(ab, (*levels.shape, 2)).astype(np.float32)


def gray_in_float64(pixels):
    """Return gray levels, not rounded, from scikit-image's Y and the definition of sRGB."""
    top = np.iinfo(pixels.dtype).max
    luminance = rgb2xyz(pixels / float(top))[..., 1]
    return top * np.where(luminance > 0.0031308, 1.055 * luminance ** (1 / 2.4) - 0.055, 12.92 * luminance)


@DEPTHS
@pytest.mark.parametrize("chroma", [2, 25, 70, 1000])
def test_gray_copy_of_the_colored_picture_is_the_gray_picture(depth, chroma):
    levels, ab = sweep(depth, chroma)
    colored = color_gray(levels, ab)
    assert colored.dtype == depth
    np.testing.assert_array_equal(np.rint(gray_in_float64(colored)), levels)
    np.testing.assert_array_equal(gray_levels(colored), levels)
    top = np.float32(np.iinfo(depth).max)
    copy = np.asarray(gray_copy(colored.astype(np.float32) / top)) * top
    np.testing.assert_array_equal(np.rint(copy), np.repeat(levels[..., np.newaxis], 3, axis=-1))


@DEPTHS
def test_gray_triple_within_one_level_is_hardly_nearer(depth):
    """Colors inside the gamut: all 27 triples around the true one, in float64."""
    levels, ab = sweep(depth, 12)
    lab = np.concatenate([lightness_of_levels(levels)[..., np.newaxis], ab], axis=-1)
    inside = (lab[..., 0] > 30) & (lab[..., 0] < 85)
    top = np.iinfo(depth).max
    wanted = lab2rgb(lab[inside].astype(np.float64)) * top
    ours = np.linalg.norm(color_gray(levels, ab)[inside] - wanted, axis=-1)
    nearest = np.full(len(wanted), np.inf)
    for step in np.ndindex(3, 3, 3):
        triple = np.rint(wanted) + step - 1
        right = np.abs(gray_in_float64(triple.astype(depth)) - levels[inside]) < 0.5
        nearest = np.where(right, np.minimum(nearest, np.linalg.norm(triple - wanted, axis=-1)), nearest)
    assert np.all(ours < np.sqrt(3) + 0.2)
    assert np.mean(ours) < 1.05 * np.mean(nearest)


def test_rounding_each_channel_would_lose_the_gray():
    """What the eight triples are for."""
    levels, ab = sweep(np.uint8, 40)
    lab = np.concatenate([lightness_of_levels(levels)[..., np.newaxis], ab], axis=-1)[60:200]
    rounded = np.rint(lab2rgb(lab.astype(np.float64)) * 255).astype(np.uint8)
    assert np.mean(np.rint(gray_in_float64(rounded)) != levels[60:200]) > 0.01


@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")
@DEPTHS
def test_hue_stays_and_chroma_shrinks_only(depth):
    levels, ab = sweep(depth, 90)
    top = np.iinfo(depth).max
    found = rgb2lab(color_gray(levels, ab) / float(top))[..., 1:]
    found = found[levels > top // 10]
    wanted = ab[levels > top // 10]
    across = (wanted[:, 0] * found[:, 1] - wanted[:, 1] * found[:, 0]) / 90
    # a step of a channel is a unit of ab at most, at 8 bits
    assert np.abs(across).max() < (1.5 if depth == np.uint8 else 0.05)
    assert np.linalg.norm(found, axis=-1).max() < (91.5 if depth == np.uint8 else 90.05)


@DEPTHS
def test_lightness_is_that_of_scikit_image(depth):
    levels = LEVELS[depth]
    grays = np.repeat(levels[:, np.newaxis], 3, axis=1) / float(np.iinfo(depth).max)
    np.testing.assert_allclose(lightness_of_levels(levels), rgb2lab(grays)[:, 0], atol=1e-3)


@DEPTHS
def test_gray_levels_of_gray_pictures_are_their_pixels(depth):
    pixels = LEVELS[depth][:, np.newaxis, np.newaxis]
    np.testing.assert_array_equal(gray_levels(pixels), pixels[..., 0])
    np.testing.assert_array_equal(gray_levels(np.repeat(pixels, 3, axis=-1)), pixels[..., 0])


def test_pixels_of_other_kinds_are_refused():
    with pytest.raises(ValueError, match="uint8 or uint16, not float32"):
        gray_levels(np.zeros((2, 2, 3), np.float32))
