import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_training import config

from colorjax.errors import UserError
from colorjax.training.optimizer import build_optimizer, build_schedule, update_average


def section(**changes):
    values = {"learning_rate": 0.1, "schedule": "constant", "warmup_steps": 0, "clip_norm": 0.0, "weight_average": 0.0}
    return config(**{f"optimizer__{key}": value for key, value in (values | changes).items()}).optimizer


def rates(settings, steps):
    schedule = build_schedule(settings, steps)
    return np.array([float(schedule(jnp.int32(count))) for count in range(steps)])


def test_constant_schedule():
    np.testing.assert_allclose(rates(section(), 5), 0.1, rtol=1e-6)


def test_cosine_schedule_follows_the_formula():
    expected = 0.1 * (1 + np.cos(np.pi * np.arange(9) / 9)) / 2
    np.testing.assert_allclose(rates(section(schedule="cosine"), 9), expected, atol=1e-7)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_warmup_rises_in_equal_parts_then_follows_the_schedule(schedule):
    values = rates(section(schedule=schedule, warmup_steps=4), 12)
    np.testing.assert_allclose(values[:4], 0.1 * np.arange(1, 5) / 5, rtol=1e-6)
    np.testing.assert_allclose(values[4:], rates(section(schedule=schedule), 8), rtol=1e-5)


def test_a_warmup_longer_than_the_run_is_all_warmup():
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
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
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


def test_step_counts_divide_floats_under_strict_promotion():
    assert jax.config.jax_numpy_dtype_promotion == "strict"
    optimizer, _ = build_optimizer(section(schedule="cosine", warmup_steps=2), 10)
    parameters = jnp.ones(2)
    updates, _ = jax.eval_shape(optimizer.update, parameters, optimizer.init(parameters), parameters)
    assert updates.dtype == jnp.float32
