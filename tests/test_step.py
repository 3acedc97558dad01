import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from support import tiny_training as tiny

from colorjax.models.network import Network
from colorjax.objectives import Supervised
from colorjax.tasks import build_task
from colorjax.training import parallel
from colorjax.training.optimizer import build_optimizer
from colorjax.training.state import TrainState, create_state, network_variables
from colorjax.training.step import make_step

DEVICES = jax.devices()


def clean(batch, resident):
    return batch["picture"]


def parts(axis_name=None, **changes):
    config = tiny.config(**changes)
    task = build_task(config.task)
    return config, task, tiny.build_model(config.model, task.output_channels, axis_name)


def batches(count):
    return iter(tiny.data().patches({}, 3, tiny.BATCH, 0, count, 0, 1))


def train(devices, count, **changes):
    config, task, model = parts(parallel.AXIS, **changes)
    optimizer, schedule = build_optimizer(config.optimizer, count)
    state = create_state(config.seed, Supervised(model, task), optimizer, averaged=True)
    step = make_step(Supervised(model, task), optimizer, schedule, clean, config.seed, 0.9, parallel.mean)
    step = parallel.map_step(step, devices)
    state, losses = parallel.replicate(state, devices), []
    for batch in parallel.prefetch(batches(count), devices):
        state, metrics = step(state, batch, None)
        losses.append(parallel.first(metrics)["loss"])
    return state, np.array(losses)


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_step_on_one_device_and_on_eight_is_the_same(optimizer):
    one, losses_of_one = train(DEVICES[:1], 12, optimizer__name=optimizer)
    eight, losses_of_eight = train(DEVICES, 12, optimizer__name=optimizer)
    np.testing.assert_allclose(losses_of_eight, losses_of_one, atol=1e-5, rtol=0)
    assert losses_of_one[-1] < losses_of_one[0]
    for a, b in zip(jax.tree.leaves(parallel.first(one)), jax.tree.leaves(parallel.first(eight)), strict=True):
        np.testing.assert_allclose(b, a, atol=1e-5, rtol=0)
    # Weights and batch statistics have not drifted apart between the devices.
    for leaf in jax.tree.leaves(eight):
        np.testing.assert_array_equal(np.asarray(leaf), np.broadcast_to(np.asarray(leaf)[:1], leaf.shape))


def plain_step(seed=3):
    """A step with gradient descent of rate 1 and its state, so that the change of the weights is the gradient."""
    _, task, model = parts()
    optimizer = optax.sgd(1.0)
    state = create_state(seed, Supervised(model, task), optimizer, averaged=False)
    step = make_step(Supervised(model, task), optimizer, lambda count: 1.0, clean, seed, 0.0)
    return jax.jit(step), state, task, model


def test_step_is_gradient_descent_on_the_mean_loss_of_the_examples():
    step, state, task, model = plain_step()
    batch = next(batches(1))
    new, metrics = step(state, batch, None)
    keys = jnp.stack([jax.random.fold_in(jax.random.key(3), int(j)) for j in batch["index"]])
    inputs, targets, _, _ = jax.jit(task.example)(keys, jnp.asarray(batch["picture"]))
    apply = jax.jit(lambda variables: model.apply(variables, inputs, train=True, mutable=["batch_stats"])[0])

    def loss(params):
        outputs = apply({"params": params["network"], "batch_stats": state.batch_stats["network"]})
        return float(np.mean(np.square(np.asarray(outputs, np.float64) - np.asarray(targets, np.float64))))

    assert float(metrics["loss"]) == pytest.approx(loss(state.params), rel=1e-5)
    gradient = jax.tree.map(lambda old, new: old - new, state.params, new.params)
    norm = np.sqrt(sum(float(jnp.sum(jnp.square(leaf))) for leaf in jax.tree.leaves(gradient)))
    assert float(metrics["grad_norm"]) == pytest.approx(norm, rel=1e-4)
    # The slope of the loss along the gradient is its norm.
    ahead, behind = (
        loss(jax.tree.map(lambda p, g, s=sign: p + s * 1e-2 / norm * g, state.params, gradient)) for sign in (1, -1)
    )
    assert (ahead - behind) / 2e-2 == pytest.approx(norm, rel=1e-2)
    assert int(new.step) == 1


def test_noise_goes_with_the_index_and_not_with_the_place_in_the_batch():
    step, state, _, _ = plain_step()
    batch = next(batches(1))
    order = np.random.default_rng(0).permutation(tiny.BATCH)
    _, metrics = step(state, batch, None)
    _, permuted = step(state, {key: value[order] for key, value in batch.items()}, None)
    _, other_noise = step(state, batch | {"index": batch["index"][order]}, None)
    assert float(permuted["loss"]) == pytest.approx(float(metrics["loss"]), rel=1e-5)
    assert float(other_noise["loss"]) != pytest.approx(float(metrics["loss"]), rel=1e-4)


def test_weights_follow_from_the_seed():
    _, first, _, _ = plain_step()
    _, second, _, _ = plain_step()
    _, other, _, _ = plain_step(seed=4)
    kernel = [state.params["network"]["Conv_0"]["kernel"] for state in (first, second, other)]
    np.testing.assert_array_equal(kernel[0], kernel[1])
    assert not np.allclose(kernel[0], kernel[2])


def test_averaged_network_is_the_one_to_measure():
    _, state, _, _ = plain_step()
    assert set(network_variables(state, "network")) == {"params", "batch_stats"}
    averaged = {"params": {"network": {"w": jnp.ones(1)}}, "batch_stats": {"network": {}}}
    found = network_variables(state.replace(average=averaged), "network")
    assert found == {"params": averaged["params"]["network"]}


def test_conditioning_from_resident_data_is_the_same_on_one_device_and_on_eight():
    class Shifted(Network):
        """Adds what it is given to each picture, times a weight."""

        @nn.compact
        def __call__(self, inputs, train, shift):
            weight = self.param("weight", nn.initializers.constant(0.5), (1,))
            return inputs + weight[0] * shift[:, None, None]

    config, task, _ = parts()
    model, optimizer = Shifted(), optax.sgd(0.1)

    def conditioning(batch, resident, inputs):
        # From resident data and from the inputs, each of them of the device's own share of the batch.
        return {"shift": resident[batch["index"] % 5] * inputs.mean(axis=(1, 2))}

    def losses(devices):
        params = {"network": {"weight": jnp.full(1, 0.5)}}
        state = TrainState(jnp.zeros((), jnp.int32), params, {"network": {}}, optimizer.init(params), {})
        step = make_step(Supervised(model, task), optimizer, lambda _: 0.1, clean, 3, 0.0, parallel.mean, conditioning)
        step, state = parallel.map_step(step, devices), parallel.replicate(state, devices)
        resident = parallel.replicate(np.arange(15, dtype=np.float32).reshape(5, 3) / 10, devices)
        found = []
        for batch in parallel.prefetch(batches(3), devices):
            state, metrics = step(state, batch, resident)
            found.append(parallel.first(metrics)["loss"])
        return np.array(found)

    one = losses(DEVICES[:1])
    assert len(set(one.tolist())) == 3
    np.testing.assert_allclose(losses(DEVICES), one, rtol=1e-5)
