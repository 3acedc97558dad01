"""LEARCH: chroma and back, filters, the objective's identity, its solution, the histogram, and the method."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import skimage
from skimage import data

from colorjax.color.gray import gray_copy
from colorjax.color.spaces import rgb2lab
from colorjax.errors import UserError
from colorjax.methods import Learch, Observation, perceptron
from colorjax.methods.learch import chroma, filters, histogram, objective
from colorjax.methods.learch.features import features
from colorjax.pictures.images import Photograph
from colorjax.tasks import Colorize


def smooth(*shape, seed=0, size=0.5):
    """Smooth maps [n, H, W, 2]."""
    noise = np.random.default_rng(seed).normal(size=shape)
    maps = scipy.ndimage.gaussian_filter(noise, (0, 3, 3, 0))
    return (size * maps / maps.std()).astype(np.float32)


@pytest.fixture(scope="module")
def learned():
    """Kernels of all filters, the projection and the projected kernels, of made-up chroma."""
    maps = smooth(3, 24, 24, 2)
    kernels = filters.kernels(filters.patch_components(maps, 300))
    responses = np.asarray(filters.responses(jnp.asarray(maps), jnp.asarray(kernels))).reshape(-1, filters.COUNT)
    rows = objective.projection(responses)
    return kernels, rows, objective.projected_kernels(kernels, rows)


# Chroma


def test_chroma_and_grey_give_the_colors_back():
    colors = np.random.default_rng(0).uniform(size=(50, 3)).astype(np.float32)
    found = chroma.chroma_of(jnp.asarray(colors))
    np.testing.assert_allclose(chroma.colors_of(found, colors.mean(axis=-1)), colors, atol=1e-5)
    np.testing.assert_allclose(found[:, 0], (colors[:, 0] - colors[:, 1]) / (colors.mean(axis=-1) + 1e-4), rtol=1e-4)


def test_gray_has_no_chroma_in_black_too():
    gray = jnp.broadcast_to(jnp.linspace(0.0, 1.0, 5)[:, None], (5, 3))
    np.testing.assert_allclose(chroma.chroma_of(gray), 0, atol=1e-6)
    np.testing.assert_allclose(chroma.colors_of(jnp.zeros((5, 2)), gray[:, 0]), gray, atol=1e-6)


def test_chroma_and_the_gray_copy_give_the_hue_of_the_color_back():
    """Though the gray copy is lighter than the mean of the channels in yellow and darker in blue."""
    picture = data.astronaut()[::8, ::8].astype(np.float32) / np.float32(255)
    gray = gray_copy(picture)[..., 0]
    found = chroma.colors_of_gray_copy(chroma.chroma_of(jnp.asarray(picture)), gray)
    truth, restored = (skimage.color.rgb2lab(image) for image in (picture, np.clip(found, 0, 1)))
    error, gray_error = (np.mean(np.square(ab - truth[..., 1:])) for ab in (restored[..., 1:], 0.0))
    assert error < 0.01 * gray_error
    np.testing.assert_allclose(gray_copy(found)[..., 0], gray, atol=0.03)


# Filters


def test_filters_are_56_and_the_first_two_are_the_channels(learned):
    kernels, _, _ = learned
    assert kernels.shape == (15, 15, 2, 56)
    maps = smooth(1, 20, 22, 2, seed=1)
    found = filters.responses(jnp.asarray(maps), jnp.asarray(kernels))
    np.testing.assert_allclose(found[..., :2], maps, atol=1e-5)
    # No filter mixes the channels, and both have the same fixed ones.
    per_channel = np.abs(kernels).sum(axis=(0, 1)) > 0
    assert per_channel.sum(axis=0).tolist() == [1] * 56
    np.testing.assert_array_equal(kernels[:, :, 0, 2 + 12 : 2 + 27], kernels[:, :, 1, 2 + 27 + 12 :])


def test_responses_are_scipys_correlations(learned):
    kernels, _, _ = learned
    maps = smooth(1, 20, 22, 2, seed=1)
    found = np.asarray(filters.responses(jnp.asarray(maps), jnp.asarray(kernels)))[0]
    for number in (5, 20, 27, 40, 55):
        channel = int(np.abs(kernels[:, :, 1, number]).sum() > 0)
        expected = scipy.ndimage.correlate(maps[0, ..., channel], kernels[:, :, channel, number], mode="mirror")
        np.testing.assert_allclose(found[..., number], expected, atol=1e-4)


def test_components_of_patches_are_orthonormal_and_lead():
    maps = smooth(2, 24, 24, 2)
    found = filters.patch_components(maps, 500)
    for channel in range(2):
        for place in (slice(0, 6), slice(6, 12)):
            rows = found[channel, place].reshape(6, -1)
            np.testing.assert_allclose(rows @ rows.T, np.eye(6), atol=1e-5)
    assert found[0, 0].sum() > 2  # of smooth maps the first is a mean: 25 equal values of 1/5 have the sum 5


def test_filter_bank_has_48_filters_and_sees_no_evenness():
    found = filters.leung_malik(jnp.full((1, 16, 16), 0.7))
    assert found.shape == (1, 16, 16, 48)
    np.testing.assert_allclose(found[..., :44], 0, atol=1e-5)
    np.testing.assert_allclose(found[..., 44:], 0.7, atol=1e-5)


# The objective


def test_objective_of_the_paper_is_least_squares():
    g, b = np.random.default_rng(0).normal(size=(2, 4, 5, 12)).astype(np.float32)
    w = 0.25
    paper = np.sum((1 + w) / 2 * g**2 - g * b + (b - w * g) ** 2 / (2 * (1 - w)), dtype=np.float64)
    assert float(objective.objective(jnp.asarray(g), jnp.asarray(b))) == pytest.approx(paper, rel=1e-5)
    assert float(objective.least_squares(jnp.asarray(g), jnp.asarray(b))) == pytest.approx(paper, rel=1e-5)


def test_projection_has_orthonormal_rows_and_keeps_the_chroma(learned):
    _, rows, _ = learned
    np.testing.assert_allclose(rows @ rows.T, np.eye(12), atol=1e-5)
    np.testing.assert_array_equal(rows[:2, :2], np.eye(2))
    assert not rows[:2, 2:].any()


def test_solution_is_that_of_the_dense_system(learned):
    _, _, kernels = learned
    shape = (9, 8, 2)
    spectra = filters.spectra(jnp.asarray(kernels), *shape[:2])
    unit = jnp.eye(int(np.prod(shape))).reshape(-1, *shape)
    matrix = np.asarray(filters.apply(unit, spectra), np.float64).reshape(len(unit), -1).T  # [g, x]
    b = np.random.default_rng(0).normal(size=(9, 8, 12)).astype(np.float32)
    expected = np.linalg.solve(matrix.T @ matrix + 1e-5 * np.eye(len(unit)), matrix.T @ b.ravel())
    np.testing.assert_allclose(np.ravel(objective.solve(b, kernels)), expected, atol=2e-3)


def test_transpose_is_that_of_the_filters(learned):
    _, _, kernels = learned
    forward = lambda x: objective.filtered(x, filters.spectra(jnp.asarray(kernels), 10, 12))  # noqa: E731
    x, y = smooth(1, 10, 12, 2)[0], np.random.default_rng(1).normal(size=(10, 12, 12)).astype(np.float32)
    (back,) = jax.linear_transpose(forward, jnp.asarray(x))(jnp.asarray(y))
    assert np.vdot(forward(x), y) == pytest.approx(float(np.vdot(x, back)), rel=1e-3)


def test_b_of_a_map_gives_that_map(learned):
    _, _, kernels = learned
    x = smooth(1, 24, 24, 2, seed=3)[0]
    b = objective.filtered(jnp.asarray(x), filters.spectra(jnp.asarray(kernels), 24, 24))
    np.testing.assert_allclose(objective.solve(b, kernels), x, atol=0.03)
    np.testing.assert_allclose(objective.solve(jnp.zeros_like(b), kernels), 0, atol=1e-6)


# The histogram


def test_distance_of_far_components_is_the_formula():
    """Two far groups of colors: the shares are 0 and 1, so the map's means and weights are those of the groups."""
    means = np.array([[-2, -2], [2, 2], [0, 3], [0, -3], [3, -3], [-3, 3]], np.float32)
    weights = np.array([0.5, 0.46, 0.01, 0.01, 0.01, 0.01], np.float32)
    maps = np.where(np.arange(16)[:, None, None] < 4, np.float32([-1.9, -2]), np.float32([2, 2.1]))
    maps = np.broadcast_to(maps, (16, 2, 2))
    own_weights = np.array([0.25, 0.75, 0, 0, 0, 0]) + 1e-3
    own_means = np.array([[-1.9, -2], [2, 2.1]]) * (np.array([8, 24]) / (np.array([8, 24]) + 1e-3))[:, None]
    moved = np.zeros(6)
    moved[:2] = np.sum((own_means - means[:2]) ** 2, axis=-1) / (8 * 0.15**2)
    moved[2:] = np.sum(means[2:] ** 2, axis=-1) / (8 * 0.15**2)  # of no pixels: their mean is 0
    expected = np.sum(weights * (moved - 0.5 * np.log(own_weights * weights)))
    assert float(histogram.distance(jnp.asarray(maps), means, weights)) == pytest.approx(expected, rel=1e-3)


