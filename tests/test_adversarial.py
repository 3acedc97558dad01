"""The adversarial objective: losses by their formulas, each part's gradient, who is winning, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support import tiny_training as tiny
from support.tiny_objectives import TASK, example_of, variables_of

from colorjax.config.defaults import run_config
from colorjax.config.tables import model_config, objective_config
from colorjax.errors import UserError
from colorjax.models.network import Network
from colorjax.objectives import Adversarial, Supervised, build_objective
from colorjax.objectives.judging import Judge, who_has_won
from colorjax.objectives.terms import TERMS
from colorjax.tasks import Colorize, ColorizeBins, Example
from colorjax.training.checks import check_objective
from colorjax.training.workdir import open_workdir, require_same_config

SMALL = {"layers": 1, "width": 4, "norm": "instance"}  # has a score for a patch of 6x6


def judge(loss, layers=1):
    return Judge.of_settings("patch", loss, layers, 4, "none", None)


def test_undecided_discriminator_has_the_losses_of_the_formulas():
    half, zero = (jnp.full((2, 3, 3, 1), 0.5),), (jnp.zeros((2, 3, 3, 1)),)
    for true in (True, False):
        assert float(judge("least_squares").mean_loss(half, true)) == pytest.approx(0.25)
        assert float(judge("cross_entropy").mean_loss(zero, true)) == pytest.approx(np.log(2), rel=1e-6)
    assert float(judge("least_squares").told(half, half)) == pytest.approx(0.25)


def test_accuracy_is_the_share_of_scores_on_the_right_side():
    real, made = (jnp.array([0.1, 2.0, -1.0, 3.0]).reshape(1, 2, 2, 1),), (jnp.array([-1.0]).reshape(1, 1, 1, 1),)
    found = judge("cross_entropy").accuracies("critic", real, made)
    assert {name: float(value) for name, value in found.items()} == {
        "accuracy_real.critic": 0.75,
        "accuracy_made.critic": 1.0,
    }
    assert float(judge("least_squares").accuracies("critic", real, made)["accuracy_real.critic"]) == 0.5


def sigmoid_losses(scores):
    scores = np.asarray(scores, np.float64)
    return np.log1p(np.exp(-scores)).mean(), np.log1p(np.exp(scores)).mean()  # as true, as made


def test_losses_are_those_of_the_paper_and_pairs_are_inputs_beside_restored_images():
    objective = Adversarial(tiny.TinyNetwork(3), TASK, terms={"task": 3.0}, weight=0.5, **SMALL)
    params, batch_stats = variables_of(objective)
    example, keys = example_of(batch=2)
    terms = objective(params, batch_stats, example, {}, keys, ())
    outputs, _ = objective.model.apply(
        {"params": params["generator"], "batch_stats": batch_stats["generator"]},
        example.inputs,
        train=True,
        mutable=["batch_stats"],
    )
    module = objective._judge.module
    real, made = (
        module.apply(
            {"params": params["discriminator"]}, jnp.concatenate([example.inputs, example.inputs + found], axis=-1)
        )[0]
        for found in (example.targets, outputs)
    )
    of_task = float(jnp.mean(jnp.square(outputs - example.targets)))
    assert float(terms.losses["generator"]) == pytest.approx(3 * of_task + 0.5 * sigmoid_losses(made)[0], rel=1e-5)
    expected = (sigmoid_losses(real)[0] + sigmoid_losses(made)[1]) / 2
    assert float(terms.losses["discriminator"]) == pytest.approx(expected, rel=1e-5)
    assert float(terms.logged["task"]) == pytest.approx(of_task, rel=1e-5)


@pytest.mark.parametrize("settings", [{}, {"loss": "least_squares", "pairs": False}])
def test_each_part_has_the_gradient_of_its_own_loss_alone(settings):
    objective = Adversarial(tiny.TinyNetwork(3), TASK, terms={"task": 1.0}, **SMALL, **settings)
    params, batch_stats = variables_of(objective)
    example, keys = example_of(batch=4)

    def losses(params):
        return objective(params, batch_stats, example, {}, keys, ()).losses

    together = jax.jit(jax.grad(lambda params: sum(losses(params).values())))(params)
    for part in objective.parts:
        alone = jax.jit(jax.grad(lambda tree, part=part: losses({**params, part: tree})[part]))(params[part])
        for ours, expected in zip(jax.tree.leaves(together[part]), jax.tree.leaves(alone), strict=True):
            # A bias before a normalization has none.
            assert np.abs(expected).max() > (0 if part == "generator" or expected.ndim == 4 else -1)
            np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-6)


def test_without_a_weight_the_network_learns_as_supervised():
    supervised = Supervised(tiny.TinyNetwork(3), TASK)
    adversarial = Adversarial(tiny.TinyNetwork(3), TASK, terms={"task": 1.0}, weight=0.0, **SMALL)
    example, keys = example_of(batch=4)
    params, batch_stats = variables_of(adversarial)

    def gradient(objective, part):
        given = {part: params["generator"]}, {part: batch_stats["generator"]}
        others = {name: tree for name, tree in params.items() if name != "generator"} if part == "generator" else {}

        def loss(tree):
            terms = objective({**others, part: tree}, given[1] | {"discriminator": {}}, example, {}, keys, ())
            return terms.losses[part]

        return jax.jit(jax.grad(loss))(params["generator"])

    for ours, expected in zip(
        jax.tree.leaves(gradient(adversarial, "generator")),
        jax.tree.leaves(gradient(supervised, "network")),
        strict=True,
    ):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-8)


class Drawing(Network):
    """A network that shows which keys it was given."""

    output_channels: int
    axis_name: str | None = None
    takes_keys = True

    def __call__(self, inputs, train, keys=None):
        draw = jax.vmap(lambda key: jax.random.uniform(key, inputs.shape[1:]))
        return draw(keys) if keys is not None else jnp.zeros_like(inputs)


def test_network_that_draws_gets_the_key_of_each_example():
    example, keys = example_of(batch=4)
    objective = Supervised(Drawing(3), TASK)
    outputs, _ = objective.run({}, example, {}, keys)
    half, _ = objective.run({}, Example(example.inputs[2:], example.targets[2:]), {}, keys[2:])
    np.testing.assert_array_equal(outputs[2:], half)
    assert np.ptp(outputs) > 0.5


def test_blurred_term_is_the_squared_error_of_means_over_squares():
    outputs, targets = (jnp.asarray(np.random.default_rng(i).normal(size=(2, 20, 17, 2)), jnp.float32) for i in (0, 1))
    found = TERMS["blurred"](None, outputs, {}, Example(outputs, targets))
    difference = np.asarray(outputs - targets, np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(difference, (15, 15), axis=(1, 2)).mean(axis=(-2, -1))
    np.testing.assert_allclose(found, np.square(windows).mean(axis=(1, 2, 3)), rtol=1e-4)
    small = TERMS["blurred"](None, outputs[:, :4, :4], {}, Example(outputs, targets[:, :4, :4]))
    np.testing.assert_allclose(small, np.square(difference[:, :4, :4].mean(axis=(1, 2))).mean(axis=1), rtol=1e-4)


def lines(real, made, count=5):
    return [{"step": i, "accuracy_real.discriminator": real, "accuracy_made.discriminator": made} for i in range(count)]


def test_who_has_won_follows_the_stated_rule():
    parts = ("discriminator",)
    assert not who_has_won(lines(0.6, 0.7), parts)
    assert not who_has_won(lines(0.99, 0.99, count=4), parts)
    assert not who_has_won(lines(0.99, 0.9), parts)
    assert who_has_won(lines(0.99, 0.99), parts).startswith("the discriminator has won: for 5 lines")
    assert who_has_won(lines(0.6, 0.6) + lines(0.98, 1.0), parts).startswith("the discriminator has won")
    assert not who_has_won([*lines(0.99, 0.99), *lines(0.5, 0.5, count=1)], parts)
    assert who_has_won(lines(1.0, 0.01), parts).startswith("the generator has won")
    assert not who_has_won([{"step": 1, "loss": 1.0}] * 9, parts)
    assert not who_has_won(lines(None, None), parts)  # not finite


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": 6}, "objective.layers=6: must be from 1 to 5"),
        ({"loss": "hinge"}, "objective.loss='hinge'"),
        ({"discriminator": "path"}, "did you mean 'patch'"),
        ({"discriminator": "pyramid", "layers": 2}, "needs 3 layers"),
        ({"norm": "group"}, "objective.norm='group'"),
        ({"weight": -1.0}, r"objective\.weight=-1\.0: must be a number"),
        ({"weight": 0.0, "terms": {"task": 0.0}}, "minimizes nothing"),
        ({"terms": {"tsk": 1.0}}, "did you mean 'task'"),
        ({"width": 0}, "objective.width=0"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(settings, message):
    with pytest.raises(UserError, match=message):
        build_objective({"name": "adversarial", **settings}, tiny.TinyNetwork(3), TASK)


def run_of(task="denoise", side=16, **objective):
    config = run_config().unlock()
    config.task.name = task
    config.model = model_config("cnn", width=4, depth=1)
    config.objective = objective_config("adversarial", **objective)
    config.data.patch_size = side
    return config.lock()


def test_patches_too_small_for_the_discriminator_are_found_before_training():
    with pytest.raises(
        UserError, match=r"patch_size=16: too small .*layers=3, which needs 24 pixels.* at most 2 layers"
    ):
        check_objective(run_of(), 0)
    with pytest.raises(UserError, match=r"patch_size=4: .*patches of 6 pixels or more"):
        check_objective(run_of(side=4, layers=1), 0)
    check_objective(run_of(layers=2), 0)


def test_workdir_of_another_objective_is_refused(tmp_path):
    open_workdir(tmp_path, run_of(layers=2), jax.devices())
    other = run_of(layers=2).unlock()
    other.objective = objective_config("supervised")
    with pytest.raises(UserError, match=r"config\.objective\.name \('adversarial' there, 'supervised' here\)"):
        require_same_config(tmp_path, other.lock())


def test_distribution_is_no_picture():
    config = run_of("colorize_bins", layers=1).unlock()
    config.task.loss = "cross_entropy"
    with pytest.raises(UserError, match="task.name='colorize_bins': its outputs .* are no picture"):
        check_objective(config.lock(), 0)
    assert ColorizeBins("cross_entropy").name == config.task.name


def test_colorizer_is_judged_as_lightness_beside_colors():
    objective = Adversarial(tiny.TinyNetwork(2), Colorize("l1"), **SMALL)
    found = jax.eval_shape(
        lambda key: objective.initial_variables(key, jnp.zeros((1, 32, 32, 1)), {}), jax.random.key(0)
    )
    kernels = [leaf for leaf in jax.tree.leaves(found["discriminator"]) if leaf.ndim == 4]
    assert 3 in {kernel.shape[2] for kernel in kernels}
