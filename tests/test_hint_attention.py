"""Attention to hints, against its formula written with loops, and what it promises whatever its weights are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from colorjax.color import ab_bins
from colorjax.models.hint_attention import HEADS, HintAttention

HEIGHT, WIDTH, LENGTH = 3, 4, 5


@pytest.fixture(scope="module")
def attention():
    """The module, random variables and features [2, 3, 4, 6]."""
    module = HintAttention(width=LENGTH)
    features = jnp.asarray(np.random.default_rng(0).normal(size=(2, HEIGHT, WIDTH, 6)), jnp.float32)
    variables = module.init(jax.random.key(0), features, jnp.zeros((2, HEIGHT, WIDTH, 3)))
    random = np.random.default_rng(1)
    variables = jax.tree.map(lambda leaf: random.normal(size=leaf.shape).astype(np.float32), variables)
    return jax.jit(lambda hints: module.apply(variables, features, hints)), variables["params"], np.asarray(features)


def hinted(*places):
    """Return hints [2, 3, 4, 3] at places (row, column, a, b) of the first image."""
    hints = np.zeros((2, HEIGHT, WIDTH, 3), np.float32)
    for row, column, a, b in places:
        hints[0, row, column] = (a, b, 1)
    return hints


def test_is_the_softmax_over_hinted_places_and_none(attention):
    apply, weights, features = attention
    hints = hinted((0, 1, 40.0, -20.0), (2, 3, -10.0, 30.0))
    votes, told = apply(hints)
    flat = features[0].reshape(HEIGHT * WIDTH, -1).astype(np.float64)

    def project(name):
        projected = flat @ np.asarray(weights[name]["kernel"], np.float64) + np.asarray(weights[name]["bias"])
        return projected.reshape(HEIGHT * WIDTH, HEADS, -1)

    query, key, none = project("query"), project("key"), project("none")
    cells = [(0, 1), (2, 3)]
    expected_votes = np.zeros((HEIGHT, WIDTH, ab_bins.count()))
    expected = np.zeros((HEIGHT, WIDTH, HEADS, 3))
    for row in range(HEIGHT):
        for column in range(WIDTH):
            for head in range(HEADS):
                scores = [none[row * WIDTH + column, head, 0]]
                for y, x in cells:
                    product = query[row * WIDTH + column, head] @ key[y * WIDTH + x, head]
                    distance = np.hypot((row - y) / HEIGHT, (column - x) / WIDTH)
                    scores.append(product / np.sqrt(LENGTH) - np.exp(weights["log_rates"][head]) * distance)
                shares = np.exp(scores) / np.exp(scores).sum()
                for share, (y, x) in zip(shares[1:], cells, strict=True):
                    color = hints[0, y, x, :2]
                    near = np.exp(-np.sum((color - ab_bins.centers()) ** 2, axis=-1) / (2 * 12.0**2))
                    expected_votes[row, column] += weights["strengths"][head] * share * near
                    expected[row, column, head] += share * np.append(color / 27.5, 1)
    np.testing.assert_allclose(votes[0], expected_votes, atol=1e-4)
    np.testing.assert_allclose(told[0], expected.reshape(HEIGHT, WIDTH, -1), atol=1e-4)


def test_an_image_without_hints_is_told_nothing(attention):
    apply, _, _ = attention
    for output in apply(hinted((0, 1, 40.0, -20.0))):
        assert np.abs(output[0]).max() > 0
        assert not np.asarray(output[1]).any()


def test_a_new_network_counts_a_hint_more_where_it_is_near():
    module = HintAttention()
    features = jnp.zeros((1, 8, 8, 6))
    hints = np.zeros((1, 8, 8, 3), np.float32)
    hints[0, 0, 0] = (60, 40, 1)
    votes, _ = module.apply(module.init(jax.random.key(0), features, hints), features, hints)
    at_color = np.linalg.norm(ab_bins.centers() - (60, 40), axis=-1) < 1
    along = np.asarray(votes)[0, 0, :, at_color][0]
    assert (np.diff(along) < 0).all()
    assert along[0] > 1


def test_only_hinted_positions_are_needed():
    hints = np.zeros((2, 8, 8, 3), np.float32)
    for number, (row, column) in enumerate([(0, 0), (3, 5), (7, 2)]):
        hints[number % 2, row, column] = (40 - 30 * number, 20, 1)
    features = jnp.asarray(np.random.default_rng(0).normal(size=(2, 8, 8, 6)), jnp.float32)
    module = HintAttention()
    variables = module.init(jax.random.key(0), features, hints)
    for all_of_them, few in zip(
        module.apply(variables, features, hints), HintAttention(most=2).apply(variables, features, hints), strict=True
    ):
        np.testing.assert_allclose(few, all_of_them, atol=1e-5)
