"""Networks on squares of pixels, and blocks of which half the features are normalized."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from colorjax.errors import UserError
from colorjax.models import build_model
from colorjax.models.blocks import HalfBlock
from colorjax.models.resampling import pixel_shuffle, pixel_unshuffle


def pictures(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def test_folding_takes_the_pixels_of_each_square():
    values = np.asarray(pictures(2, 4, 6, 3))
    folded = np.asarray(pixel_unshuffle(jnp.asarray(values), 2))
    assert folded.shape == (2, 2, 3, 12)
    for row in range(2):
        for column in range(3):
            square = values[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            np.testing.assert_array_equal(folded[:, row, column], square.reshape(2, 12))


def test_unfolding_gives_back_what_was_folded():
    values = pictures(1, 6, 9, 2)
    np.testing.assert_array_equal(pixel_shuffle(pixel_unshuffle(values, 3), 3), values)


def unet(**fields):
    config = {"name": "unet", "width": 4, "depth": 1, "norm": "group", "block": "half", "fold": 4}
    return build_model({**config, **fields}, 2)


@pytest.mark.parametrize(("output_fold", "shape"), [(1, (13, 22)), (2, (7, 11)), (4, (4, 6))])
def test_outputs_stand_for_squares_of_pixels(output_fold, shape):
    model = unet(output_fold=output_fold)
    variables = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 13, 22, 1)), train=False))
    outputs = jax.eval_shape(lambda v: model.apply(v, jnp.zeros((1, 13, 22, 1)), train=False), variables)
    assert outputs.shape == (1, *shape, 2)


def test_folding_output_can_not_stand_for_part_of_a_square():
    with pytest.raises(UserError, match=r"model\.output_fold=3: it must divide model\.fold=4; use 1 or 4"):
        jax.eval_shape(lambda: unet(output_fold=3).init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)), train=False))


def test_folding_blocks_more_are_more_of_the_same():
    def count(blocks):
        model = unet(blocks=blocks)
        variables = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)), train=False))
        return sum("HalfBlock" in name for name in variables["params"])

    assert (count(1), count(3)) == (3, 9)


def test_half_block_knows_how_strong_its_input_is():
    """Group normalization of everything would make the output of a ten times stronger input the same."""
    block = HalfBlock(8, "group", "float32", None)
    inputs = pictures(1, 6, 6, 8)
    variables = block.init(jax.random.key(1), inputs, False)
    kernels = variables["params"]
    one, ten = (block.apply(variables, scale * inputs, False) - scale * inputs for scale in (1.0, 10.0))
    assert not np.allclose(one, ten, rtol=0.5)
    # The half that is left alone is linear but for its ReLU, which 10 times the input passes through 10 times as large.
    without = jax.tree.map(lambda leaf: leaf, kernels)
    without["Conv_1"]["kernel"] = without["Conv_1"]["kernel"].at[:, :, :4].set(0)
    one, ten = (block.apply({"params": without}, scale * inputs, False) - scale * inputs for scale in (1.0, 10.0))
    np.testing.assert_allclose(ten, 10 * one, rtol=1e-3, atol=1e-5)


def test_half_block_begins_close_to_its_shortcut():
    inputs = pictures(4, 8, 8, 16)
    block = HalfBlock(16, "group", "float32", None)
    outputs = block.apply(block.init(jax.random.key(2), inputs, False), inputs, False)
    assert float(jnp.std(outputs - inputs)) < 0.6 * float(jnp.std(inputs))