def test_correction_moves_towards_the_scene_and_never_raises_the_sum(learned):
    _, _, kernels = learned
    maps = smooth(1, 16, 16, 2, size=0.1)[0]
    spectra = filters.spectra(jnp.asarray(kernels), 16, 16)
    b = objective.filtered(jnp.asarray(maps), spectra)
    means, weights = histogram.mixture(maps.reshape(-1, 2) + np.float32(0.4))
    assert weights.sum() == pytest.approx(1, rel=1e-5)
    corrected = histogram.correct(maps, b, kernels, means, weights)

    def total(x):
        return float(histogram.distance(x, means, weights)) + 5 * float(
            objective.least_squares(objective.filtered(x, spectra), b)
        ) / (16 * 16)

    assert total(corrected) < total(jnp.asarray(maps))
    assert np.mean(np.asarray(corrected) - maps) > 0.01  # the scene's colors are 0.4 larger


# The perceptron, and the method


def test_perceptron_learns_a_function_and_is_the_same_again():
    inputs = np.random.default_rng(0).uniform(-1, 1, (800, 2)).astype(np.float32)
    targets = np.stack([np.abs(inputs[:, 0]), inputs[:, 0] * inputs[:, 1]], axis=-1)
    one, other = (perceptron.train(inputs, targets, (32,), 400) for _ in range(2))
    error = np.mean((np.asarray(perceptron.predict(one, inputs)) - targets) ** 2)
    assert error < 0.1 * targets.var()
    for mine, its in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(mine, its)
    assert one.count() == 2 * 32 + 32 + 32 * 2 + 2


