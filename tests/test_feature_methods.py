"""Methods on ImageNet's features: ridge regression and a retrieved reference. Random features stand for ImageNet's."""

import numpy as np
import pytest
import skimage.color
from skimage import data

from colorjax.errors import UserError
from colorjax.methods import FeatureRidge, Observation, RetrievedReference, imagenet_features
from colorjax.methods.imagenet_features import GRID, SIDE, lightness_and_ab, mean_on_grid
from colorjax.models import efficientnet_weights
from colorjax.pictures.images import Photograph

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _random_features():
    """The package with the weights is no part of the tests."""
    weights = efficientnet_weights.random(0, seed=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(efficientnet_weights, "load", lambda number: weights)
        imagenet_features.fingerprint.cache_clear()
        yield
    imagenet_features.fingerprint.cache_clear()


def photograph(name, size=120):
    return Photograph(name, getattr(data, name)()[:size, :size])


@pytest.fixture(scope="module")
def photographs():
    return [photograph(name) for name in ("astronaut", "coffee", "chelsea")]


def gray_of(picture):
    lab = skimage.color.rgb2lab(picture)
    lab[..., 1:] = 0
    return skimage.color.lab2rgb(lab).astype(np.float32)


def test_features_are_those_of_each_square_and_of_the_whole():
    lightness = lightness_and_ab(gray_of(data.coffee()))[..., 0]
    squares, whole = imagenet_features.features(lightness)
    assert squares.shape == (GRID, GRID, 24 + 40 + 80 + 112 + 192 + 320 + 320)
    np.testing.assert_array_equal(squares[3, 5, -320:], whole)
    # The last stage has a 4x4 block of squares for each of its 7x7 positions.
    np.testing.assert_array_equal(squares[0, 0, -640:-320], squares[3, 3, -640:-320])
    np.testing.assert_allclose(squares[::4, ::4, -640:-320].mean(axis=(0, 1)), whole, rtol=1e-3, atol=1e-5)


def test_ridge_is_the_solution_of_its_normal_equations(photographs):
    method = FeatureRidge(penalty=0.01).fit(photographs)
    inputs, targets = [], []
    for one in photographs:
        lab = lightness_and_ab(one.picture.astype(np.float32) / np.float32(255))
        squares, _ = imagenet_features.features(lab[..., 0])
        inputs.append(np.append(squares.reshape(GRID * GRID, -1), np.ones((GRID * GRID, 1)), axis=1))
        targets.append(mean_on_grid(lab[..., 1:]).reshape(-1, 2))
    inputs, targets = np.concatenate(inputs).astype(np.float64), np.concatenate(targets).astype(np.float64)
    penalty = np.full(inputs.shape[1], 0.01 * np.square(inputs).sum() / inputs.shape[1])
    penalty[-1] = 0
    # As a least squares problem with the penalty as further rows, which no normal equations are needed for.
    rows = np.concatenate([inputs, np.diag(np.sqrt(penalty))])
    expected, *_ = np.linalg.lstsq(rows, np.concatenate([targets, np.zeros((len(penalty), 2))]), rcond=None)
    found = inputs @ method._coefficients
    np.testing.assert_allclose(found, inputs @ expected, atol=0.3)


def test_ridge_colors_what_it_has_seen(photographs):
    method = FeatureRidge(penalty=1e-4).fit(photographs)
    truth = photographs[0].picture.astype(np.float32) / np.float32(255)
    gray = gray_of(truth)
    colored = method.restore(Observation(gray)).image
    assert np.square(colored - truth).mean() < 0.5 * np.square(gray - truth).mean()
    np.testing.assert_allclose(skimage.color.rgb2lab(colored)[..., 0], skimage.color.rgb2lab(gray)[..., 0], atol=0.5)


def test_retrieved_reference_is_the_photograph_itself_where_it_was_seen(photographs):
    method = RetrievedReference().fit(photographs)
    for number, one in enumerate(photographs):
        lab = lightness_and_ab(gray_of(one.picture.astype(np.float32) / np.float32(255)))
        assert method._nearest(imagenet_features.features(lab[..., 0])[1]) == number
    truth = photographs[1].picture.astype(np.float32) / np.float32(255)
    gray = gray_of(truth)
    colored = method.restore(Observation(gray)).image
    assert np.square(colored - truth).mean() < np.square(gray - truth).mean()


def test_retrieved_colors_follow_the_rank_of_lightness():
    """A reference whose color is its lightness: a ramp of it in any other range gets the same colors."""
    ramp = np.repeat(np.linspace(0.2, 0.8, 64, dtype=np.float32)[np.newaxis, :, np.newaxis], 64, axis=0)
    reference = np.concatenate([ramp, ramp * 0.5, ramp * 0.5], axis=-1)
    method = RetrievedReference().fit([Photograph("ramp", np.rint(reference * 255).astype(np.uint8))] * 2)
    gray = np.repeat(0.3 + 0.5 * (ramp - 0.2), 3, axis=-1)
    ab = skimage.color.rgb2lab(method.restore(Observation(gray)).image)[..., 1:]
    expected = skimage.color.rgb2lab(reference)[..., 1:]
    np.testing.assert_allclose(ab[:, 4:-4], expected[:, 4:-4], atol=2.5)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: FeatureRidge(penalty=0), "method.penalty=0: must be above 0"),
        (lambda: RetrievedReference(levels=1), "method.levels=1: must be 2 or more"),
        (lambda: FeatureRidge().fit([]), "learns from training photographs, and there are none"),
        (lambda: RetrievedReference().fit([]), "needs training photographs, and there are none"),
    ],
)
def test_impossible_settings_are_one_line(make, line):
    with pytest.raises(UserError, match=line):
        make()


def test_image_that_is_stretched_has_the_side_of_the_network():
    assert lightness_and_ab(np.zeros((3, 50, 3), np.float32)).shape == (SIDE, SIDE, 3)
