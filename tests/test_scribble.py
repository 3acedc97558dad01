"""Scribbles as a method: where they come from, what they color, and what is wrong input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import color, data

from colorjax.commands.networks import check_settings
from colorjax.config.defaults import run_config
from colorjax.config.tables import method_config
from colorjax.errors import UserError
from colorjax.methods import Observation, build_method
from colorjax.methods.scribble import levin
from colorjax.methods.scribble.hints import (
    Hints,
    draw_hints,
    draw_scribbles,
    draw_squares,
    hints_from_marked,
    means_of_marked,
)
from colorjax.methods.scribble.method import Scribble
from colorjax.methods.scribble.reduced_size import propagate_reduced
from colorjax.restoration import colorize

PHOTOGRAPH = (data.astronaut()[:48:2, 180:228:2] / 255).astype(np.float32)


def gray_copy(picture):
    return np.repeat(color.rgb2yiq(picture)[..., :1], 3, axis=-1).astype(np.float32)


@pytest.mark.parametrize("task", ["denoise", "denoise_gray"])
def test_scribbles_are_refused_where_true_colors_would_give_the_answer_away(task):
    config = run_config()
    config.task.name = task
    config.method = method_config("scribble")
    with pytest.raises(
        UserError,
        match=rf"^config.method: the method 'scribble', which is told true colors, .* '{task}'; it is for colorize, ",
    ):
        check_settings(config)
    config.task.name = "colorize"
    check_settings(config)


def test_marked_pixels_are_those_that_differ():
    gray = np.full((4, 5, 3), 0.5, np.float32)
    marked = gray.copy()
    marked[1, 2] = (0.9, 0.1, 0.1)
    marked[2, 3] += 0.004  # 0.012 in all
    marked[3, 4] += 0.003  # 0.009: below what counts
    hints = hints_from_marked(gray, marked)
    assert list(zip(*np.nonzero(hints.mask), strict=True)) == [(1, 2), (2, 3)]
    np.testing.assert_array_equal(hints.colors, marked)


def test_marked_picture_of_another_size_is_an_error():
    with pytest.raises(UserError, match="4x3"):
        hints_from_marked(np.zeros((3, 4, 3)), np.zeros((4, 4, 3)))


def test_drawn_scribbles_depend_on_seed_count_and_length():
    first = draw_scribbles(PHOTOGRAPH, 3, count=5, length=9)
    np.testing.assert_array_equal(first.mask, draw_scribbles(1 - PHOTOGRAPH, 3, count=5, length=9).mask)
    assert (first.mask != draw_scribbles(PHOTOGRAPH, 4, count=5, length=9).mask).any()
    np.testing.assert_array_equal(first.colors[first.mask], PHOTOGRAPH[first.mask])
    assert 0 < first.mask.sum() <= 5 * 10
    assert draw_scribbles(PHOTOGRAPH, 3, count=50, length=9).mask.sum() > first.mask.sum()


@given(seed=st.integers(0, 2**31 - 1), height=st.integers(1, 6), width=st.integers(1, 6))
def test_scribbles_are_drawn_on_pictures_of_any_size(seed, height, width):
    assert draw_scribbles(np.zeros((height, width, 3)), seed, count=3, length=4).mask.any()


@given(seed=st.integers(0, 10**6))
def test_luminance_stays_and_chroma_keeps_to_the_range_of_the_scribbles(seed):
    method = Scribble(count=3, length=6)
    observed, hints = gray_copy(PHOTOGRAPH), draw_hints(PHOTOGRAPH, seed, method.hint_drawing)
    restored = color.rgb2yiq(method.restore(Observation(observed, hints=hints)).image)
    marks = color.rgb2yiq(PHOTOGRAPH[hints.mask])[:, 1:]
    np.testing.assert_allclose(restored[..., 0], observed[..., 0], atol=2e-6)
    np.testing.assert_allclose(restored[hints.mask][:, 1:], marks, atol=2e-6)
    assert (restored[..., 1:] >= marks.min(0) - 2e-6).all()
    assert (restored[..., 1:] <= marks.max(0) + 2e-6).all()


def test_scribbles_bring_the_picture_nearer_to_the_truth():
    method = build_method({"name": "scribble", "count": 10})
    observed = gray_copy(PHOTOGRAPH)
    restored = method.restore(Observation(observed, hints=draw_hints(PHOTOGRAPH, 0, method.hint_drawing))).image
    assert np.square(restored - PHOTOGRAPH).mean() < 0.5 * np.square(observed - PHOTOGRAPH).mean()


def test_scribble_without_marks_stays_gray():
    observed = gray_copy(PHOTOGRAPH)
    np.testing.assert_array_equal(Scribble().restore(Observation(observed)).image, observed)
    hints = Hints(PHOTOGRAPH, np.zeros(PHOTOGRAPH.shape[:2], bool))
    np.testing.assert_array_equal(Scribble().restore(Observation(observed, hints=hints)).image, observed)


def test_bad_input_is_one_clear_error():
    observed = gray_copy(PHOTOGRAPH)
    with pytest.raises(UserError, match="alike"):
        Scribble().restore(Observation(observed[:-1], hints=draw_scribbles(PHOTOGRAPH, 0, 40, 20)))
    for setting in ({"count": 0}, {"length": 0}):
        with pytest.raises(UserError, match=next(iter(setting))):
            Scribble(**setting)
    observed[0, 0] = np.nan
    with pytest.raises(UserError, match="not finite"):
        Scribble().restore(Observation(observed, hints=Hints(PHOTOGRAPH, np.eye(24, dtype=bool)[::-1])))


def test_squares_have_the_mean_of_what_they_cover_and_more_only_add():
    few, many = (draw_squares(PHOTOGRAPH, 3, count, 5) for count in (1, 40))
    assert few.mask.sum() == 25
    rows, columns = np.nonzero(few.mask)
    np.testing.assert_allclose(few.colors[few.mask], np.tile(PHOTOGRAPH[rows, columns].mean(0), (25, 1)), atol=1e-6)
    assert not (few.mask & ~many.mask).any()
    assert draw_squares(np.zeros((3, 2, 3)), 0, 2, 7).mask.all()


def test_hints_of_a_measurement_are_of_the_shape_that_the_method_says():
    method = build_method({"name": "scribble", "count": 4, "length": 7, "shape": "squares"})
    found = draw_hints(PHOTOGRAPH, 1, method.hint_drawing)
    np.testing.assert_array_equal(found.mask, draw_squares(PHOTOGRAPH, 1, 4, 7).mask)
    with pytest.raises(UserError, match="did you mean 'lines'"):
        build_method({"name": "scribble", "shape": "line"})


def test_large_picture_is_solved_on_a_copy_and_exactly_on_request(monkeypatch):
    picture = (data.astronaut()[20:200, 120:320] / 255).astype(np.float32)
    hints = draw_scribbles(picture, 0, count=40, length=20)
    monkeypatch.setattr("colorjax.methods.scribble.method.MOST_PIXELS", 9000)
    observed = Observation(gray_copy(picture), hints=hints)
    reduced, exact = (color.rgb2yiq(Scribble(exact=exact).restore(observed).image) for exact in (False, True))
    luminance, marks = color.rgb2yiq(gray_copy(picture))[..., 0], color.rgb2yiq(picture)[hints.mask, 1:]
    solution = levin.propagate(luminance, color.rgb2yiq(picture)[..., 1:], hints.mask)
    np.testing.assert_allclose(exact[..., 1:], solution, atol=1e-4)
    for restored in (reduced, exact):
        np.testing.assert_allclose(restored[..., 0], luminance, atol=2e-6)
        np.testing.assert_allclose(restored[hints.mask, 1:], marks, atol=2e-6)
    difference = np.abs(reduced - exact)
    assert 0 < difference.mean() < 0.005


@given(seed=st.integers(0, 10**6), height=st.integers(1, 40), width=st.integers(1, 40), most=st.integers(1, 200))
def test_stroke_of_a_pixel_is_on_every_copy(seed, height, width, most):
    random = np.random.default_rng(seed)
    luminance = random.random((height, width), np.float32)
    mask = np.zeros((height, width), bool)
    mask[random.integers(height), random.integers(width)] = True
    chroma = np.where(mask[..., None], np.float32([0.3, -0.2]), 0)
    x = propagate_reduced(luminance, chroma, mask, most)
    np.testing.assert_allclose(x, np.broadcast_to(np.float32([0.3, -0.2]), x.shape), atol=1e-6)


def test_marks_on_a_copy_are_means_of_what_they_cover():
    values, mask = np.zeros((4, 6, 2), np.float32), np.zeros((4, 6), bool)
    values[0, 0], values[1, 1], values[2, 5] = (1, 2), (3, 6), (-1, 1)
    mask[[0, 1, 2], [0, 1, 5]] = True
    means, covers = means_of_marked(values, mask, 2, 3)
    np.testing.assert_array_equal(covers, [[True, False, False], [False, False, True]])
    np.testing.assert_allclose(means[0, 0], (2, 4))
    np.testing.assert_allclose(means[1, 2], (-1, 1))
    assert not means[~covers].any()


def test_only_scribbles_have_an_exact_solution():
    picture = np.uint8(PHOTOGRAPH * 255)
    with pytest.raises(UserError, match="the method network has no exact solution; leave --exact out"):
        colorize(picture, exact=True)
