"""Coloring by another photograph of the scene: the Retinex, registration, and colors in another light."""

import cv2
import numpy as np
import pytest
from skimage import data

from colorjax.color.spaces import linear_to_srgb, rgb2lab, srgb_to_linear
from colorjax.errors import UserError
from colorjax.methods.by_example.registration import laid_over, register
from colorjax.methods.by_example.retinex import DARKEST, split
from colorjax.methods.by_example.same_scene import SameScene
from colorjax.runtime.pixelwise import map_pixels

DOWN, RIGHT = 9, 14  # pixels by which the target is shifted against the reference
HEIGHT, WIDTH = 200, 230


@pytest.fixture(scope="module")
def linear():
    picture = cv2.resize(data.chelsea(), (256, 220), interpolation=cv2.INTER_AREA)
    return map_pixels(srgb_to_linear, picture / np.float32(255))


@pytest.fixture(scope="module")
def relit(linear):
    """The scene in the light of a lamp from the left."""
    y, x = np.mgrid[:220, :256].astype(np.float32)
    field = np.exp(-1.2 * x / 256 + 0.4 * np.sin(3 * y / 220))
    return linear * (field / field.max())[..., np.newaxis]


def lab_of(linear):
    return map_pixels(rgb2lab, map_pixels(linear_to_srgb, linear))


@pytest.fixture(scope="module")
def target(relit):
    return lab_of(relit)[DOWN : DOWN + HEIGHT, RIGHT : RIGHT + WIDTH]


@pytest.fixture(scope="module")
def reference(linear):
    return lab_of(linear)[:HEIGHT, :WIDTH]


def test_the_product_of_reflectance_and_illumination_is_the_light():
    light = np.random.default_rng(0).uniform(DARKEST, 1, (40, 50)).astype(np.float32)
    found = split(light)
    np.testing.assert_allclose(np.exp(found.reflectance) * np.exp(found.illumination), light, rtol=1e-5)


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_reflectance_does_not_change_with_the_strength_of_the_light(factor):
    light = np.random.default_rng(0).uniform(0.1, 1, (40, 50)).astype(np.float32)
    darker = split(np.float32(factor) * light)
    np.testing.assert_allclose(darker.reflectance, split(light).reflectance, atol=1e-5)
    np.testing.assert_allclose(darker.illumination, split(light).illumination + np.log(factor), atol=1e-5)


def test_a_smooth_field_of_light_hardly_changes_reflectance(linear, relit):
    same, other = split(linear[..., 1]).reflectance, split(relit[..., 1]).reflectance
    assert np.abs(same - other).mean() < 0.15 * np.abs(same).mean()


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3)])
def test_images_of_any_size_can_be_split(shape):
    assert np.isfinite(split(np.zeros(shape, np.float32)).reflectance).all()


def test_a_shift_is_found_and_the_image_laid_over(linear, relit):
    there = split(linear[..., 1]).reflectance[:HEIGHT, :WIDTH]
    here = split(relit[..., 1]).reflectance[DOWN : DOWN + HEIGHT, RIGHT : RIGHT + WIDTH]
    placed = register(here, there)
    corners = np.array([[[0, 0], [WIDTH - RIGHT, HEIGHT - DOWN]]], np.float32)
    moved = cv2.perspectiveTransform(corners, placed.homography)
    np.testing.assert_allclose(moved - corners, np.broadcast_to([RIGHT, DOWN], (1, 2, 2)), atol=0.5)
    over = laid_over(there, placed, here.shape)
    inside = over[: HEIGHT - DOWN - 2, : WIDTH - RIGHT - 2]
    assert np.isfinite(inside).all()
    assert np.isnan(over[-1]).all()
    assert np.isnan(over[:, -1]).all()


def test_colors_are_those_of_the_scene_in_the_targets_own_light(target, reference, linear):
    found = SameScene().transfer(target[..., 0], reference)
    inside = np.s_[: HEIGHT - DOWN - 2, : WIDTH - RIGHT - 2]
    difference = np.linalg.norm(found.ab - target[..., 1:], axis=-1)
    in_other_light = lab_of(linear)[DOWN : DOWN + HEIGHT, RIGHT : RIGHT + WIDTH, 1:]
    copied = np.linalg.norm(in_other_light - target[..., 1:], axis=-1)
    assert difference[inside].mean() < 0.5
    assert difference[inside].mean() < copied[inside].mean() / 5
    assert difference.mean() < 2.5
    assert found.confidence[inside].mean() > 0.9
    assert (found.confidence[-3:] == 0).all()
    assert (found.confidence[:, -3:] == 0).all()


def test_confidence_is_low_where_something_has_moved(target, reference):
    changed = target[..., 0].copy()
    changed[60:120, 60:120] = changed[120:180, 120:180][::-1]
    found = SameScene().transfer(changed, reference)
    assert found.confidence[75:105, 75:105].mean() < 0.5 < found.confidence[140:170, 20:50].mean()


def test_the_same_arguments_give_the_same_colors(target, reference):
    first, second = (SameScene().transfer(target[..., 0], reference) for _ in range(2))
    np.testing.assert_array_equal(first.ab, second.ab)


@pytest.mark.parametrize("other", ["coffee", "plain", "tiny"])
def test_photographs_of_another_scene_are_refused(reference, other):
    lightness = {
        "coffee": lambda: map_pixels(rgb2lab, data.coffee()[:200, :250] / np.float32(255))[..., 0],
        "plain": lambda: np.full((100, 120), 50, np.float32),
        "tiny": lambda: np.full((1, 1), 50, np.float32),
    }[other]()
    with pytest.raises(UserError, match="the reference does not show the same scene: .* points agree"):
        SameScene().transfer(lightness, reference)
