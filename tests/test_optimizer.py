import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_training import config

from colorjax.errors import UserError
from colorjax.training.optimizer import (
    build_optimizer,
    build_schedule,
    require_modules,
    update_average,
    with_constants,
)


def section(**changes):
    values = {"learning_rate": 0.1, "schedule": "constant", "warmup_steps": 0, "clip_norm": 0.0, "weight_average": 0.0}
    values |= {"name": "adam", "adam_learning_rate": 0.01, "weight_decay": 0.0}
    return config(**{f"optimizer__{key}": value for key, value in (values | changes).items()}).optimizer


def rates(settings, steps):
    schedule = build_schedule(settings, steps)
    return np.array([float(schedule(jnp.int32(count))) for count in range(steps)])


def test_constant_schedule():
    np.testing.assert_allclose(rates(section(), 5), 0.1, rtol=1e-6)


def test_cosine_schedule_follows_the_formula():
    expected = 0.1 * (1 + np.cos(np.pi * np.arange(9) / 9)) / 2
    np.testing.assert_allclose(rates(section(schedule="cosine"), 9), expected, atol=1e-7)


def test_linear_schedule_falls_in_equal_parts():
    np.testing.assert_allclose(rates(section(schedule="linear"), 5), 0.1 * (1 - np.arange(5) / 5), atol=1e-7)


def test_constant_then_linear_schedule_is_that_of_cycle_gan():
    schedule = build_schedule(section(schedule="constant_then_linear", learning_rate=2e-4), 200)
    found = [float(schedule(jnp.int32(epoch))) for epoch in (0, 50, 100, 150, 200)]
    np.testing.assert_allclose(found, [2e-4, 2e-4, 2e-4, 1e-4, 0], atol=1e-10)


def test_adam_keeps_the_share_of_the_mean_gradient_that_the_config_says():
    parameters = jnp.zeros(1)
    gradients = [jnp.ones(1), -jnp.ones(1)]
    (_, second) = updates_of(section(adam_beta1=0.5), parameters, gradients)
    # The mean is 0.5 * 0.5 - 0.5 * 1 = -0.25 by the correction 1 - 0.5^2, the root of the mean square is one.
    np.testing.assert_allclose(second, 0.1 * 0.25 / 0.75, rtol=1e-4)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear", "constant_then_linear"])
def test_warmup_rises_in_equal_parts_then_follows_the_schedule(schedule):
    values = rates(section(schedule=schedule, warmup_steps=4), 12)
    np.testing.assert_allclose(values[:4], 0.1 * np.arange(1, 5) / 5, rtol=1e-6)
    np.testing.assert_allclose(values[4:], rates(section(schedule=schedule), 8), rtol=1e-5)


def test_warmup_longer_than_the_run_is_all_warmup():
    np.testing.assert_allclose(rates(section(schedule="cosine", warmup_steps=9), 3), [0.01, 0.02, 0.03], rtol=1e-6)


@pytest.mark.parametrize("clip_norm", [0.0, 0.5])
def test_updates_are_those_of_adam_as_published(clip_norm):
    optimizer, _ = build_optimizer(section(clip_norm=clip_norm), 10)
    parameters = jnp.array([1.0, -2.0, 3.0])
    state = optimizer.init(parameters)
    expected, m, v = np.asarray(parameters, np.float64), 0.0, 0.0
    draw = np.random.default_rng(0)
    for t in range(1, 5):
        gradient = draw.normal(size=3) * 10.0 ** (1 - t)  # clipped at first, not later
        updates, state = optimizer.update(jnp.asarray(gradient, jnp.float32), state, parameters)
        parameters = optax.apply_updates(parameters, updates)
        if clip_norm:
            gradient = gradient * min(1, clip_norm / np.linalg.norm(gradient))
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        expected = expected - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(parameters, expected, rtol=1e-5)


def updates_of(settings, parameters, gradients):
    """Return what the optimizer adds to `parameters` for each of `gradients`, all at the same parameters."""
    optimizer, _ = build_optimizer(settings, 10)
    state, found = optimizer.init(parameters), []
    for gradient in gradients:
        updates, state = optimizer.update(gradient, state, parameters)
        found.append(jax.tree.map(np.asarray, updates))
    return found


