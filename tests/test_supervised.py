"""The supervised objective: weighted terms, and what networks sow for them."""

import jax
import numpy as np
import pytest
from support import tiny_training as tiny
from support.tiny_objectives import TASK, Classifying, WithHead, example_of, variables_of

from colorjax.errors import UserError
from colorjax.models.network import AUXILIARY
from colorjax.objectives import Supervised
from colorjax.tasks import Example


def test_classification_is_the_cross_entropy_of_what_the_model_sows():
    objective = Supervised(Classifying(3), TASK, terms={"task": 1.0, "classification": 1 / 300})
    params, batch_stats = variables_of(objective)
    assert set(params["network"]) == {"Conv_0", "Conv_1", "classifier"}  # nothing sown is kept
    example, keys = example_of(batch=4)
    labels = np.array([2, 0, -1, 1])
    one_hot = np.float32(labels[:, None] == np.arange(3))  # the third has no class
    terms = objective(params, batch_stats, example._replace(labels={"class": one_hot}), {}, keys, ())
    _, sown = objective.model.apply({"params": params["network"]}, example.inputs, train=True, mutable=[AUXILIARY])
    (logits,) = sown[AUXILIARY]["class_logits"]
    logits = np.asarray(logits, np.float64)
    log_softmax = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = -sum(log_softmax[i, label] for i, label in enumerate(labels) if label >= 0) / 4
    assert float(terms.logged["classification"]) == pytest.approx(expected, rel=1e-5)
    loss = float(terms.logged["task"]) + expected / 300
    assert float(terms.losses["network"]) == pytest.approx(loss, rel=1e-6)


def test_classification_without_weight_changes_nothing():
    example, keys = example_of(batch=4)
    example = example._replace(labels={"class": np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]})

    def gradient(terms):
        objective = Supervised(Classifying(3), TASK, terms=terms)
        params, batch_stats = variables_of(objective)
        total = lambda params: objective(params, batch_stats, example, {}, keys, ()).losses["network"]  # noqa: E731
        return jax.jit(jax.grad(total))(params)["network"]

    without, zero, some = (
        gradient({"task": 1.0}),
        gradient({"task": 1.0, "classification": 0.0}),
        gradient({"task": 1.0, "classification": 0.1}),
    )
    for ours, expected in zip(jax.tree.leaves(zero), jax.tree.leaves(without), strict=True):
        np.testing.assert_array_equal(ours, expected)
    assert not any(np.asarray(leaf).any() for leaf in jax.tree.leaves(zero["classifier"]))
    assert all(np.asarray(leaf).any() for leaf in jax.tree.leaves(some["classifier"]))


def test_classification_says_what_it_lacks():
    example, keys = example_of(batch=2)
    for model, labels, message in [
        (tiny.TinyNetwork(3), {"class": np.eye(2, dtype=np.float32)}, "the model sows no 'class_logits'"),
        (Classifying(3), {}, "the training photographs have no classes"),
        (Classifying(3), {"class": np.eye(2, dtype=np.float32)}, "has 3 classes and the training photographs 2"),
    ]:
        objective = Supervised(model, TASK, terms={"classification": 1.0})
        params, batch_stats = variables_of(objective)
        with pytest.raises(UserError, match=message):
            objective(params, batch_stats, Example(*example[:2], labels), {}, keys, ())


def test_sown_values_of_submodules_are_found_by_name():
    example, keys = example_of(batch=4)
    example = example._replace(labels={"class": np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]})
    objective = Supervised(WithHead(3), TASK, terms={"task": 1.0, "classification": 0.1})
    terms = objective(*variables_of(objective), example, {}, keys, ())
    assert 0.9 * np.log(3) < float(terms.logged["classification"]) < 1.1 * np.log(3)
    twice = Supervised(WithHead(3, heads=2), TASK)
    with pytest.raises(UserError, match="two parts of the network sow 'class_logits'"):
        twice(*variables_of(twice), example, {}, keys, ())
