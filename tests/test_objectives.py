"""Objectives: parts and their gradients, weighted terms, sown outputs; with an adversarial one of a few lines."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from support import tiny_training as tiny

from colorjax.config.defaults import run_config
from colorjax.config.files import load
from colorjax.config.rows import table_runs
from colorjax.config.tables import model_config, objective_config
from colorjax.errors import Interrupted, UserError
from colorjax.models import MODELS
from colorjax.models.network import AUXILIARY, Network, initial_variables
from colorjax.objectives import OBJECTIVES, Objective, Supervised, Terms, build_objective, only
from colorjax.tasks import Denoise, Example
from colorjax.training import load_network, loop, parallel
from colorjax.training.checkpoints import Checkpoints
from colorjax.training.optimizer import build_optimizer
from colorjax.training.state import create_state
from colorjax.training.step import make_step

TASK = Denoise("squared_error", "gaussian", (0.0, 0.2))


class Critic(nn.Module):
    """A logit for each picture: does it look true?"""

    @nn.compact
    def __call__(self, pictures):
        features = nn.relu(nn.Conv(4, (3, 3), strides=2, kernel_init=tiny.SMALL)(pictures))
        return nn.Dense(1, kernel_init=tiny.SMALL)(features.mean(axis=(1, 2)))[:, 0]


@dataclasses.dataclass(frozen=True)
class Adversarial(Objective):
    """The task's loss and, for the critic's sake, `weight` times how well it tells (Isola et al. 2017, equation 4)."""

    parts: ClassVar = ("generator", "discriminator")
    weight: float = 0.1

    def initial_variables(self, key, inputs, frozen):
        critic = Critic().init(jax.random.fold_in(key, 1), inputs)
        return {"generator": initial_variables(self.model, key, frozen, inputs), "discriminator": critic}

    def initial_memory(self):
        return {"steps": jnp.zeros((), jnp.int32)}

    def __call__(self, params, batch_stats, example, conditioning, keys, memory):
        losses, updates = self.generator_and_critic(params, batch_stats, example)
        return Terms(losses, {}, updates | {"discriminator": {}}, {"steps": memory["steps"] + 1})

    def generator_and_critic(self, params, batch_stats, example):
        def told(params):
            variables = {"params": params["generator"], "batch_stats": batch_stats["generator"]}
            outputs, updates = self.model.apply(variables, example.inputs, train=True, mutable=["batch_stats"])
            return outputs, Critic().apply({"params": params["discriminator"]}, example.inputs + outputs), updates

        outputs, fooled, updates = told(only(params, "generator"))
        _, told_apart, _ = told(only(params, "discriminator"))
        true = Critic().apply({"params": params["discriminator"]}, example.inputs + example.targets)
        bce = optax.sigmoid_binary_cross_entropy
        of_task = jnp.mean(self.task.loss(outputs, example.targets))
        return {
            "generator": of_task + self.weight * jnp.mean(bce(fooled, jnp.ones_like(fooled))),
            "discriminator": jnp.mean(bce(true, jnp.ones_like(true)) + bce(told_apart, jnp.zeros_like(true))) / 2,
        }, {"generator": updates["batch_stats"]}


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(OBJECTIVES, "adversarial", Adversarial)
    monkeypatch.setitem(MODELS, "tiny", tiny.TinyNetwork)


def adversarial_config(**changes):
    config = tiny.config(**changes)
    config.objective = objective_config("adversarial", weight=0.05)
    config.optimizer.parts = {"discriminator": {"learning_rate": 2e-3, "schedule": "constant"}}
    return config


def example_of(seed=0, batch=8):
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(seed), np.arange(batch))
    pictures = np.random.default_rng(seed).uniform(size=(batch, 6, 6, 3)).astype(np.float32)
    return TASK.example(keys, jnp.asarray(pictures)), keys


def variables_of(objective):
    found = objective.initial_variables(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), {})
    return [{part: tree.get(name, {}) for part, tree in found.items()} for name in ("params", "batch_stats")]


def test_objective_gives_each_part_the_gradient_of_its_own_loss_alone():
    objective = Adversarial(tiny.TinyNetwork(3), TASK)
    params, batch_stats = variables_of(objective)
    example, keys = example_of()

    def losses(params):
        return objective(params, batch_stats, example, {}, keys, objective.initial_memory()).losses

    together = jax.jit(jax.grad(lambda params: sum(losses(params).values())))(params)
    for part in objective.parts:
        alone = jax.jit(jax.grad(lambda tree, part=part: losses({**params, part: tree})[part]))(params[part])
        for ours, expected in zip(jax.tree.leaves(together[part]), jax.tree.leaves(alone), strict=True):
            assert np.abs(expected).max() > 0
            np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-8)


def trained(devices, count=6):
    config = adversarial_config()
    objective = build_objective(config.objective, tiny.TinyNetwork(3, parallel.AXIS), TASK, parallel.AXIS)
    optimizer, schedule = build_optimizer(config.optimizer, count, objective.parts)
    state = parallel.replicate(create_state(3, objective, optimizer, averaged=True), devices)
    clean = lambda batch, resident: batch["picture"]  # noqa: E731
    step = parallel.map_step(make_step(objective, optimizer, schedule, clean, 3, 0.9, parallel.mean), devices)
    stream, history = iter(tiny.data().patches({}, 3, tiny.BATCH, 0, count, 0, 1)), []
    for batch in parallel.prefetch(stream, devices):
        state, metrics = step(state, batch, None)
        history.append(parallel.first(metrics))
    return parallel.first(state), history


@pytest.mark.slow
def test_objective_with_two_parts_trains_alike_on_one_device_and_on_eight():
    one, history = trained(jax.devices()[:1])
    eight, _ = trained(jax.devices())
    for ours, expected in zip(jax.tree.leaves(eight), jax.tree.leaves(one), strict=True):
        np.testing.assert_allclose(ours, expected, atol=2e-5, rtol=0)
    assert one.memory["steps"] == len(history)
    assert {"loss", "loss.discriminator", "grad_norm", "learning_rate"} <= set(history[0])
    start = create_state(3, Adversarial(tiny.TinyNetwork(3), TASK), optax.identity(), averaged=False)
    for part in Adversarial.parts:
        moved = jax.tree.map(lambda a, b: float(np.abs(a - np.asarray(b)).max()), one.params[part], start.params[part])
        assert min(jax.tree.leaves(moved)) > 0


@pytest.mark.slow
def test_objective_with_two_parts_goes_on_bit_for_bit(tmp_path):
    config = adversarial_config()

    def state_in(workdir):
        with Checkpoints(workdir, config, "psnr", "generator") as checkpoints:
            objective = Adversarial(tiny.TinyNetwork(3, parallel.AXIS), TASK)
            optimizer, _ = build_optimizer(config.optimizer, tiny.STEPS, objective.parts)
            return checkpoints.restore(lambda: create_state(3, objective, optimizer, averaged=True))

    loop.train(config, tmp_path / "whole", tiny.data(), tiny.validate, jax.devices()[:2])

    def stop(step, metrics):
        if step == 10:
            raise Interrupted("stop", "SIGTERM")

    with pytest.raises(Interrupted):
        loop.train(config, tmp_path / "parts", tiny.data(), tiny.validate, jax.devices()[:2], on_validation=stop)
    loop.train(config, tmp_path / "parts", tiny.data(), tiny.validate, jax.devices()[:2])
    (steps, whole), (again, parts) = state_in(tmp_path / "whole"), state_in(tmp_path / "parts")
    assert steps == again == tiny.STEPS
    for ours, expected in zip(jax.tree.leaves(parts), jax.tree.leaves(whole), strict=True):
        np.testing.assert_array_equal(ours, expected)
    _, variables, _ = load_network(tmp_path / "whole", "last")
    assert set(variables["params"]) == {"Conv_0", "Conv_1", "BatchNorm_0"}  # the generator alone


def test_optimizer_of_a_part_has_its_own_settings():
    config = adversarial_config().optimizer
    config.update({"warmup_steps": 0, "schedule": "constant", "clip_norm": 0.0})
    optimizer, _ = build_optimizer(config, 10, Adversarial.parts)
    params = {part: {"w": jnp.zeros(3)} for part in Adversarial.parts}
    updates, _ = optimizer.update(jax.tree.map(jnp.ones_like, params), optimizer.init(params), params)
    np.testing.assert_allclose(updates["generator"]["w"], -1e-2, rtol=1e-4)  # Adam's first step is its rate
    np.testing.assert_allclose(updates["discriminator"]["w"], -2e-3, rtol=1e-4)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"discriminater": {}}, "no part 'discriminater'; did you mean 'discriminator'"),
        ({"discriminator": {"learning_rte": 1.0}}, r"parts\.discriminator\.learning_rte: .*'learning_rate'"),
        ({"discriminator": {"learning_rate": "fast"}}, r"parts\.discriminator\.learning_rate"),
    ],
)
def test_optimizer_refuses_parts_that_are_not_there(parts, message):
    config = adversarial_config().optimizer
    config.parts = parts
    with pytest.raises(UserError, match=message):
        build_optimizer(config, 10, Adversarial.parts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "supervized"}, "did you mean 'supervised'"),
        ({"name": "supervised", "weights": {}}, "config.objective.weights"),
        ({"name": "supervised", "terms": {"tsk": 1.0}}, "did you mean 'task'"),
        ({"name": "supervised", "terms": {"task": 0.0}}, "no term has a weight"),
    ],
)
def test_objective_settings_that_make_no_sense_are_one_line(settings, message):
    with pytest.raises(UserError, match=message):
        build_objective(settings, tiny.TinyNetwork(3), TASK)


class Classifying(Network):
    """A network whose classifier is for training alone."""

    output_channels: int
    axis_name: str | None = None
    classes: int = 3

    @nn.compact
    def __call__(self, inputs, train):
        features = nn.relu(nn.Conv(4, (3, 3), kernel_init=tiny.SMALL)(inputs))
        logits = nn.Dense(self.classes, kernel_init=tiny.SMALL, name="classifier")(features.mean(axis=(1, 2)))
        self.sow(AUXILIARY, "class_logits", logits)
        return nn.Conv(self.output_channels, (3, 3), kernel_init=tiny.SMALL)(features)


def test_classification_is_the_cross_entropy_of_what_the_model_sows():
    objective = Supervised(Classifying(3), TASK, terms={"task": 1.0, "classification": 1 / 300})
    params, batch_stats = variables_of(objective)
    assert set(params["network"]) == {"Conv_0", "Conv_1", "classifier"}  # nothing sown is kept
    example, keys = example_of(batch=4)
    labels = np.int32([2, 0, -1, 1])
    terms = objective(params, batch_stats, example._replace(labels={"class": labels}), {}, keys, ())
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
    example = example._replace(labels={"class": np.int32([0, 1, 2, 0])})

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
        (tiny.TinyNetwork(3), {"class": np.int32([0, 1])}, "the model sows no 'class_logits'"),
        (Classifying(3), {}, "the training photographs have no classes"),
    ]:
        objective = Supervised(model, TASK, terms={"classification": 1.0})
        params, batch_stats = variables_of(objective)
        with pytest.raises(UserError, match=message):
            objective(params, batch_stats, Example(*example[:2], labels), {}, keys, ())


def test_objective_may_differ_between_the_rows_of_a_table(tmp_path):
    (tmp_path / "rows.py").write_text(
        "from colorjax.config import *\n"
        "def get_config(variant=''):\n"
        "    config = table_config()\n"
        "    config.rows.plain = {'label': 'Plain', 'model': model_config('unet')}\n"
        "    config.rows.gan = {'label': 'GAN', 'model': model_config('unet'),\n"
        "        'objective': objective_config('adversarial', weight=0.2)}\n"
        "    return config.lock()\n"
    )
    runs = table_runs(load(f"{tmp_path / 'rows.py'}"), tmp_path)
    assert runs["plain"][0].config.objective.to_dict() == run_config().objective.to_dict()
    assert runs["gan"][0].config.objective.to_dict() == {"name": "adversarial", "weight": 0.2}
    assert model_config("unet").name == "unet"
