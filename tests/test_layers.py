"""Normalization and resampling against linen's own modules and against formulas in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from hypothesis import given
from hypothesis import strategies as st

from colorjax.models.normalization import BatchNorm, GroupNorm, group_count, group_norm
from colorjax.models.resampling import TransposedConvolution, max_pool, pad_to_multiple


def _normal(seed, shape):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


_group_norm = jax.jit(group_norm, static_argnums=3)


def _relative_difference(actual, expected):
    return float(jnp.max(jnp.abs(actual - expected)) / jnp.max(jnp.abs(expected)))


def _value_and_gradients(function, arguments, cotangent):
    @jax.jit
    def evaluate(*arguments):
        value, pull = jax.vjp(function, *arguments)
        return value, *pull(cotangent)

    return evaluate(*arguments)


@given(st.integers(1, 2048))
def test_group_count_divides_the_channels_and_never_leaves_instance_normalization(channels):
    groups = group_count(channels)
    assert channels % groups == 0
    assert 1 <= groups <= 32
    assert groups == 1 or channels // groups >= 8


def test_group_count_of_usual_widths():
    assert [group_count(c) for c in (1, 7, 8, 16, 32, 48, 64, 256, 512)] == [1, 1, 1, 2, 4, 6, 8, 32, 32]


@pytest.mark.parametrize(("channels", "groups"), [(6, 3), (5, 1)])
def test_group_norm_and_its_gradients_equal_linens(channels, groups):
    features = 3.0 * _normal(0, (2, 5, 3, channels)) + 1.0
    scale, bias, cotangent = _normal(1, (channels,)), _normal(2, (channels,)), _normal(3, features.shape)
    linen = nn.GroupNorm(groups, epsilon=1e-5)

    def expected(features, scale, bias):
        return linen.apply({"params": {"scale": scale, "bias": bias}}, features)

    ours = _value_and_gradients(lambda *a: group_norm(*a, groups), (features, scale, bias), cotangent)
    theirs = _value_and_gradients(expected, (features, scale, bias), cotangent)
    for mine, other in zip(ours, theirs, strict=True):
        assert _relative_difference(mine, other) < 1e-4


def test_group_norm_gives_each_group_mean_0_and_variance_1():
    features = np.asarray(_group_norm(5.0 * _normal(0, (2, 8, 8, 6)) - 2.0, jnp.ones(6), jnp.zeros(6), 2))
    groups = features.reshape(2, 64, 2, 3)
    np.testing.assert_allclose(groups.mean(axis=(1, 3)), 0.0, atol=1e-5)
    np.testing.assert_allclose(groups.var(axis=(1, 3)), 1.0, atol=1e-4)


def test_group_norm_of_a_constant_is_the_bias_with_finite_gradients():
    features = jnp.full((1, 4, 4, 8), 0.7)
    value, *gradients = _value_and_gradients(
        lambda *a: group_norm(*a, 1), (features, jnp.ones(8), jnp.full(8, 0.25)), _normal(0, features.shape)
    )
    np.testing.assert_allclose(value, 0.25, atol=1e-3)
    assert all(jnp.isfinite(g).all() for g in gradients)


def test_group_norm_takes_its_statistics_in_float32_under_bfloat16():
    # 4096 values near 256: a bfloat16 sum would be off by whole units.
    features = (256.0 + 8.0 * _normal(0, (1, 32, 32, 4))).astype(jnp.bfloat16)
    normalized = _group_norm(features, jnp.ones(4), jnp.zeros(4), 1)
    wide = np.asarray(features, np.float64)
    assert normalized.dtype == jnp.bfloat16
    np.testing.assert_allclose(
        np.asarray(normalized, np.float64), (wide - wide.mean()) / wide.std(), rtol=0.01, atol=0.01
    )


def test_group_norm_module_uses_group_count(key):
    features = _normal(0, (1, 3, 3, 16))
    module = GroupNorm()
    normalized = jax.jit(module.apply)(module.init(key, features), features)
    expected = _group_norm(features, jnp.ones(16), jnp.zeros(16), 2)
    np.testing.assert_array_equal(normalized, expected)


def test_batch_norm_on_two_devices_has_the_statistics_of_the_whole_batch(key):
    features = 2.0 * _normal(0, (4, 3, 3, 5)) + 1.0
    module = BatchNorm("device")
    variables = jax.jit(lambda key: module.init(key, features, train=False))(key)

    def apply(features):
        return module.apply(variables, features, train=True, mutable=["batch_stats"])

    normalized, state = jax.pmap(apply, axis_name="device", devices=jax.devices()[:2])(features.reshape(2, 2, 3, 3, 5))
    whole = np.asarray(features, np.float64)
    mean, variance = whole.mean(axis=(0, 1, 2)), whole.var(axis=(0, 1, 2))
    np.testing.assert_allclose(normalized.reshape(features.shape), (whole - mean) / np.sqrt(variance + 1e-5), atol=1e-4)
    running = state["batch_stats"]["BatchNorm_0"]["mean"]
    np.testing.assert_allclose(running[0], 0.01 * mean, atol=1e-5)
    np.testing.assert_array_equal(running[0], running[1])


def test_max_pool_and_its_gradient_equal_linens():
    features = _normal(0, (2, 6, 4, 3))
    cotangent = _normal(1, (2, 3, 2, 3))
    ours = _value_and_gradients(max_pool, (features,), cotangent)
    theirs = _value_and_gradients(lambda x: nn.max_pool(x, (2, 2), (2, 2)), (features,), cotangent)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_max_pool_gives_the_gradient_to_each_of_several_largest():
    gradient = jax.grad(lambda x: max_pool(x).sum())(jnp.array([[1.0, 1.0], [0.0, 1.0]]).reshape(1, 2, 2, 1))
    np.testing.assert_array_equal(gradient.reshape(2, 2), [[1.0, 1.0], [0.0, 1.0]])


def test_transposed_convolution_and_its_gradients_equal_linens(key):
    inputs, cotangent = _normal(0, (2, 3, 4, 5)), _normal(1, (2, 6, 8, 7))
    module, linen = TransposedConvolution(7, "float32"), nn.ConvTranspose(7, (2, 2), (2, 2))
    parameters = module.init(key, inputs)["params"] | {"bias": _normal(2, (7,))}

    def ours(inputs, parameters):
        return module.apply({"params": parameters}, inputs)

    def theirs(inputs, parameters):
        reversed_kernel = parameters | {"kernel": parameters["kernel"][::-1, ::-1]}
        return linen.apply({"params": reversed_kernel}, inputs)

    mine = _value_and_gradients(ours, (inputs, parameters), cotangent)
    other = _value_and_gradients(theirs, (inputs, parameters), cotangent)
    assert all(d < 1e-4 for d in jax.tree.leaves(jax.tree.map(_relative_difference, mine, other)))


@pytest.mark.parametrize(("height", "width", "multiple"), [(1, 1, 16), (3, 8, 8), (5, 2, 16), (4, 6, 2)])
def test_padding_reaches_the_next_multiple_and_keeps_the_picture(height, width, multiple):
    picture = np.arange(height * width, dtype=np.float32).reshape(1, height, width, 1)
    padded = np.asarray(jax.jit(pad_to_multiple, static_argnums=1)(picture, multiple))
    assert padded.shape[1:3] == tuple(-(-side // multiple) * multiple for side in (height, width))
    below, right = padded.shape[1] - height, padded.shape[2] - width
    expected = np.pad(picture, ((0, 0), (0, below), (0, right), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(padded, expected)
