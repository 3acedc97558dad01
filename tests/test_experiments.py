"""Every config in experiments/, in every variant: it builds, and its networks take a step on tiny pictures."""

import importlib
import pkgutil
from functools import cache, partial

import jax
import numpy as np
import pytest
from support.small_inception import small_inception

import experiments
from colorjax.config.defaults import is_table
from colorjax.config.files import load
from colorjax.config.rows import row_config
from colorjax.config.tables import of_noise
from colorjax.evaluation.protocol import Protocol
from colorjax.methods import build_method
from colorjax.models import build_model, efficientnet_lite, efficientnet_weights, fusion
from colorjax.objectives import build_objective
from colorjax.tasks import build_task
from colorjax.training import parallel
from colorjax.training.checks import check_objective
from colorjax.training.conditioning import conditioning_in_step
from colorjax.training.optimizer import build_optimizer
from colorjax.training.state import create_state
from colorjax.training.step import make_step
from datasets import DATASETS

pytestmark = pytest.mark.slow  # its networks compile for long

MODULES = {
    name: module
    for name in (info.name for info in pkgutil.iter_modules(experiments.__path__))
    if hasattr(module := importlib.import_module(f"experiments.{name}"), "get_config")
}
CASES = [(name, variant) for name, module in MODULES.items() for variant in module.VARIANTS]


@cache
def runs_of(name, variant):
    """Return the config, and the run configs of it, one for each row that is trained, or the config itself.

    Published weights are no part of the project: random ones stand for them here.
    """
    config = load(f"{MODULES[name].__file__}:{variant}")
    trained = [name for name, row in config.get("rows", {}).items() if "model" in row]
    # Of several noises each has a table; without one there would be nothing to learn.
    table = of_noise(config, next(iter(config.noises))) if config.get("noises") else config
    runs = [row_config(table, name) for name in trained] if is_table(config) else [config]
    runs = [run.copy_and_resolve_references().unlock() for run in runs]
    for run in runs:
        for weights in {"weights", "encoder_weights"} & set(run.model):
            run.model[weights] = "random"
    return config, runs


@pytest.fixture(scope="module", autouse=True)
def _small_branch():
    with small_inception(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(fusion, "SIZES", (efficientnet_lite.SIZES[0]._replace(side=32),))
        stages = [stage._replace(blocks=1, kernel_size=3, channels=8) for stage in efficientnet_lite.STAGES]
        patch.setattr(efficientnet_lite, "STAGES", tuple(stages))
        kept = (efficientnet_weights.expected_shapes, fusion._efficientnet)
        for cached in kept:
            cached.cache_clear()
        yield
    for cached in kept:
        cached.cache_clear()


@pytest.fixture(scope="module")
def seen():
    """The networks that were built or trained already: other variants and files have the same."""
    return set()


def is_new(seen, *settings):
    before = len(seen)
    seen.add(tuple(map(str, settings)))
    return len(seen) > before


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_config_builds(name, variant, seen):
    config, runs = runs_of(name, variant)
    assert set(config.data.name.split("+")) <= set(DATASETS)
    settings = {key: value for key, value in config.protocol.items()}
    Protocol(**settings, data="", task=config.task.name, pictures=("",))
    for run in runs:
        task = build_task(run.task)
        # With the axis over devices, as in a training: variables must be made outside of it.
        model = build_model(run.model, task.output_channels, axis_name=parallel.AXIS)
        objective = build_objective(run.objective, model, task, axis_name=parallel.AXIS, side=run.data.patch_size)
        optimizer, _ = build_optimizer(run.optimizer, 100, objective.parts)
        if len(objective.parts) > 1:
            check_objective(run, 0)  # its patches are large enough, its losses are those of its parts
        if is_new(seen, "shapes", run.model, run.task.name, run.optimizer.name, run.objective):
            create = partial(create_state, 0, objective, optimizer, False, model.frozen().variables)
            assert jax.eval_shape(create).params
    for row in config.get("rows", {}).values():
        assert row.label
        assert ("model" in row) != ("method" in row)
        if "method" in row:
            build_method(row.method)


def smaller(run):
    """Return a run's config with a network of the same kind that soon compiles."""
    run = run.copy_and_resolve_references().unlock()
    small = {"width": 4, "depth": 1, "blocks": 1, "encoder_width": 4, "embedding_of": "patch", "dtype": "float32"}
    small |= {"encoder": "efficientnet_lite0", "side": 32, "classes": 2}
    run.model.update({key: value for key, value in small.items() if key in run.model})
    if "classification" in run.objective.get("terms", {}):
        run.objective.terms.classification = 0.0  # the pictures here have no classes
    judge = {"layers": 3 if run.objective.get("discriminator") == "pyramid" else 1, "width": 4, "pool": 2}
    run.objective.update({key: value for key, value in judge.items() if key in run.objective})
    if run.objective.get("back"):
        run.objective.back.update({"width": 4, "blocks": 1})
    run.data.patch_size = 24 if run.objective.get("discriminator") == "pyramid" else 8
    return run


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.slow
def test_step_of_each_network_changes_the_weights_and_the_loss_is_finite(name, seen):
    """Each kind of network with each task and loss that a config has, whatever its size."""
    for variant in MODULES[name].VARIANTS:
        for run in map(smaller, runs_of(name, variant)[1]):
            settings = run.model, run.task.name, run.task.loss
            if run.objective.name != "supervised":  # each kind of it once: they compile for long, and have own tests
                settings = run.model.name, run.objective.name, run.objective.discriminator
            if is_new(seen, "step", *settings):
                take_steps(run)


def take_steps(run):
    task = build_task(run.task)
    model = build_model(run.model, task.output_channels)
    side = run.data.patch_size
    objective = build_objective(run.objective, model, task, side=side)
    optimizer, schedule = build_optimizer(run.optimizer, 100, objective.parts)
    frozen = model.frozen().variables
    state = jax.jit(lambda: create_state(0, objective, optimizer, False, frozen))()
    pictures = np.random.default_rng(0).uniform(size=(2, side, side, 3)).astype(np.float32)
    step = make_step(
        objective,
        optimizer,
        schedule,
        lambda batch, _: batch["picture"],
        0,
        0.0,
        conditioning=conditioning_in_step(model),
    )
    step = jax.jit(step)
    batch = {"index": np.arange(2, dtype=np.uint32), "picture": pictures}
    after, metrics = step(state, batch, frozen)
    after, metrics = step(after, batch, frozen)  # the first may be a warm-up's, at a learning rate of zero
    assert np.isfinite(metrics["loss"])
    assert metrics["grad_norm"] > 0
    moved = jax.tree.map(lambda a, b: float(np.abs(np.asarray(a) - np.asarray(b)).max()), state.params, after.params)
    assert max(jax.tree.leaves(moved)) > 0


def test_config_file_has_a_header_that_says_what_to_expect():
    for name, module in MODULES.items():
        for word in ("python launch.py", "hardware", "running time", "numbers to expect"):
            assert word in module.__doc__, (name, word)
        assert "@" not in module.__doc__