# The shapes of a convolution's kernel (rows, columns, inputs, outputs) and of dense ones, tall and wide.
@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (1, 1, 6, 12), (16, 8), (4, 16)])
def test_muon_makes_orthogonal_matrices_of_kernels(shape):
    gradient = jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)
    (update,) = updates_of(section(name="muon"), gradient, [gradient])
    rows, columns = np.prod(shape[:-1]), shape[-1]
    left, _, right = np.linalg.svd(np.asarray(gradient).reshape(rows, columns), full_matrices=False)
    # Jordan et al.: the update is about -rate U V^T, longer where there are more columns than rows. Five iterations
    # bring each singular value to between 0.5 and 1.5, as optax documents it, and no direction to another.
    matrix = update.reshape(rows, columns) / (-0.1 * np.sqrt(max(1, columns / rows)))
    turned = left.T @ matrix @ right.T
    values = np.diag(turned)
    assert np.all((values > 0.5) & (values < 1.5))
    np.testing.assert_allclose(turned, np.diag(values), atol=1e-3)
    np.testing.assert_allclose(
        left @ turned @ right * -0.1 * np.sqrt(max(1, columns / rows)), update.reshape(rows, -1), atol=1e-4
    )


def test_muon_follows_the_momentum_whatever_the_length_of_the_gradient():
    gradients = [jnp.asarray(np.random.default_rng(i).normal(size=(6, 4)), jnp.float32) for i in range(3)]
    small = [1e-3 * gradient for gradient in gradients]
    long, short = (updates_of(section(name="muon"), gradients[0], each) for each in (gradients, small))
    for one, other in zip(long, short, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    # Without the momentum of the two before it, the third gradient gives another update.
    (alone,) = updates_of(section(name="muon"), gradients[0], gradients[2:])
    assert np.abs(long[2] - alone).max() > 1e-3


def test_muon_leaves_what_is_no_kernel_to_adam_at_a_rate_of_its_own():
    parameters = {"kernel": jnp.eye(3), "bias": jnp.ones(3)}
    gradient = {"kernel": jnp.eye(3), "bias": jnp.array([1.0, -2.0, 3.0])}
    settings = section(name="muon", warmup_steps=4, adam_learning_rate=0.01)
    found = updates_of(settings, parameters, [gradient] * 3)
    for count, update in enumerate(found, 1):
        # With one gradient throughout, each of Adam's steps is the whole rate; the rate rises in equal parts.
        np.testing.assert_allclose(update["bias"], -0.01 * count / 5 * np.array([1, -1, 1]), rtol=1e-4)


@pytest.mark.parametrize("name", ["adam", "muon"])
def test_weight_decay_takes_a_share_of_kernels_alone(name):
    parameters = {"kernel": jnp.full((3, 2), 2.0), "bias": jnp.full(2, 2.0)}
    gradient = jax.tree.map(lambda leaf: jnp.linspace(0.5, 1.0, leaf.size).reshape(leaf.shape), parameters)
    (plain,), (decayed,) = (
        updates_of(section(name=name, weight_decay=decay), parameters, [gradient]) for decay in (0.0, 0.3)
    )
    np.testing.assert_allclose(decayed["kernel"] - plain["kernel"], -0.1 * 0.3 * 2.0, rtol=1e-4)
    np.testing.assert_allclose(decayed["bias"], plain["bias"], rtol=1e-6)


@given(
    decay=st.floats(0.1, 0.99999),
    values=st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=6),
    untrained=st.floats(-1e6, 1e6, width=32),
)
def test_average_is_the_weighted_mean_of_all_steps(decay, values, untrained):
    average = {"w": jnp.float32(untrained)}
    for step, value in enumerate(values, 1):
        average = update_average(average, {"w": jnp.float32(value)}, jnp.int32(step), decay)
    weights = decay ** np.arange(len(values) - 1, -1, -1, dtype=np.float64)
    expected = np.sum(weights * np.array(values)) / np.sum(weights)
    # The value before the first step is subtracted from itself in float32.
    assert abs(float(average["w"]) - expected) <= 1e-4 + 1e-6 * abs(untrained)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "muom"}, "config.optimizer.name='muom'; did you mean 'muon'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1: must be 0 "),
        ({"adam_learning_rate": 0.0}, "adam_learning_rate=0.0: must be above 0"),
        ({"adam_beta1": 1.0}, r"adam_beta1=1.0: must be in \[0, 1\)"),
        ({"learning_rate": 0.0}, "config.optimizer.learning_rate=0.0: must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"warmup_steps": -1}, "warmup_steps=-1"),
        ({"clip_norm": -1.0}, "clip_norm=-1.0"),
        ({"weight_average": 1.0}, "weight_average=1.0: must be in"),
    ],
)
def test_bad_settings_are_user_errors(change, message):
    with pytest.raises(UserError, match=message):
        build_optimizer(section(**change), 10)


