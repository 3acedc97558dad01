"""The colorizer of Cheng et al.: YUV, the joint bilateral filter, features, the semantic head, clusters, the method."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from skimage import data
from skimage.color import rgb2yuv

from colorjax.color.spaces import rgb2lab
from colorjax.errors import UserError
from colorjax.methods import Cheng, Observation, imagenet_features, perceptron
from colorjax.methods.cheng import semantics
from colorjax.methods.cheng.features import LENGTH, SIDE, features
from colorjax.methods.cheng.joint_bilateral import joint_bilateral
from colorjax.methods.cheng.method import Cluster, Seen
from colorjax.methods.cheng.yuv import colors_of, uv_of
from colorjax.pictures.images import Photograph
from colorjax.tasks import Colorize

WIDTH = 5  # of made-up features of ImageNet


@pytest.fixture
def _made_up_features(monkeypatch):
    """The published weights are no part of the tests: brightness and its powers stand for their features."""

    def made_up(lightness):
        squares = lightness.reshape(28, 8, 28, 8).mean(axis=(1, 3))[..., None] / 100
        return np.concatenate([squares**power for power in range(1, WIDTH + 1)], axis=-1), None

    monkeypatch.setattr(imagenet_features, "features", made_up)
    monkeypatch.setattr(imagenet_features, "weights", lambda: None)
    monkeypatch.setattr(imagenet_features, "weight_count", lambda: 0)
    monkeypatch.setattr(imagenet_features, "fingerprint", lambda: "made up")


def test_u_and_v_are_scikit_images():
    colors = np.random.default_rng(0).uniform(size=(20, 3)).astype(np.float32)
    uv = uv_of(jnp.asarray(colors))
    expected = rgb2yuv(colors)
    np.testing.assert_allclose(uv, expected[:, 1:], atol=1e-3)
    np.testing.assert_allclose(colors_of(colors @ np.float32([0.299, 0.587, 0.114]), uv), colors, atol=1e-5)
    np.testing.assert_allclose(colors_of(jnp.ones(1) * 0.3, jnp.zeros((1, 2))), 0.3, atol=1e-6)


# The joint bilateral filter


def test_filter_of_an_even_guide_is_a_gaussian():
    values = np.random.default_rng(0).uniform(size=(20, 24, 2)).astype(np.float32)
    expected = scipy.ndimage.gaussian_filter(values, (2, 2, 0), mode="reflect", radius=(4, 4, 0))
    np.testing.assert_allclose(joint_bilateral(values, np.full((20, 24), 0.5), 2.0, 0.1), expected, atol=1e-5)
    guide = np.random.default_rng(1).uniform(size=(20, 24))
    np.testing.assert_allclose(joint_bilateral(values, guide, 2.0, 1e4), expected, atol=1e-5)


def test_filter_keeps_even_values_and_does_not_leak_over_an_edge():
    guide = np.repeat([[0.0, 1.0]], 12, axis=0).repeat(6, axis=1)
    even = joint_bilateral(np.full((12, 12, 2), 0.3), guide, 3.0, 0.1)
    np.testing.assert_allclose(even, 0.3, rtol=1e-6)
    values = guide[..., None] * np.float32([1, -1])
    np.testing.assert_allclose(joint_bilateral(values, guide, 3.0, 0.05), values, atol=1e-6)
    assert np.abs(joint_bilateral(values, np.zeros_like(guide), 3.0, 0.05) - values).max() > 0.3


def test_filter_of_any_guide_is_the_formula_with_mirrored_borders():
    random = np.random.default_rng(0)
    values, guide = random.uniform(size=(9, 7, 2)), random.uniform(size=(9, 7))
    sigma_space, sigma_range, reach = 1.5, 0.3, 3
    squared = np.arange(-reach, reach + 1) ** 2
    near = np.exp(-np.add.outer(squared, squared).ravel() / (2 * sigma_space**2))

    def mean(window, channel):
        places = window.astype(int)  # those of the window's pixels, the middle one's among them
        alike = np.exp(-((guide.flat[places] - guide.flat[places[places.size // 2]]) ** 2) / (2 * sigma_range**2))
        return np.average(values[..., channel].flat[places], weights=near * alike)

    places = np.arange(guide.size, dtype=float).reshape(guide.shape)
    expected = [
        scipy.ndimage.generic_filter(places, mean, size=2 * reach + 1, mode="reflect", extra_arguments=(channel,))
        for channel in range(2)
    ]
    found = joint_bilateral(values, guide, sigma_space, sigma_range)
    np.testing.assert_allclose(found, np.stack(expected, axis=-1), atol=1e-5)


# Features


def test_features_are_the_patch_and_daisy():
    gray = data.camera()[100:212, 100:212].astype(np.float32) / 255
    found = features(gray)
    assert found.shape == (SIDE, SIDE, LENGTH)
    assert LENGTH == 49 + 32
    np.testing.assert_array_equal(found[40, 50, :49], gray[37:44, 47:54].ravel())
    descriptors = found[..., 49:].reshape(SIDE, SIDE, 4, 8)
    assert np.linalg.norm(descriptors[40, 50].ravel()) == pytest.approx(1, abs=1e-4)
    # A change of brightness leaves gradients as they are.
    np.testing.assert_allclose(features(gray * 0.5 + 0.2)[..., 49:], found[..., 49:], atol=1e-3)


@pytest.mark.usefixtures("_made_up_features")
@pytest.mark.parametrize("labels", [(0, 1, 0, 1), (-1, -1, -1, -1)])
def test_semantics_is_a_distribution_that_tells_the_class(labels):
    """Dark photographs are of one class, light ones of another; without labels clusters find that themselves."""
    random = np.random.default_rng(0)
    dark, light = (np.float32(level + random.uniform(-5, 5, (224, 224))) for level in (20, 80))
    head = semantics.train([dark, light, dark, light], labels)
    assert head.are_labels == (labels[0] >= 0)
    both = [
        head.distribution(one, np.full((SIDE, SIDE), level, np.float32)) for one, level in ((dark, 0.2), (light, 0.8))
    ]
    for found in both:
        assert found.shape == (SIDE, SIDE, head.classes)
        np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-4)
    if head.are_labels:
        assert both[0][..., 0].mean() > 0.9
        assert both[1][..., 1].mean() > 0.9
    else:
        assert np.abs(both[0].mean(axis=(0, 1)) - both[1].mean(axis=(0, 1))).max() > 0.05


# The method


@pytest.fixture(scope="module")
def photographs():
    names = ("astronaut", "coffee", "chelsea", "rocket")
    pictures = [np.ascontiguousarray(getattr(data, name)()[:200:2, :240:2]) for name in names]
    return [Photograph(name, picture, i % 2) for i, (name, picture) in enumerate(zip(names, pictures, strict=True))]


def gray_of(photograph):
    clean = jnp.asarray(photograph.picture / np.float32(255))
    return np.asarray(Colorize("l1").degrade(jax.random.key(0), clean))


def ab_of(image):
    return np.asarray(rgb2lab(np.clip(image, 0, 1)))[..., 1:]


@pytest.mark.usefixtures("_made_up_features")
def test_method_colors_what_it_has_seen_better_than_gray(photographs):
    method = Cheng(clusters=1, layers=1, pixels=300, steps=300).fit(photographs)
    for photograph in photographs[:2]:
        colored = method.restore(Observation(gray_of(photograph))).image
        truth = ab_of(photograph.picture / np.float32(255))
        assert np.mean((ab_of(colored) - truth) ** 2) < 0.7 * np.mean(truth**2)
    inputs = 49 + 32 + 2
    network = (inputs + 1) * 64 + 65 * 32 + 33 * 16 + 17 * 2
    assert method.weight_count() == network + (WIDTH + 1) * 2


def test_method_without_semantics_has_a_network_for_each_cluster_and_reads_no_weights(photographs):
    method = Cheng(clusters=2, layers=1, semantic=False, pixels=50, steps=20).fit(photographs)
    assert method.fingerprint() == {}
    assert len(method._clusters) == 2
    restored = method.restore(Observation(gray_of(photographs[0]))).image
    assert restored.shape == photographs[0].picture.shape


def test_networks_of_zeros_leave_gray(photographs):
    method = Cheng(clusters=1, layers=1, semantic=False, pixels=50, steps=1).fit(photographs[:1])
    (cluster,) = method._clusters
    zeros = jax.tree.map(jnp.zeros_like, cluster.network.layers)
    method._clusters = [cluster._replace(network=cluster.network._replace(layers=zeros))]
    gray = gray_of(photographs[0])
    np.testing.assert_allclose(method.restore(Observation(gray)).image, gray, atol=2e-3)


def test_images_that_are_colored_badly_are_clustered_again(photographs):
    once = Cheng(clusters=1, layers=2, enough=1e-3, semantic=False, pixels=50, steps=20).fit(photographs)
    again = Cheng(clusters=1, layers=2, enough=90.0, semantic=False, pixels=50, steps=20).fit(photographs)
    assert len(once._clusters) == 1
    assert len(again._clusters) == 2


def test_only_images_that_are_colored_badly_train_the_next_networks(monkeypatch):
    """Networks that color nothing color gray images well, of which two are among four of one color each."""
    trained = []

    def nothing(inputs, targets, *_):
        trained.append(np.unique(targets.round(3), axis=0))
        return perceptron.Perceptron(((np.zeros((inputs.shape[1], 2)), np.zeros(2)),), np.zeros(1), np.ones(1))

    monkeypatch.setattr(perceptron, "train", nothing)
    colors = np.uint8([[90, 90, 90], [200, 40, 40], [180, 180, 180], [40, 40, 200]])
    photographs = [Photograph(str(color), np.broadcast_to(color, (20, 20, 3))) for color in colors]
    Cheng(clusters=1, layers=2, enough=26.0, semantic=False, pixels=50).fit(photographs)
    red, blue = rgb2yuv(colors / 255)[[1, 3], 1:]
    np.testing.assert_allclose(trained[0], sorted(([0, 0], [*red], [*blue])), atol=2e-3)
    np.testing.assert_allclose(trained[1], sorted(([*red], [*blue])), atol=2e-3)
    assert len(trained) == 2


def test_of_the_two_nearest_clusters_the_semantics_choose():
    method = Cheng()
    method._semantics = object()
    descriptors = np.float32([[0, 1], [1, 0], [3, 3]])  # that of the image is as far from the first as from the second
    method._clusters = [Cluster(*values) for values in zip("abc", descriptors, np.eye(3), strict=True)]

    def chosen(*histogram):
        return method._cluster_of(Seen(None, None, np.zeros(2), np.array(histogram))).network

    assert chosen(0.8, 0.2, 0.0) == "a"
    assert chosen(0.2, 0.8, 0.0) == "b"
    assert chosen(0.1, 0.3, 0.6) == "b"  # c, which is of its kind, is not near


def test_colors_are_smoothed_within_areas_of_equal_gray(monkeypatch):
    uv = np.random.default_rng(0).normal(0, 0.1, (SIDE, SIDE, 2)).astype(np.float32)
    monkeypatch.setattr(perceptron, "predict", lambda *_: uv.reshape(-1, 2))
    is_left = np.broadcast_to(np.arange(SIDE)[:, None] < 50, (SIDE, SIDE, 1))
    gray = np.where(is_left, np.float32(0.3), np.float32(0.7))
    method = Cheng(semantic=False)
    method._clusters = [Cluster(None, 0, 0)]
    found = method.restore(Observation(gray.repeat(3, axis=-1))).image

    def smoothed(values):
        return scipy.ndimage.gaussian_filter(np.float32(values), (3, 3, 0), mode="reflect", radius=(6, 6, 0))

    halves = [smoothed(uv * half) / np.maximum(smoothed(half), 1e-6) for half in (is_left, ~is_left)]
    expected = np.asarray(colors_of(gray[..., 0], np.where(is_left, *halves)))
    np.testing.assert_allclose(ab_of(found), ab_of(expected), atol=0.05)
    assert ab_of(expected).std() > 1


def test_method_needs_photographs_and_numbers_in_range():
    with pytest.raises(UserError, match="learns from training photographs, and there are none"):
        Cheng(semantic=False).fit([])
    with pytest.raises(UserError, match=r"must learn from training photographs \(fit\)"):
        Cheng().restore(Observation(np.zeros((8, 8, 3), np.float32)))
    with pytest.raises(UserError, match=r"method.clusters=0: must be 1 or more"):
        Cheng(clusters=0)
