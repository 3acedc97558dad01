"""The networks that configs describe: shapes, dtypes, gradients, skips, parameter counts and bad configs."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from colorjax.errors import UserError
from colorjax.models import MODELS, build_model, default_config
from colorjax.models.blocks import BLOCKS
from colorjax.models.network import Network

# The denoisers of the literature begin as their authors have them (test_denoising_networks.py), the others at zero.
OF_THE_LITERATURE = {"dncnn", "ffdnet", "win5", "drunet", "ircnn", "denoising_autoencoder"}
OF_THE_LITERATURE |= {"pix2pix_unet", "dense_unet_generator", "resnet_generator"}  # test_adversarial_networks.py


def _pictures(seed, shape):
    return jnp.asarray(np.random.default_rng(seed).uniform(size=shape), jnp.float32)


def _shapes(model, channels):
    """Return the shapes of the network's variables, which no size of picture changes."""
    inputs = jnp.zeros((1, 1, 1, channels))

    def create(key):
        given = model.conditioning({}, inputs) if isinstance(model, Network) else {}  # a block is given nothing
        return model.init(key, inputs, train=False, **given)

    return jax.eval_shape(create, jax.random.key(0))


def _variables(model, channels=1):
    """Return variables with a random last layer too (it starts at zero), made without compiling anything."""
    random = np.random.default_rng(0)

    def draw(path, leaf):
        if leaf.ndim == 4:
            return jnp.asarray(random.normal(0, np.prod(leaf.shape[:-1]) ** -0.5, leaf.shape), leaf.dtype)
        return jnp.full(leaf.shape, float(path[-1].key in ("scale", "var")), leaf.dtype)

    return jax.tree_util.tree_map_with_path(draw, _shapes(model, channels))


def _apply(model, variables, *batches):
    """Return the outputs for each of `batches`, which share one shape and so one compilation."""
    apply = jax.jit(lambda variables, inputs: model.apply(variables, inputs, train=False))
    return [apply(variables, inputs) for inputs in batches]


def _count(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def _training_gradients(model, variables, inputs):
    def loss(parameters):
        outputs, state = model.apply(variables | {"params": parameters}, inputs, train=True, mutable=["batch_stats"])
        return jnp.square(outputs - 0.3).mean(), (outputs, state)

    (_, (outputs, state)), gradients = jax.value_and_grad(loss, has_aux=True)(variables["params"])
    return outputs, state, gradients


@pytest.mark.parametrize("block", ["plain", "residual", "dense"])
@pytest.mark.parametrize("norm", ["group", "batch", "none"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_model_of_every_norm_block_and_dtype_traces_at_an_odd_size(norm, block, dtype):
    config = {"name": "unet", "width": 8, "depth": 2, "norm": norm, "block": block, "dtype": dtype}
    model = build_model(config, output_channels=2)
    variables = _shapes(model, 3)
    inputs = jax.ShapeDtypeStruct((2, 7, 5, 3), jnp.float32)
    outputs, state, gradients = jax.eval_shape(partial(_training_gradients, model), variables, inputs)
    assert (outputs.shape, outputs.dtype) == ((2, 7, 5, 2), jnp.float32)
    assert bool(state) == ("batch_stats" in variables) == (norm == "batch")
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves((variables, state, gradients)))


def test_model_parameters_get_finite_gradients_in_bfloat16():
    model = build_model({"name": "unet", "width": 8, "depth": 1, "dtype": "bfloat16"}, output_channels=2)
    variables, inputs = _variables(model, 3), _pictures(0, (2, 7, 5, 3))
    outputs, _, gradients = jax.jit(partial(_training_gradients, model))(variables, inputs)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves((outputs, gradients)))
    assert all(jnp.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradients))


@pytest.mark.parametrize(("block", "norm"), [("residual", "none"), ("dense", "batch")])
def test_block_parameters_get_finite_gradients(block, norm):
    module = BLOCKS[block](features=8, norm=norm, dtype="float32", axis_name=None)
    variables, inputs = _variables(module, 3), _pictures(0, (2, 4, 4, 3))
    outputs, _, gradients = jax.jit(partial(_training_gradients, module))(variables, inputs)
    assert outputs.shape == (2, 4, 4, 8)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves((outputs, gradients)))
    assert all(jnp.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradients))


@pytest.mark.parametrize(("name", "height", "width"), [("unet", 1, 1), ("unet", 3, 9), ("cnn", 1, 5)])
def test_model_keeps_any_size(name, height, width):
    model = build_model({"name": name, "width": 4, "depth": 2}, output_channels=3)
    (outputs,) = _apply(model, _variables(model), _pictures(0, (1, height, width, 1)))
    assert outputs.shape == (1, height, width, 3)
    assert jnp.isfinite(outputs).all()


@pytest.mark.parametrize("name", sorted(set(MODELS) - OF_THE_LITERATURE))
def test_model_last_layer_starts_at_zero(name, key):
    small = {"width": 4, "depth": 1, "encoder_width": 4, "embedding": "zero"}
    channels, outputs = (4, 261) if name == "guided_colorizer" else (1, 2)  # it fits one task alone
    settings = {key: small.get(key, value) for key, value in default_config(name).items()}
    model = build_model(settings, output_channels=outputs)
    inputs = jnp.zeros((1, 2, 2, channels))
    context = model.conditioning({}, inputs)
    start = jax.jit(lambda key: model.init(key, inputs, train=False, **context)["params"]["output"])
    assert not any(leaf.any() for leaf in jax.tree.leaves(start(key)))