@pytest.mark.parametrize("name", ["adam", "muon"])
def test_step_counts_divide_floats_under_strict_promotion(name):
    assert jax.config.jax_numpy_dtype_promotion == "strict"
    optimizer, _ = build_optimizer(section(name=name, schedule="cosine", warmup_steps=2), 10)
    parameters = {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}
    updates, _ = jax.eval_shape(optimizer.update, parameters, optimizer.init(parameters), parameters)
    assert {leaf.dtype for leaf in jax.tree.leaves(updates)} == {jnp.dtype("float32")}


def of_modules(modules, **changes):
    """One step from ones, with a gradient of ones, on a network of two modules."""
    settings = section(**changes)
    with settings.unlocked():
        settings.modules = modules
    optimizer, _ = build_optimizer(settings, 10)
    params = {"network": {name: {"kernel": jnp.ones((2, 2))} for name in ("encoder", "decoder")}}
    updates, state = optimizer.update(params, optimizer.init(params), params)
    return jax.tree.map(lambda x: float(x[0, 0]), optax.apply_updates(params, updates)["network"]), state


def test_module_has_a_rate_of_its_own_and_none_at_zero():
    moved, _ = of_modules({"encoder": {"learning_rate": 0.02}})
    np.testing.assert_allclose([moved["decoder"]["kernel"], moved["encoder"]["kernel"]], [0.9, 0.98], rtol=1e-5)
    kept, state = of_modules({"encoder": {"learning_rate": 0.0}})
    np.testing.assert_allclose([kept["decoder"]["kernel"], kept["encoder"]["kernel"]], [0.9, 1], rtol=1e-5)
    # What is kept has no moments either: two of the decoder's are all.
    assert sum(leaf.ndim == 2 for leaf in jax.tree.leaves(state)) == 2
    for name in ("adam", "muon"):
        kept, _ = of_modules({"encoder": {"learning_rate": 0.0}}, name=name, weight_decay=0.5)
        assert kept["encoder"]["kernel"] == 1 != kept["decoder"]["kernel"]


def test_module_of_rate_zero_is_a_constant_for_the_gradient():
    settings = section()
    with settings.unlocked():
        settings.modules = {"encoder": {"learning_rate": 0.0}}

    def loss(params):
        params = with_constants(settings, params)["network"]
        return params["encoder"] * params["decoder"]

    gradient = jax.grad(loss)({"network": {"encoder": 3.0, "decoder": 5.0}})["network"]
    assert (float(gradient["encoder"]), float(gradient["decoder"])) == (0, 3)


@pytest.mark.parametrize(
    ("modules", "line"),
    [
        ({"encoder": {"learning_rat": 0.1}}, "modules.encoder.learning_rat: no such setting; did you mean"),
        ({"encoder": {"weight_average": 0.1}}, "modules.encoder.weight_average: no such setting"),
        ({"encoder": {"learning_rate": -0.1}}, "learning_rate=-0.1: must be above 0"),
        ({"encoder": 0.1}, "modules.encoder: needs a section"),
    ],
)
def test_bad_modules_are_one_line(modules, line):
    with pytest.raises(UserError, match=line):
        of_modules(modules)


def test_module_that_the_network_has_not_is_named():
    settings = section()
    with settings.unlocked():
        settings.modules = {"encode": {"learning_rate": 0.0}}
    with pytest.raises(UserError, match="the network has no module 'encode'; did you mean 'encoder'"):
        require_modules(settings, {"encoder": {"stem": {"kernel": 1}}})


def test_innermost_module_counts():
    settings = section()
    with settings.unlocked():
        settings.modules = {"encoder": {"learning_rate": 0.02}, "stem": {"learning_rate": 0.0}}
    optimizer, _ = build_optimizer(settings, 10)
    kernel = {"kernel": jnp.ones((2, 2))}
    params = {"network": {"encoder": {"stem": kernel, "head": kernel}, "output": kernel}}
    updates, _ = optimizer.update(params, optimizer.init(params), params)
    moved = jax.tree.map(lambda x: -float(x[0, 0]), updates["network"])
    np.testing.assert_allclose(
        [moved["encoder"]["stem"]["kernel"], moved["encoder"]["head"]["kernel"], moved["output"]["kernel"]],
        [0, 0.02, 0.1],
        atol=1e-6,
    )
    gradient = jax.grad(lambda params: sum(leaf.sum() for leaf in jax.tree.leaves(with_constants(settings, params))))(
        params
    )["network"]
    assert not np.asarray(gradient["encoder"]["stem"]["kernel"]).any()
    assert np.asarray(gradient["encoder"]["head"]["kernel"]).all()
