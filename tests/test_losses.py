"""Losses against NumPy and optax."""

import jax
import numpy as np
import optax
import pytest

from colorjax.tasks.losses import CHARBONNIER_EPSILON, LOSSES

RNG = np.random.default_rng(0)
OUTPUTS, TARGETS = RNG.normal(size=(2, 3, 5, 4, 2)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("squared_error", optax.squared_error),
        ("l1", lambda x, y: np.abs(x - y)),
        ("charbonnier", lambda x, y: np.sqrt((x - y).astype(np.float64) ** 2 + 1e-6)),
    ],
)
def test_loss_of_each_example_is_the_mean_of_the_formula(name, formula):
    ours = LOSSES[name](OUTPUTS, TARGETS)
    np.testing.assert_allclose(ours, np.mean(formula(OUTPUTS, TARGETS), axis=(1, 2, 3)), rtol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_smallest_and_with_a_finite_derivative_at_equality(name):
    loss, gradient = jax.value_and_grad(lambda x: LOSSES[name](x, TARGETS).sum())(TARGETS)
    assert np.all(np.isfinite(gradient))
    assert loss <= 3 * CHARBONNIER_EPSILON * 1.001
    assert np.all(LOSSES[name](OUTPUTS, TARGETS) > CHARBONNIER_EPSILON)


def test_charbonnier_is_l1_for_large_differences():
    np.testing.assert_allclose(
        LOSSES["charbonnier"](OUTPUTS * 1e3, TARGETS), LOSSES["l1"](OUTPUTS * 1e3, TARGETS), rtol=1e-3
    )


@pytest.mark.parametrize("name", LOSSES)
def test_loss_of_different_shapes_is_told(name):
    with pytest.raises(ValueError, match=r"one shape .*\(3, 5, 4, 2\) and \(3, 5, 4, 1\)"):
        LOSSES[name](OUTPUTS, TARGETS[..., :1])
    with pytest.raises(ValueError, match="one shape"):
        LOSSES[name](OUTPUTS[0], TARGETS[0])