def test_bfloat16_stays_near_float32():
    inputs = _pictures(0, (1, 8, 8, 1))
    config = {"name": "unet", "width": 8, "depth": 1}
    model = build_model(config, output_channels=1)
    variables = _variables(model)
    narrow = build_model(config | {"dtype": "bfloat16"}, output_channels=1)
    (wide,), (low,) = _apply(model, variables, inputs), _apply(narrow, variables, inputs)
    assert 0 < jnp.abs(wide - low).max() < 0.05 * jnp.abs(wide).max()


def _double_convolution(inputs, features):
    """Parameters of two 3x3 convolutions without bias and their scales and shifts."""
    return 9 * inputs * features + 9 * features**2 + 4 * features


@pytest.mark.parametrize("name", ["cnn", "unet"])
def test_parameter_count_is_the_formulas(name):
    width, depth, inputs, outputs = 6, 2, 3, 2
    widths = [width * 2**level for level in range(depth + 1)]
    down = sum(_double_convolution(i, o) for i, o in zip([inputs, *widths], widths, strict=False))
    skips = 2 if name == "unet" else 1
    up = sum((4 * 2 * w * w + w) + _double_convolution(skips * w, w) for w in widths[:-1])
    model = build_model({"name": name, "width": width, "depth": depth}, output_channels=outputs)
    assert _count(_shapes(model, inputs)) == down + up + width * outputs + outputs


def test_width_32_and_depth_4_have_7_8_million_parameters():
    model = build_model({"name": "unet", "width": 32, "depth": 4}, output_channels=3)
    assert _count(_shapes(model, 3)) == 7_763_107


@pytest.mark.parametrize(("name", "passes"), [("unet", True), ("cnn", False)])
def test_unet_alone_carries_detail_past_its_lowest_level(name, passes):
    model = build_model({"name": name, "width": 4, "depth": 1, "norm": "none"}, output_channels=1)
    variables = _variables(model)
    # With the way up from the lowest level cut off, a skip is all that the output can depend on.
    variables["params"]["TransposedConvolution_0"]["kernel"] *= 0.0
    one, other = _apply(model, variables, _pictures(0, (1, 8, 8, 1)), _pictures(1, (1, 8, 8, 1)))
    assert (float(jnp.abs(one - other).max()) > 1e-3) == passes


def test_model_without_norm_sees_no_further_than_its_receptive_field():
    model = build_model({"name": "unet", "width": 2, "depth": 1, "norm": "none"}, output_channels=1)
    variables, inputs = _variables(model), _pictures(0, (1, 1, 48, 1))
    gradient = jax.jit(jax.grad(lambda x: model.apply(variables, x, train=False)[0, 0, 24, 0]))
    seen = gradient(inputs)[0, 0, :, 0]
    # Two convolutions up (2), two at half size (4), two down (2), and the other pixel of a pooled pair (1).
    assert not seen[: 24 - 9].any()
    assert not seen[24 + 10 :].any()
    assert seen[24] != 0


def test_shifting_by_the_coarsest_step_shifts_the_output():
    model = build_model({"name": "cnn", "width": 4, "depth": 1, "norm": "none"}, output_channels=1)
    variables = _variables(model)
    inputs = jnp.zeros((1, 32, 32, 1)).at[:, 12:16, 12:16].set(_pictures(0, (1, 4, 4, 1)))
    still, moved = _apply(model, variables, inputs, jnp.roll(inputs, 2, axis=1))
    np.testing.assert_allclose(jnp.roll(still, 2, axis=1), moved, atol=1e-5)


def test_examples_of_a_batch_do_not_see_each_other_with_group_norm():
    model = build_model({"name": "unet", "width": 8, "depth": 1}, output_channels=1)
    variables, inputs = _variables(model), _pictures(0, (2, 6, 6, 1))
    other = inputs.at[1].set(0.0)
    both, alone = _apply(model, variables, inputs, other)
    np.testing.assert_array_equal(both[0], alone[0])
    assert jnp.abs(both[1] - alone[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "unett"}, "model.name: .*'unett'.*did you mean 'unet'"),
        ({"widht": 8}, "model.widht: .*did you mean 'width'"),
        ({"output_channels": 8}, "model.output_channels: .*no such field"),
        ({"norm": "grup"}, "model.norm: 'grup'.*did you mean 'group'"),
        ({"dtype": "float16"}, "model.dtype: .*did you mean 'bfloat16'"),
        ({"depth": 0}, "model.depth: 0 is not"),
        ({"width": 8.0}, "model.width: 8.0 is not"),
        ({"width": True}, "model.width: True is not"),
        ({"width": "8"}, "model.width: '8' is not"),
    ],
)
def test_model_config_that_is_bad_is_one_clear_line(change, message):
    with pytest.raises(UserError, match=message):
        build_model({"name": "unet", "width": 8} | change, output_channels=1)


def test_model_config_without_a_name_is_an_error():
    with pytest.raises(UserError, match="model.name"):
        build_model({"width": 8}, output_channels=1)


def test_cnn_has_no_block():
    with pytest.raises(UserError, match=r"model.block: 'cnn' has no such field"):
        build_model({"name": "cnn", "block": "dense"}, output_channels=1)
