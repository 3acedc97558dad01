"""Objectives: parts, their gradients and optimizers, memory, and how configs give them."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support import tiny_training as tiny
from support.interrupted_training import whole_and_resumed
from support.tiny_objectives import TASK, Adversarial, Classifying, example_of, variables_of

from colorjax.config.defaults import run_config
from colorjax.config.earlier import settings_of_any_version
from colorjax.config.files import load
from colorjax.config.rows import table_runs
from colorjax.config.serialization import to_plain
from colorjax.config.tables import model_config, objective_config
from colorjax.errors import UserError
from colorjax.models import MODELS
from colorjax.objectives import OBJECTIVES, Supervised, build_objective
from colorjax.training import load_network, loop, parallel
from colorjax.training.checks import check_objective
from colorjax.training.optimizer import build_optimizer
from colorjax.training.state import create_state
from colorjax.training.step import make_step


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(OBJECTIVES, "adversarial", Adversarial)
    monkeypatch.setitem(MODELS, "tiny", tiny.TinyNetwork)


def adversarial_config(**changes):
    config = tiny.config(**changes)
    config.objective = objective_config("adversarial", weight=0.05)
    config.optimizer.parts = {"discriminator": {"learning_rate": 2e-3, "schedule": "constant"}}
    return config


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
    objective = Adversarial(tiny.TinyNetwork(3, parallel.AXIS), TASK)
    whole, parts = whole_and_resumed(adversarial_config(), objective, tmp_path)
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
        ({"discriminator": 0.1}, r"parts\.discriminator: needs a section"),
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
        ({"name": "supervised", "terms": {"task": "1"}}, r"terms\.task='1': must be a number"),
        ({"name": "supervised", "terms": {"task": float("nan")}}, r"terms\.task=nan: must be a number"),
        ({"name": "supervised", "terms": {"task": -1.0}}, r"terms\.task=-1\.0: must be a number"),
        ({"name": "supervised", "terms": 1.0}, r"objective\.terms: needs a section"),
        ({"name": "adversarial", "weight": "much"}, r"objective\.weight: needs a number"),
        ({"terms": {"task": 1.0}}, "config.objective has no name"),
    ],
)
def test_objective_settings_that_make_no_sense_are_one_line(settings, message):
    with pytest.raises(UserError, match=message):
        build_objective(settings, tiny.TinyNetwork(3), TASK)


def run_of(model, **objective):
    config = run_config().unlock()
    config.model, config.objective = model_config(model), objective_config(**objective)
    config.data.patch_size = 8
    return config.lock()


@pytest.mark.parametrize(
    ("model", "terms", "classes", "message"),
    [
        ("tiny", {"classification": 1.0}, 3, "the model sows no 'class_logits'"),
        ("classifying", {"classification": 1.0}, 0, "the training photographs have no classes"),
        ("classifying", {"classification": 1.0}, 5, "has 3 classes and the training photographs 5"),
    ],
)
def test_objective_that_cannot_run_is_found_before_training(monkeypatch, model, terms, classes, message):
    monkeypatch.setitem(MODELS, "classifying", Classifying)
    with pytest.raises(UserError, match=message):
        check_objective(run_of(model, name="supervised", terms=terms), classes)
    check_objective(run_of("classifying", name="supervised", terms={"task": 1.0, "classification": 1.0}), 3)
    check_objective(run_of("tiny", name="adversarial"), 0)


def test_objective_whose_losses_are_not_its_parts_is_found_before_training(monkeypatch):
    class Forgetful(Adversarial):
        def __call__(self, *arguments):
            terms = super().__call__(*arguments)
            return terms._replace(losses={"generator": terms.losses["generator"]})

    monkeypatch.setitem(OBJECTIVES, "forgetful", Forgetful)
    with pytest.raises(UserError, match="its losses are of generator, its parts discriminator, generator"):
        check_objective(run_of("tiny", name="forgetful"), 0)


def test_objective_gets_other_keys_than_the_noise():
    seen = {}

    class Watching(Supervised):
        def __call__(self, params, batch_stats, example, conditioning, keys, memory):
            seen["again"] = self.task.degrade(keys, jnp.zeros_like(example.inputs))
            seen["inputs"] = example.inputs
            return super().__call__(params, batch_stats, example, conditioning, keys, memory)

    objective, optimizer = Watching(tiny.TinyNetwork(3), TASK), optax.sgd(0.1)
    state = create_state(3, objective, optimizer, averaged=False)
    step = make_step(objective, optimizer, lambda _: 0.1, lambda batch, _: batch["picture"], 3, 0.0)
    with jax.disable_jit():
        step(state, {"index": np.arange(2, dtype=np.uint32), "picture": jnp.zeros((2, 6, 6, 3))}, None)
    correlation = np.corrcoef(np.ravel(seen["inputs"]), np.ravel(seen["again"]))[0, 1]
    assert abs(correlation) < 0.4


def trained_with_memory(tmp_path, monkeypatch, remembered):
    class Remembering(Supervised):
        def initial_memory(self):
            return jnp.zeros(8)

        def __call__(self, params, batch_stats, example, conditioning, keys, memory):
            terms = super().__call__(params, batch_stats, example, conditioning, keys, memory)
            return terms._replace(memory=remembered(self, example.inputs.mean(axis=(1, 2, 3))))

    monkeypatch.setitem(OBJECTIVES, "remembering", Remembering)
    config = tiny.config()
    config.objective = objective_config("remembering")
    loop.train(config, tmp_path, tiny.data(), tiny.validate, jax.devices()[:2])


def test_memory_of_the_whole_batch_is_the_same_on_all_devices(tmp_path, monkeypatch):
    trained_with_memory(tmp_path, monkeypatch, lambda objective, means: objective.over_devices(means))


def test_memory_that_differs_between_devices_is_refused(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="its memory differs between devices"):
        trained_with_memory(tmp_path, monkeypatch, lambda objective, means: jnp.concatenate([means, means]))


def test_optimizer_of_a_part_may_be_set_by_a_row_and_by_a_word(tmp_path):
    (tmp_path / "rows.py").write_text(
        "from colorjax.config import *\n"
        "def get_config(variant=''):\n"
        "    config = table_config()\n"
        "    config.rows.plain = {'label': 'Plain', 'model': model_config('unet')}\n"
        "    config.rows.gan = {'label': 'GAN', 'model': model_config('unet'),\n"
        "        'objective': objective_config('adversarial'),\n"
        "        'optimizer': {'parts': {'discriminator': {'learning_rate': 1e-4}}}}\n"
        "    config.rows.edges = {'label': 'Edges', 'model': model_config('unet'),\n"
        "        'objective': {'terms': {'classification': 0.5}}}\n"
        "    return config.lock()\n"
    )
    runs = table_runs(load(f"{tmp_path / 'rows.py'}"), tmp_path)
    assert runs["gan"][0].config.optimizer.parts.discriminator.learning_rate == 1e-4
    assert not runs["plain"][0].config.optimizer.parts
    assert runs["edges"][0].config.objective.terms.to_dict() == {"task": 1.0, "classification": 0.5}
    unet = f"{Path(__file__).parents[1]}/experiments/colorize_unet.py:smoke"
    words = ["--config.objective.terms.classification=1", "--config.optimizer.parts.network.clip_norm=2"]
    config = load(unet, words)
    assert config.objective.terms.classification == 1.0
    assert config.optimizer.parts.network.to_dict() == {"clip_norm": 2.0}
    for word in ("--config.optimizer.parts.network.clip=2", "--config.optimizer.parts.network.clip_norm=much"):
        with pytest.raises(UserError, match=word.split("=")[0]):
            load(unet, [word])


def test_objective_settings_that_are_new_count_as_their_defaults(monkeypatch):
    saved = to_plain(run_of("tiny", name="adversarial"))
    today = settings_of_any_version(saved)
    del saved["objective"]["weight"]
    assert settings_of_any_version(saved) == today
    saved = to_plain(run_of("tiny", name="supervised", terms={"classification": 1.0}))
    assert "objective.terms.task" not in settings_of_any_version(saved)


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
