"""Colors corrected by hints: Gaussian process regression against SciPy's distances and a plain inverse."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from colorjax.methods import hint_correction
from colorjax.methods.hint_correction import COLOR, LIGHTNESS, NOISE, PLACE, corrected, hints_on_grid

HEIGHT, WIDTH = 12, 16


def scene():
    """A lightness of two halves, colors, and hints on three places."""
    random = np.random.default_rng(0)
    lightness = np.where(np.arange(WIDTH) < WIDTH // 2, 20, 80) * np.ones((HEIGHT, 1)) + random.normal(size=(HEIGHT, 1))
    colors = random.normal(size=(HEIGHT, WIDTH, 2)).astype(np.float32) * 5
    hints = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for y, x, a, b in ((3, 2, 40, 30), (4, 3, 42, 28), (9, 14, -30, 10)):
        hints[y, x] = (a, b, 1)
    return lightness.astype(np.float32), colors, hints


def test_correction_is_the_mean_of_a_gaussian_process():
    lightness, colors, hints = scene()
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    columns = [y / HEIGHT / PLACE, x / WIDTH / PLACE, lightness / LIGHTNESS, *np.moveaxis(colors / COLOR, -1, 0)]
    features = np.stack([column.ravel() for column in columns], axis=-1)
    at = np.flatnonzero(hints[..., 2])
    inverse = np.linalg.inv(np.exp(-cdist(features[at], features[at])) + NOISE * np.eye(len(at)))
    errors = (hints[..., :2] - colors).reshape(-1, 2)[at]
    expected = colors.reshape(-1, 2) + np.exp(-cdist(features, features[at])) @ inverse @ errors
    np.testing.assert_allclose(corrected(colors, lightness, hints).reshape(-1, 2), expected, atol=1e-3)


def test_hints_are_nearly_kept_and_count_less_where_the_picture_differs():
    lightness, colors, hints = scene()
    result = corrected(colors, lightness, hints)
    there = hints[..., 2] > 0
    assert np.abs(result - hints[..., :2])[there].max() < 6
    change = np.linalg.norm(result - colors, axis=-1)
    assert change[3, 6] > 1.5 * change[3, 9]  # as far from the first hint, but on the other side of the edge


def test_without_hints_or_with_hints_that_agree_nothing_changes():
    lightness, colors, hints = scene()
    np.testing.assert_array_equal(corrected(colors, lightness, 0 * hints), colors)
    there = hints[..., 2:] > 0
    agreeing = np.where(there, np.concatenate([colors, np.ones_like(colors[..., :1])], -1), 0)
    np.testing.assert_allclose(corrected(colors, lightness, agreeing), colors, atol=1e-4)


def test_paint_on_everything_is_thinned_out(monkeypatch):
    monkeypatch.setattr(hint_correction, "MOST_HINTS", 50)
    lightness, colors, _ = scene()
    hints = np.concatenate([np.full_like(colors, 25), np.ones_like(colors[..., :1])], axis=-1)
    result = corrected(colors, lightness, hints)
    assert np.abs(result - 25).mean() < 0.2 * np.abs(colors - 25).mean()


@pytest.mark.parametrize("side", [1, 2, 4])
def test_hints_on_a_coarser_grid_are_means_of_hints(side):
    hints = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    hints[:2, :2] = (10, 20, 1)
    hints[0, 3] = (30, 0, 1)
    grid = hints_on_grid(hints, HEIGHT // side, WIDTH // side)
    np.testing.assert_allclose(grid[0, 0], (10, 20, 1) if side < 4 else (14, 16, 1), rtol=1e-6)
    assert grid[..., 2].sum() == {1: 5, 2: 2, 4: 1}[side]
    assert not grid[1:, 2:].any()
