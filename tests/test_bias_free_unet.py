"""The residual U-Net without biases and normalization: homogeneous, of any size, and nowhere a bias."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from colorjax.models import build_model

SMALL = {"name": "bias_free_unet", "width": 4, "depth": 1, "blocks": 1, "fold": 2}


def shapes(model, channels):
    inputs = jnp.zeros((1, 8, 8, channels))
    return jax.eval_shape(lambda: model.init(jax.random.key(0), inputs, train=False))["params"]


def build(channels=3, **fields):
    """Return the network and random variables, those of the last layer too (it starts at zero)."""
    model, random = build_model(SMALL | fields, channels), np.random.default_rng(0)

    def draw(leaf):
        return jnp.asarray(random.normal(0, np.prod(leaf.shape[:-1]) ** -0.5, leaf.shape), jnp.float32)

    params = jax.tree.map(draw, shapes(model, channels))
    return lambda inputs: jax.jit(model.apply, static_argnames="train")({"params": params}, inputs, train=False)


def pictures(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).uniform(size=shape), jnp.float32)


def test_bias_free_unet_scales_with_its_picture():
    network, picture = build(), pictures(1, 13, 10, 3)
    outputs = network(picture)
    assert jnp.abs(outputs).max() > 0.1
    for scale in (0.1, 3.0):
        np.testing.assert_allclose(network(scale * picture), scale * outputs, atol=1e-5 * scale)
    assert jnp.abs(network(-picture) + outputs).max() > 0.01  # it is not linear


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 9), (8, 8), (17, 6)])
def test_bias_free_unet_keeps_any_size(height, width):
    outputs = build(channels=1)(pictures(2, height, width, 1))
    assert (outputs.shape, outputs.dtype) == ((2, height, width, 1), jnp.float32)
    assert jnp.isfinite(outputs).all()


@pytest.mark.parametrize(("width", "depth", "blocks", "fold"), [(4, 1, 1, 1), (6, 2, 3, 2), (32, 2, 2, 2)])
def test_bias_free_unet_parameters_are_the_kernels_of_its_layers(width, depth, blocks, fold):
    found = flatten_dict(shapes(build_model(SMALL | dict(width=width, depth=depth, blocks=blocks, fold=fold), 3), 3))
    assert {path[-1] for path in found} == {"kernel"}
    widths = [width * 2**level for level in range(depth + 1)]
    channels = 3 * fold**2
    convolutions = 2 * blocks * 9 * (2 * sum(w * w for w in widths) - widths[-1] ** 2)
    between = 2 * sum(4 * w * 2 * w for w in widths[:-1])
    expected = 9 * channels * width + convolutions + between + width * channels
    assert sum(leaf.size for leaf in found.values()) == expected


def test_bias_free_unet_default_has_1_04_million_parameters():
    found = shapes(build_model({"name": "bias_free_unet"}, 3), 3)
    assert sum(leaf.size for leaf in jax.tree.leaves(found)) == 1_044_224


def test_shifting_by_the_stride_shifts_the_output():
    network = build()
    inputs = jnp.zeros((1, 48, 48, 3)).at[:, 20:24, 20:24].set(pictures(1, 4, 4, 3))
    moved = network(jnp.roll(inputs, 4, axis=1))
    np.testing.assert_allclose(jnp.roll(network(inputs), 4, axis=1), moved, atol=1e-5)


def test_bfloat16_stays_near_float32():
    inputs = pictures(1, 8, 8, 3)
    wide, low = build()(inputs), build(dtype="bfloat16")(inputs)
    assert 0 < jnp.abs(wide - low).max() < 0.05 * jnp.abs(wide).max()
