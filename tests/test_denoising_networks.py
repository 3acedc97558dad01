"""The denoising networks of the literature: their weights, how far they see, their scale, and odd sizes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from colorjax import weights
from colorjax.errors import UserError
from colorjax.models import build_model
from colorjax.tasks import build_task

pytestmark = pytest.mark.slow  # its networks compile for long

SMALL = {"dncnn": {"depth": 3}, "win5": {"depth": 2}, "ffdnet": {"depth": 3}, "drunet": {"depth": 2, "blocks": 1}}
MAPPED = ("ffdnet", "drunet")  # these take a map of the noise level beside the image


def shapes(model, channels):
    inputs = jnp.zeros((1, 8, 8, channels))
    return jax.eval_shape(lambda: model.init(jax.random.key(0), inputs, train=False))


def count(channels, outputs, **config):
    params = shapes(build_model(config, outputs), channels)["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def build(channels, outputs, positive=False, **config):
    """Return the network with random variables, by the fan-in of each layer; with `positive`, no ReLU is idle."""
    model, random = build_model(config, outputs), np.random.default_rng(0)

    def draw(path, leaf):
        if path[-1].key in ("scale", "var"):
            return jnp.ones(leaf.shape, leaf.dtype)
        if leaf.ndim < 2:
            return jnp.zeros(leaf.shape, leaf.dtype)
        values = random.normal(0, np.prod(leaf.shape[:-1]) ** -0.5, leaf.shape)
        return jnp.asarray(np.abs(values) if positive else values, jnp.float32)

    variables = jax.tree_util.tree_map_with_path(draw, shapes(model, channels))
    return lambda inputs: model.apply(variables, inputs, train=False)  # not jitted: equal layers compile once


def pictures(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).uniform(size=shape), jnp.float32)


@pytest.mark.parametrize(
    ("channels", "outputs", "config", "parameters"),
    [
        (1, 1, {"name": "dncnn", "depth": 17}, 556_097),
        (1, 1, {"name": "dncnn", "depth": 20}, 667_073),
        (3, 3, {"name": "dncnn", "depth": 20}, 669_379),
        (1, 1, {"name": "dncnn", "depth": 17, "norm": "none"}, 555_137),
        (1, 1, {"name": "dncnn", "depth": 20, "norm": "none"}, 665_921),
        (3, 3, {"name": "dncnn", "depth": 20, "norm": "none"}, 668_227),
        (2, 1, {"name": "ffdnet", "depth": 15, "width": 64}, 485_316),
        (4, 3, {"name": "ffdnet"}, 852_108),
        (2, 1, {"name": "drunet"}, 32_638_656),
        (4, 3, {"name": "drunet"}, 32_640_960),
        # Three 7x7 layers of 128 to 128 channels, one into and one out of them, and the scales and shifts.
        (1, 1, {"name": "win5"}, 49 * (3 * 128 * 128 + 2 * 128) + 4 * 2 * 128 + 2),
        # Seven layers with biases: 9 * (64 in and out, and five of 64 to 64) and 6 * 64 + 1.
        (1, 1, {"name": "ircnn", "norm": "none"}, 9 * (2 * 64 + 5 * 64 * 64) + 6 * 64 + 1),
        # Keras' example prints 28,353 in all.
        (1, 1, {"name": "denoising_autoencoder"}, 28_353),
        (3, 3, {"name": "denoising_autoencoder"}, 29_507),
    ],
)
def test_network_has_the_papers_number_of_weights(channels, outputs, config, parameters):
    assert count(channels, outputs, **config) == parameters


def test_win5_has_2_42_million_weights():
    assert round(count(1, 1, name="win5") / 1e6, 2) == 2.42


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"name": "dncnn", "depth": 17}, 35),
        ({"name": "dncnn", "depth": 20, "norm": "none"}, 41),
        ({"name": "win5"}, 31),
        ({"name": "ircnn"}, 33),
        ({"name": "ffdnet", "depth": 15}, 62),
        ({"name": "ffdnet", "depth": 12}, 50),
    ],
)
def test_network_sees_as_far_as_in_its_paper(config, expected):
    network = build(1, 1, positive=True, width=2, **config)
    inputs = 0.1 + pictures(1, 1, 96, 1)
    still = 1 if config["name"] in MAPPED else 0  # the noisy image itself is taken off the image that they find
    gradient = jax.grad(lambda x: (network(x) + still * x)[0, 0, 48, 0])(inputs)[0, 0, :, 0]
    (seen,) = np.nonzero(np.asarray(gradient))
    assert seen[-1] - seen[0] + 1 == len(seen) == expected


@pytest.mark.parametrize("name", ["dncnn", "ffdnet", "win5", "drunet", "ircnn", "denoising_autoencoder"])
def test_network_keeps_any_size(name):
    channels = 4 if name in MAPPED else 3
    model = build_model({"name": name, "width": 2, **SMALL.get(name, {})}, 3)
    for size in ((1, 1), (3, 9), (17, 6)):
        variables, inputs = shapes(model, channels), jax.ShapeDtypeStruct((2, *size, channels), jnp.float32)
        outputs = jax.eval_shape(lambda *given: model.apply(*given, train=False), variables, inputs)
        assert (outputs.shape, outputs.dtype) == ((2, *size, 3), jnp.float32)


@pytest.mark.parametrize("name", MAPPED)
def test_map_of_the_level_changes_what_is_found(name):
    network, image = build(4, 3, name=name, width=8, **SMALL[name]), pictures(1, 16, 16, 3)
    one, other = (network(jnp.concatenate([image, jnp.full((1, 16, 16, 1), level)], axis=-1)) for level in (0.1, 0.4))
    assert jnp.abs(one - other).max() > 0.01


@pytest.mark.parametrize("name", MAPPED)
def test_network_of_an_odd_size_is_that_of_the_mirrored_image(name):
    network, image = build(2, 1, name=name, width=4, **SMALL[name]), pictures(1, 13, 9, 2)
    rows, columns = ((0, 3), (0, 3)) if name == "drunet" else ((0, 1), (0, 1))
    mirrored = jnp.pad(image, ((0, 0), rows, columns, (0, 0)), mode="reflect")
    np.testing.assert_allclose(network(image), network(mirrored)[:, :13, :9], atol=1e-6)


def test_drunet_scales_with_its_image_and_map():
    network, inputs = build(4, 3, name="drunet", width=4, **SMALL["drunet"]), pictures(1, 16, 8, 4)
    outputs = network(inputs)
    assert jnp.abs(outputs).max() > 0.1
    for scale in (0.1, 3.0):
        np.testing.assert_allclose(network(scale * inputs), scale * outputs, atol=1e-5 * scale)
    assert not any(path[-1] == "bias" for path in flatten_dict(shapes(build_model({"name": "drunet"}, 3), 4)))


def test_bundled_denoiser_of_a_scaled_image_is_the_scaled_result():
    trained = weights.load("denoise_color")
    assert trained.config.model.name == "bias_free_unet"
    task = build_task(trained.config.task)
    model = build_model(trained.config.model, task.output_channels)
    network = jax.jit(lambda inputs: task.picture(model.apply(trained.variables, inputs, train=False), inputs))
    noisy = 0.4 + 0.1 * jnp.asarray(np.random.default_rng(1).normal(size=(1, 24, 24, 3)), jnp.float32)
    restored = network(noisy)
    assert jnp.std(restored) < jnp.std(noisy) / 2
    for scale in (0.25, 4.0):
        np.testing.assert_allclose(network(scale * noisy), scale * restored, atol=2e-5 * scale)


def test_autoencoder_finds_an_image_in_the_unit_range():
    noisy = 4 * pictures(1, 6, 7, 3) - 2
    found = build(3, 3, name="denoising_autoencoder", width=4)(noisy) + noisy
    assert 0 <= found.min() < found.max() <= 1


@pytest.mark.parametrize("name", ["ffdnet", "drunet", "denoising_autoencoder"])
def test_network_that_finds_an_image_says_that_it_is_for_denoising(name):
    with pytest.raises(UserError, match=r"these inputs have no image of 2 channels; use a task of denoising"):
        shapes(build_model({"name": name, "width": 2}, 2), 1)


def test_drunet_begins_orthogonal_with_the_authors_gain(key):
    model = build_model({"name": "drunet", "width": 4, "depth": 1, "blocks": 1}, 3)
    variables = model.init(key, jnp.zeros((1, 2, 2, 4)), train=False)
    matrix = variables["params"]["body_block_0"]["first"]["kernel"].reshape(-1, 8)
    np.testing.assert_allclose(matrix.T @ matrix, 0.04 * np.eye(8), atol=1e-5)  # a gain of 0.2