@pytest.fixture(scope="module")
def photographs():
    names = ("astronaut", "coffee", "chelsea", "rocket")
    return [Photograph(name, np.ascontiguousarray(getattr(data, name)()[:200:2, :240:2])) for name in names]


@pytest.fixture(scope="module")
def method(photographs):
    return Learch(scenes=2, matches=2, pixels=300, steps=300).fit(photographs)


def gray_of(photograph):
    clean = jnp.asarray(photograph.picture / np.float32(255))
    return np.asarray(Colorize("l1").degrade(jax.random.key(0), clean))


def test_method_colors_what_it_has_seen_better_than_gray(method, photographs):
    for photograph in photographs[:2]:
        gray = gray_of(photograph)
        colored = np.clip(method.restore(Observation(gray)).image, 0, 1)
        truth, ours, none = (
            np.asarray(rgb2lab(image)) for image in (photograph.picture / np.float32(255), colored, gray)
        )
        assert np.abs(ours[..., 0] - none[..., 0]).max() < 0.5  # lightness stays
        assert np.mean((ours - truth)[..., 1:] ** 2) < 0.7 * np.mean((none - truth)[..., 1:] ** 2)


def test_no_photograph_is_among_its_own_matches(photographs, monkeypatch):
    """Not even one whose reduced copy is unlike it, or one of which all others are copies."""
    # Stripes of blue and yellow are lighter than the red and the green, and the reduced copy's mean of them is darker.
    striped = np.empty((128, 128, 3), np.uint8)
    striped[:, :64:2], striped[:, 1:64:2] = (0, 0, 255), (255, 255, 0)
    striped[:64, 64:], striped[64:, 64:] = (230, 100, 100), (0, 160, 0)
    first = photographs[0].picture
    pale = np.uint8((first + first.mean(axis=-1, keepdims=True)) / 2)
    found = []
    monkeypatch.setattr(
        "colorjax.methods.learch.method.features",
        lambda grey, matches: found.append([one.tobytes() for one in matches]) or features(grey, matches),
    )
    for known in ([*photographs, Photograph("striped", striped)], [photographs[0], Photograph("pale", pale)]):
        found.clear()
        method = Learch(scenes=1, matches=9, pixels=50, steps=1).fit(known)
        every = [one.tobytes() for one in method._chroma]
        assert len(set(every)) == len(known)
        numbers = [sorted(every.index(one) for one in matches) for matches in found]
        assert numbers == [[one for one in range(len(every)) if one != own] for own in range(len(every))]


def test_method_needs_photographs_with_colors(photographs):
    with pytest.raises(UserError, match="learns from 2 photographs with colors or more; .* 1 can be references"):
        Learch().fit(photographs[:1])
    with pytest.raises(UserError, match=r"must learn from training photographs \(fit\)"):
        Learch().restore(Observation(gray_of(photographs[0])))
    with pytest.raises(UserError, match=r"method.steps=0: must be 1 or more"):
        Learch(steps=0)


def test_there_is_a_regression_for_each_scene(method):
    assert method.weight_count() == len(method._scenes) * ((88 + 1) * 64 + 65 * 32 + 33 * 12)
