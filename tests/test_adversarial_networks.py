"""Generators and discriminators of the literature: published counts, receptive fields, layers by another way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from colorjax.models import build_model
from colorjax.models.discriminators import (
    DISCRIMINATORS,
    PatchDiscriminator,
    PyramidDiscriminator,
    least_side,
    receptive_field,
)
from colorjax.models.picture_norm import PictureNormalization
from colorjax.models.pix2pix_unet import drop_half
from colorjax.models.resampling import convolution, doubling_convolution, halving_convolution


def count(module, *inputs, **arguments):
    variables = jax.eval_shape(lambda key: module.init(key, *inputs, **arguments), jax.random.key(0))
    assert set(variables) == {"params"}
    return sum(leaf.size for leaf in jax.tree.leaves(variables))


def drawn(shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


# As the authors' programs count them.
@pytest.mark.parametrize(
    ("config", "inputs", "outputs", "expected"),
    [
        ({"name": "pix2pix_unet"}, 3, 3, 54_413_955),
        ({"name": "pix2pix_unet"}, 1, 2, 54_409_858),
        ({"name": "pix2pix_unet", "width": 16}, 1, 2, 3_403_426),
        ({"name": "resnet_generator"}, 3, 3, 11_378_179),
        ({"name": "resnet_generator", "width": 16, "blocks": 6}, 1, 2, 491_730),
    ],
)
def test_generator_has_the_published_number_of_parameters(config, inputs, outputs, expected):
    assert count(build_model(config, outputs), jnp.zeros((1, 256, 256, inputs)), train=False) == expected


@pytest.mark.parametrize(("channels", "width", "expected"), [(6, 64, 2_768_705), (3, 64, 2_765_633), (3, 16, 175_313)])
def test_patch_discriminator_has_the_published_number_of_parameters(channels, width, expected):
    assert count(PatchDiscriminator(width=width), jnp.zeros((1, 64, 64, channels))) == expected


def test_dense_block_adds_its_features_to_the_bottleneck():
    plain = count(build_model({"name": "pix2pix_unet", "depth": 7}, 2), jnp.zeros((1, 128, 128, 1)), train=False)
    dense = count(build_model({"name": "dense_unet_generator"}, 2), jnp.zeros((1, 128, 128, 1)), train=False)
    layers = sum(9 * (512 + 32 * number) * 32 + 32 for number in range(4))
    assert dense - plain == layers + 4 * 4 * 128 * 512  # 640 features are doubled in place of 512


@pytest.mark.parametrize("layers", range(1, 6))
def test_patch_discriminator_sees_as_much_as_the_paper_says(layers):
    assert receptive_field(layers) == [16, 34, 70, 142, 286][layers - 1]
    maps = jax.eval_shape(
        lambda key, x: PatchDiscriminator(layers).init_with_output(key, x)[0],
        jax.random.key(0),
        jnp.zeros((1, least_side(layers), least_side(layers), 3)),
    )
    assert [found.shape for found in maps] == [(1, 1, 1, 1)]


@pytest.mark.parametrize(("discriminator", "side", "expected"), [("patch", 96, 34), ("pyramid", 128, 78)])
def test_gradient_of_a_score_is_the_receptive_field(discriminator, side, expected):
    """Without normalization, whose statistics are of the whole picture."""
    module = DISCRIMINATORS[discriminator](layers=2 if discriminator == "patch" else 4, width=2, norm="none")
    pictures = drawn((1, side, side, 1))
    params = module.init(jax.random.key(0), pictures)

    def middle(pictures):
        scores = module.apply(params, pictures)[0]
        return scores[0, scores.shape[1] // 2, scores.shape[2] // 2, 0]

    seen = np.asarray(jax.jit(jax.grad(middle))(pictures))[0, ..., 0] != 0
    assert np.ptp(np.flatnonzero(seen.any(axis=1))) + 1 == expected
    assert np.ptp(np.flatnonzero(seen.any(axis=0))) + 1 == expected


def test_patch_discriminator_of_the_paper_has_30_by_30_scores():
    shapes = jax.eval_shape(
        lambda key, x: PatchDiscriminator().init_with_output(key, x)[0], jax.random.key(0), jnp.zeros((1, 256, 256, 6))
    )
    assert shapes[0].shape == (1, 30, 30, 1)


def test_pyramid_discriminator_has_scores_at_three_scales():
    shapes = jax.eval_shape(
        lambda key, x: PyramidDiscriminator().init_with_output(key, x)[0],
        jax.random.key(0),
        jnp.zeros((1, 128, 130, 3)),
    )
    assert [found.shape[1:3] for found in shapes] == [(4, 4), (8, 8), (16, 16)]


@pytest.mark.parametrize("size", [3, 4])
@pytest.mark.parametrize(("height", "width"), [(8, 6), (5, 2), (1, 1)])
def test_strided_convolutions_are_those_of_their_definition(size, height, width):
    features, kernel = drawn((2, height, width, 3)), drawn((size, size, 3, 5), 1)
    full = np.zeros((2, 2 * height + 4, 2 * width + 4, 5))
    for row in range(height):
        for column in range(width):
            put = np.einsum("bc,ijcf->bijf", features[:, row, column], kernel)
            full[:, 2 * row : 2 * row + size, 2 * column : 2 * column + size] += put
    found = doubling_convolution(features, kernel)
    assert found.shape == (2, 2 * height, 2 * width, 5)
    np.testing.assert_allclose(found, full[:, 1 : 2 * height + 1, 1 : 2 * width + 1], rtol=1e-4, atol=1e-4)
    if min(height, width) >= 2:
        halved = halving_convolution(features, kernel)
        assert halved.shape == (2, height // 2, width // 2, 5)
        every = np.asarray(convolution(jnp.pad(features, ((0, 0), (1, 2), (1, 2), (0, 0))), kernel))
        expected = every[:, ::2, ::2][:, : height // 2, : width // 2]
        np.testing.assert_allclose(halved, expected, rtol=1e-4, atol=1e-4)


def test_batch_norm_at_test_time_is_that_of_each_picture():
    features = 3 * drawn((4, 6, 5, 3)) + 1
    norm = PictureNormalization("batch", None)
    variables = norm.init(jax.random.key(0), features, True)
    scale, bias = (np.asarray(variables["params"][name], np.float64) for name in ("scale", "bias"))

    def by_hand(values, axes):
        values = np.asarray(values, np.float64)
        return (values - values.mean(axes, keepdims=True)) / np.sqrt(
            values.var(axes, keepdims=True) + 1e-5
        ) * scale + bias

    np.testing.assert_allclose(norm.apply(variables, features, True), by_hand(features, (0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(norm.apply(variables, features, False), by_hand(features, (1, 2)), atol=1e-5)
    # Batches of one picture, as in the paper, are the same in training.
    one = norm.apply(variables, features[:1], True)
    np.testing.assert_array_equal(one, norm.apply(variables, features[:1], False))
    np.testing.assert_allclose(one, norm.apply(variables, features, False)[:1], atol=1e-6)
    instance = PictureNormalization("instance", None).apply({}, features, True)
    np.testing.assert_allclose(instance, by_hand(features, (1, 2)) / scale - bias / scale, atol=1e-5)


def test_batch_norm_is_over_all_devices():
    features = drawn((8, 4, 4, 2))
    alone, mapped = PictureNormalization("batch", None), PictureNormalization("batch", "devices")
    variables = mapped.init(jax.random.key(0), features, True)  # outside of the axis, as before a training
    apply = jax.pmap(lambda x: mapped.apply(variables, x, True), axis_name="devices", devices=jax.devices()[:4])
    found = apply(features.reshape(4, 2, 4, 4, 2)).reshape(features.shape)
    np.testing.assert_allclose(found, alone.apply(variables, features, True), atol=1e-5)


@pytest.mark.parametrize("name", ["pix2pix_unet", "dense_unet_generator", "resnet_generator"])
def test_generator_keeps_any_size_and_a_picture_alone_is_the_same(name):
    config = {"name": name, "width": 4} | ({"blocks": 1, "skips": "concatenate"} if "resnet" in name else {"depth": 3})
    model = build_model(config, output_channels=2)
    inputs = drawn((3, 9, 14, 1))
    variables = jax.jit(lambda key: model.init(key, inputs, train=False))(jax.random.key(0))
    apply = jax.jit(lambda inputs: model.apply(variables, inputs, train=False))
    outputs = apply(inputs)
    assert outputs.shape == (3, 9, 14, 2)
    assert np.abs(outputs).max() < 1
    assert np.ptp(outputs) > 0
    np.testing.assert_allclose(apply(inputs[1:2]), outputs[1:2], atol=1e-5)


def test_dropout_drops_half_by_the_key_of_each_example():
    keys = jax.random.split(jax.random.key(0), 4)
    dropped = np.asarray(drop_half(jnp.ones((4, 16, 16, 8)), keys))
    assert set(np.unique(dropped)) == {0, 2}
    assert abs(dropped.mean() - 1) < 0.05
    alone = drop_half(jnp.ones((1, 16, 16, 8)), keys[2:3])
    np.testing.assert_array_equal(alone[0], dropped[2])


def test_pix2pix_drops_in_training_alone_and_only_with_keys():
    model = build_model({"name": "pix2pix_unet", "width": 2, "depth": 6, "norm": "instance"}, output_channels=2)
    inputs, keys = drawn((2, 64, 64, 1)), jax.random.split(jax.random.key(1), 2)
    variables = jax.jit(lambda key: model.init(key, inputs, train=False))(jax.random.key(0))
    variables = jax.tree.map(lambda leaf: 5 * leaf, variables)  # new kernels are so small that little passes them
    apply = jax.jit(lambda keys: model.apply(variables, inputs, train=True, keys=keys))
    without = jax.jit(lambda train: model.apply(variables, inputs, train=train), static_argnums=0)
    np.testing.assert_allclose(without(True), without(False), atol=1e-6)
    assert np.abs(apply(keys) - without(True)).max() > 1e-5
    np.testing.assert_array_equal(apply(keys), apply(keys))
