"""The cycle objective: its losses and gradients by the paper's formulas, the image pool, unpaired photographs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support import tiny_training as tiny
from support.interrupted_training import whole_and_resumed
from support.tiny_objectives import TASK, example_of, variables_of

import datasets
from colorjax.config.defaults import run_config
from colorjax.config.tables import objective_config
from colorjax.errors import NotFiniteError, UserError
from colorjax.models import MODELS
from colorjax.models.network import Network
from colorjax.objectives import Cycle, build_objective
from colorjax.objectives.image_pool import exchange, new_pool
from colorjax.runs.history import read_history
from colorjax.tasks import Colorize, ColorizeRGB, Example
from colorjax.training import loop, parallel
from colorjax.training.checks import check
from colorjax.training.optimizer import build_optimizer
from colorjax.training.state import create_state
from colorjax.training.step import make_step
from datasets.sampling import Draws

pytestmark = pytest.mark.slow  # its networks compile for long

SMALL = {"layers": 1, "width": 2, "pool": 3}


class Plain(Network):
    """One convolution."""

    output_channels: int
    axis_name: str | None = None

    @tiny.nn.compact
    def __call__(self, x, train):
        return tiny.nn.Conv(self.output_channels, (3, 3), kernel_init=tiny.SMALL, name="conv")(x)


class Same(Network):
    """Its output is its input."""

    output_channels: int
    axis_name: str | None = None

    @tiny.nn.compact
    def __call__(self, x, train):
        return x + 0 * self.param("unused", tiny.nn.initializers.zeros, ())


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", tiny.TinyNetwork)
    monkeypatch.setitem(MODELS, "plain", Plain)


def rgb_example(batch=4):
    pictures = np.random.default_rng(0).uniform(size=(batch, 6, 6, 3)).astype(np.float32)
    keys = jax.random.split(jax.random.key(5), batch)
    return ColorizeRGB("l1").example(keys, jnp.asarray(pictures)), keys


def test_losses_and_gradients_are_those_of_the_paper():
    objective = Cycle(Plain(3), ColorizeRGB("l1"), side=6, cycle=7.0, identity=2.0, weight=0.5, **(SMALL | {"pool": 0}))
    params, batch_stats = variables_of(objective)
    example, keys = rgb_example()
    gray, color = example.inputs[::2], example.targets[1::2]

    def by_hand(params, stopped):
        """Return all four losses; in each the parameters of the other parts are those of `stopped`."""

        def of(part, own):
            return params[part] if part == own else stopped[part]

        def generate(part, own, pictures):
            kernel = of(part, own)["conv"]
            return Plain(3).apply({"params": {"conv": kernel}}, pictures, train=True)

        def judge(part, own, pictures):
            return objective._judge.module.apply({"params": of(part, own)}, pictures)[0]

        def mean_l1(a, b):
            return jnp.abs(a - b).mean()

        losses = {}
        for own, back, critic, start, target in (
            ("generator", "generator_back", "discriminator", gray, color),
            ("generator_back", "generator", "discriminator_back", color, gray),
        ):
            made = generate(own, own, start)
            cycle = mean_l1(generate(back, own, made), start)
            cycle += mean_l1(generate(own, own, generate(back, own, target)), target)
            same = mean_l1(generate(own, own, target), target)
            losses[own] = 0.5 * jnp.square(judge(critic, own, made) - 1).mean() + 7 * cycle + 2 * same
            real, fake = judge(critic, critic, target), judge(critic, critic, generate(own, "", start))
            losses[critic] = (jnp.square(real - 1).mean() + jnp.square(fake).mean()) / 2
        return losses

    ours = objective(params, batch_stats, example, {}, keys, {})
    expected = by_hand(params, params)
    assert list(ours.losses) == list(objective.parts)
    for part in objective.parts:
        assert float(ours.losses[part]) == pytest.approx(float(expected[part]), rel=1e-5)

    total = lambda params: sum(objective(params, batch_stats, example, {}, keys, {}).losses.values())  # noqa: E731
    found = jax.jit(jax.grad(total))(params)
    for part in objective.parts:
        alone = jax.jit(jax.grad(lambda tree, part=part: by_hand({**params, part: tree}, params)[part]))(params[part])
        for leaf, reference in zip(jax.tree.leaves(found[part]), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(leaf, reference, rtol=1e-3, atol=1e-6)


def test_generators_that_change_nothing_have_no_cycle_and_no_identity_loss():
    objective = Cycle(Same(3), ColorizeRGB("l1"), side=6, **SMALL)
    params, batch_stats = variables_of(objective)
    example, keys = rgb_example()
    terms = objective(params, batch_stats, example, {}, keys, objective.initial_memory())
    for name in ("cycle", "identity.generator", "identity.generator_back"):
        assert float(terms.logged[name]) == 0
    pool = terms.memory["discriminator"]  # what was made of the gray images is the gray images
    np.testing.assert_array_equal(pool["images"][:2], example.inputs[::2])
    np.testing.assert_array_equal(terms.memory["discriminator_back"]["images"][:2], example.targets[1::2])
    assert int(pool["count"]) == 2


def test_no_image_is_compared_with_its_own_counterpart():
    """The losses do not change with the clean images of the even examples, nor with the inputs of the odd ones."""
    objective = Cycle(Plain(3), ColorizeRGB("l1"), side=6, **SMALL)
    params, batch_stats = variables_of(objective)
    example, keys = rgb_example()
    other = Example(example.inputs.at[1::2].set(0.3), example.targets.at[::2].set(-0.2))
    memory = objective.initial_memory()
    ours, expected = (objective(params, batch_stats, one, {}, keys, memory).losses for one in (other, example))
    assert {part: float(loss) for part, loss in ours.items()} == {part: float(loss) for part, loss in expected.items()}


def test_pool_returns_what_it_gets_until_it_is_full_and_then_half_earlier_images():
    images = jnp.arange(1.0, 401.0)[:, None, None, None] * jnp.ones((1, 2, 2, 1))
    keys = jax.random.split(jax.random.key(0), 400)
    returned, pool = jax.jit(exchange)(new_pool(50, 2, 1), images, keys)
    numbers = np.asarray(returned)[:, 0, 0, 0].astype(int)
    np.testing.assert_array_equal(numbers[:50], np.arange(1, 51))
    after, own = numbers[50:], np.arange(51, 401)
    assert (after <= own).all()
    assert 0.4 < np.mean(after < own) < 0.6
    # An image that was stored comes out once, or is still there; one that was shown at once never comes again.
    stored = set(range(1, 51)) | set(own[after < own])
    out = list(after[after < own])
    assert len(set(out)) == len(out)
    left = set(np.asarray(pool["images"])[:, 0, 0, 0].astype(int))
    assert left == stored - set(out)
    assert int(pool["count"]) == 50
    # In two calls the same as in one.
    first, between = exchange(new_pool(50, 2, 1), images[:60], keys[:60])
    second, _ = exchange(between, images[60:], keys[60:])
    np.testing.assert_array_equal(jnp.concatenate([first, second]), returned)
    same, _ = exchange(new_pool(0, 2, 1), images, keys)
    np.testing.assert_array_equal(same, images)


@pytest.mark.parametrize(("count", "patches"), [(9, 40), (2, 6), (5, 4)])
def test_unpaired_sides_never_show_the_same_photograph_in_an_epoch(count, patches):
    draws = Draws(3, 8, patches, (1.0, 1.0), "pixels", 0.0, True, unpaired=True)
    sides = []
    for epoch in range(12):
        found = [draws.photograph(epoch * patches + patch, count) for patch in range(patches)]
        gray, color = found[0::2], found[1::2]
        assert not set(gray) & set(color)
        for side in (gray, color):  # in passes: as many visits to each, but for one
            visits = np.bincount(side, minlength=count)
            visits = visits[visits > 0]
            assert np.ptp(visits) <= 1
        if patches >= 2 * count:
            assert set(gray) | set(color) == set(range(count))
        sides.append(frozenset(gray))
    assert len(set(sides)) > 1  # the halves are drawn anew


def cycle_config(**changes):
    config = tiny.config(**changes)
    config.data.unpaired = True
    config.data.patch_size = 6
    config.model.name = "plain"
    config.objective = objective_config("cycle", cycle=1.0, identity=0.5, **(SMALL | {"pool": 6}))
    return config


def trained(devices, count=4):
    config = cycle_config(training__batch_size=16)
    objective = build_objective(config.objective, Plain(3, parallel.AXIS), TASK, parallel.AXIS, side=6)
    optimizer, schedule = build_optimizer(config.optimizer, count, objective.parts)
    state = parallel.replicate(create_state(3, objective, optimizer, averaged=False), devices)
    clean = lambda batch, resident: batch["picture"]  # noqa: E731
    step = parallel.map_step(make_step(objective, optimizer, schedule, clean, 3, 0.0, parallel.mean), devices)
    for batch in parallel.prefetch(iter(tiny.data().patches({}, 3, 16, 0, count, 0, 1)), devices):
        state, _ = step(state, batch, None)
    assert parallel.same_everywhere(state.memory)
    return parallel.first(state)


@pytest.mark.slow
def test_cycle_trains_alike_on_one_device_and_on_eight():
    one, eight = trained(jax.devices()[:1]), trained(jax.devices())
    for ours, expected in zip(jax.tree.leaves(eight), jax.tree.leaves(one), strict=True):
        np.testing.assert_allclose(ours, expected, atol=5e-5, rtol=0)
    assert int(one.memory["discriminator"]["count"]) == 6


@pytest.mark.slow
def test_cycle_goes_on_bit_for_bit_with_its_pool(tmp_path):
    config = cycle_config()
    objective = build_objective(config.objective, Plain(3, parallel.AXIS), TASK, side=6)
    whole, parts = whole_and_resumed(config, objective, tmp_path)
    assert np.abs(whole.memory["discriminator"]["images"]).max() > 0
    for ours, expected in zip(jax.tree.leaves(parts), jax.tree.leaves(whole), strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(
    ("settings", "task", "message"),
    [
        ({}, Colorize("l1"), r"task.name='colorize': it has 1 channel\(s\) in and 2 out"),
        ({"pool": -1}, TASK, "objective.pool=-1"),
        ({"cycle": -1.0}, TASK, r"objective\.cycle=-1\.0"),
        ({"back": {"name": "plane"}}, TASK, "config.objective.back: .*did you mean 'plain'"),
        ({"back": {"name": "plain", "depth": 3}}, TASK, "config.objective.back: .*no such field"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(settings, task, message):
    with pytest.raises(UserError, match=message):
        build_objective({"name": "cycle", **settings}, tiny.TinyNetwork(task.output_channels), task)


def test_generator_back_may_be_another_network():
    objective = build_objective({"name": "cycle", "back": {"name": "plain"}}, tiny.TinyNetwork(3), TASK, side=6)
    variables = jax.eval_shape(
        lambda key: objective.initial_variables(key, jnp.zeros((1, 32, 32, 3)), {}), jax.random.key(0)
    )
    assert set(variables["generator_back"]["params"]) == {"conv"}
    assert set(variables["generator"]["params"]) == {"Conv_0", "Conv_1", "BatchNorm_0"}


def test_photographs_must_be_unpaired_and_a_device_gets_an_even_number():
    config = cycle_config()
    config.data.unpaired = False
    with pytest.raises(UserError, match=r"unpaired=False: .*'cycle' learns from unpaired photographs; set it to True"):
        check(config, jax.devices()[:2])
    paired = tiny.config()
    paired.data.unpaired = True
    with pytest.raises(UserError, match=r"unpaired=True: .*'supervised' learns from photographs in pairs"):
        check(paired, jax.devices()[:2])
    with pytest.raises(UserError, match=r"batch_size=8: .* even number of examples on each of 8 device\(s\); use 16"):
        check(cycle_config(), jax.devices())


def test_draws_refuse_an_odd_epoch_and_shares():
    config = run_config().data.unlock()
    config.unpaired = True
    with pytest.raises(UserError, match="patches_per_epoch=90067: must be even"):
        Draws.from_config(config, 0, (5,))
    config.patches_per_epoch, config.shares = 40, (0.5, 0.5)
    with pytest.raises(UserError, match="can't be set together with config.data.shares"):
        Draws.from_config(config, 0, (5, 5))


def test_loss_that_is_not_finite_names_the_part_and_the_last_checkpoint(tmp_path):
    config = cycle_config()
    with pytest.raises(NotFiniteError, match=r"step 7: loss is nan \(generator, .*\); last good checkpoint: step 4"):
        loop.train(config, tmp_path, tiny.data(poisoned=6 * tiny.BATCH), None, jax.devices()[:2])


def test_example_of_denoising_may_be_cycled():
    objective = Cycle(Plain(3), TASK, side=6, **SMALL)
    params, batch_stats = variables_of(objective)
    example, keys = example_of(batch=4)
    losses = objective(params, batch_stats, example, {}, keys, objective.initial_memory()).losses
    assert all(np.isfinite(float(loss)) for loss in losses.values())


def test_training_that_one_side_wins_says_so_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Cycle, "remark", lambda self, lines: "one side has won" if len(lines) >= 5 else "")
    loop.train(cycle_config(training__epochs=2), tmp_path, tiny.data(), None, jax.devices()[:2])
    assert capsys.readouterr().err.count("WARNING: step 5: one side has won") == 1
    history = [line for line in read_history(tmp_path) if line["kind"] == "train"]
    names = {"loss", "loss.generator_back", "loss.discriminator", "loss.discriminator_back", "cycle"}
    assert names | {"accuracy_real.discriminator", "accuracy_made.discriminator_back"} <= set(history[0])


def test_one_photograph_is_too_few_for_two_sides():
    config = run_config().data.unlock()
    config.update({"unpaired": True, "photographs": 1})
    with pytest.raises(UserError, match=r"config\.data\.unpaired: needs two photographs or more to train on.* is 1"):
        datasets.photographs(config, "train")
