"""Colors as distributions over bins of ab: against NumPy's own formulas, and the task that learns them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color

from colorjax.color import ab_bins
from colorjax.errors import UserError
from colorjax.tasks.colorize_bins import ColorizeBins, cross_entropy, mean_of_squares, rarity_weighted_cross_entropy

TASK = ColorizeBins("rarity_weighted_cross_entropy")


def colors(count=200, seed=0):
    """Lab a and b of random sRGB colors, by scikit-image."""
    rgb = np.random.default_rng(seed).random((count, 1, 3))
    return skimage.color.rgb2lab(rgb)[:, 0, 1:].astype(np.float32)


def test_bins_are_those_that_some_srgb_color_falls_into():
    axis = np.arange(0, 256, 3) / 255
    cube = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(1, -1, 3)
    rounded = np.rint(skimage.color.rgb2lab(cube)[0, :, 1:] / 10).astype(int) * 10
    found = {tuple(color) for color in rounded}
    listed = {tuple(color) for color in ab_bins.centers().astype(int)}
    assert len(listed) == ab_bins.count() == 261
    assert found <= listed
    assert len(listed - found) <= 3  # corners that a coarse sweep misses


def test_encoding_is_a_gaussian_of_the_distance():
    ab, centers = colors().astype(np.float64), ab_bins.centers().astype(np.float64)
    weights = np.exp(-((ab[:, None] - centers) ** 2).sum(-1) / (2 * 5.0**2))
    expected = weights / weights.sum(-1, keepdims=True)
    np.testing.assert_allclose(jax.nn.softmax(ab_bins.encode(jnp.asarray(colors())), axis=-1), expected, atol=2e-5)


def test_encoding_mean_is_its_color_and_a_low_temperature_its_bin():
    ab = colors()
    inside = np.linalg.norm(ab, axis=-1) < 40  # at the gamut's border neighbors are missing
    logits = ab_bins.encode(jnp.asarray(ab))
    np.testing.assert_allclose(ab_bins.annealed_mean(logits, 1.0)[inside], ab[inside], atol=0.6)
    nearest = ab_bins.centers()[np.argmin(((ab[:, None] - ab_bins.centers()) ** 2).sum(-1), axis=-1)]
    near = np.abs(ab - nearest).max(axis=-1) < 4  # not between two bins
    np.testing.assert_allclose(ab_bins.annealed_mean(logits, 0.02)[near], nearest[near], atol=0.5)


def test_rarer_bins_weigh_more_and_the_mean_weight_is_one():
    weights, shares = ab_bins.rarity_weights(), ab_bins.table()[:, 2]
    assert weights.argmin() == shares.argmax()
    assert weights[np.flatnonzero((ab_bins.centers() == [90, -50]).all(-1))] > 5 * weights.min()
    assert shares @ weights == pytest.approx(1, abs=0.15)  # exactly so for the smoothed shares
    assert shares.sum() == pytest.approx(1, abs=1e-4)


def test_losses_are_numpys_cross_entropy():
    random = np.random.default_rng(1)
    logits = random.normal(size=(2, 5, 4, ab_bins.count())).astype(np.float32)
    ab = colors(40).reshape(2, 5, 4, 2)
    truth = np.exp(-((ab[..., None, :].astype(np.float64) - ab_bins.centers()) ** 2).sum(-1) / 50)
    truth /= truth.sum(-1, keepdims=True)
    log = logits - np.log(np.exp(logits.astype(np.float64)).sum(-1, keepdims=True))
    of_pixels = -(truth * log).sum(-1)
    np.testing.assert_allclose(cross_entropy(logits, jnp.asarray(ab)), of_pixels.mean(axis=(1, 2)), rtol=1e-4)
    weighted = of_pixels * ab_bins.rarity_weights()[truth.argmax(-1)]
    np.testing.assert_allclose(
        rarity_weighted_cross_entropy(logits, jnp.asarray(ab)), weighted.mean(axis=(1, 2)), rtol=1e-4
    )


def test_outputs_for_squares_are_compared_with_the_squares_mean():
    values = np.random.default_rng(2).random((1, 4, 6, 2)).astype(np.float32)
    expected = values.reshape(1, 2, 2, 3, 2, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(mean_of_squares(jnp.asarray(values), 2, 3), expected, rtol=1e-6)
    with pytest.raises(UserError, match="4x6 pixels can't be divided into the network's 3x3 outputs"):
        mean_of_squares(jnp.asarray(values), 3, 3)


def test_loss_is_least_for_the_true_colors():
    ab = jnp.asarray(colors(16).reshape(1, 4, 4, 2))
    wrong = jnp.asarray(colors(16, seed=5).reshape(1, 4, 4, 2))
    assert TASK.loss(ab, ab) < TASK.loss(wrong, ab)
    assert TASK.loss(ab_bins.encode(ab), ab) == pytest.approx(float(TASK.loss(ab, ab)[0]), rel=1e-5)


def test_true_colors_give_the_picture_back():
    clean = jnp.asarray(np.random.default_rng(3).random((8, 8, 3), np.float32))
    example = TASK.example(jax.random.key(0), clean)
    assert example.targets.shape == (8, 8, 2)
    np.testing.assert_allclose(TASK.picture(example.targets, example.inputs), clean, atol=2e-3)
