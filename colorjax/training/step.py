"""One training step, a pure function of (state, batch, resident data), independent of the devices and the objective.

A step receives one device's share of the batch. All shares have one size, so the mean over the devices of the means
over shares is the mean over the batch.
"""

import functools
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from colorjax.objectives import Objective, Terms
from colorjax.training.optimizer import update_average
from colorjax.training.state import TrainState

#: Optional entries of a batch, each [b, ...], which become the labels of the examples.
LABELS = ("class",)

Step = Callable[[TrainState, Any, Any], tuple[TrainState, dict[str, jax.Array]]]


def make_step(
    objective: Objective,
    optimizer: optax.GradientTransformation,
    schedule: optax.Schedule,
    clean: Callable[[Any, Any], jax.Array],
    seed: int,
    weight_average: float,
    mean_over_devices: Callable[[Any], Any] = lambda tree: tree,
    conditioning: Callable[[Any, Any, jax.Array], dict[str, jax.Array]] = lambda batch, resident, inputs: {},
    constants: Callable[[Any], Any] = lambda params: params,
) -> Step:
    """Return `step(state, batch, resident) -> (state, metrics)`.

    All leaves of `batch` have the leading axis b. Its 'index' is the position of each example in the whole run.
    `resident` is the data that stays on the device, or None. The metrics are float32 scalars, equal on all devices:

        loss            the network's loss, the mean over the batch, before the update
        loss.PART       the loss of each further part of the objective
        ...             further scalars that the objective logs
        grad_norm       norm of the gradient of all parts together, before clipping
        learning_rate   the network's learning rate in this update

    Args:
      objective: the objective to minimize. Networks with batch normalization must take their statistics over the same
        axis as `mean_over_devices`.
      optimizer: updates the parameters of all parts.
      schedule: the network's learning rate by the number of steps taken, for the metrics.
      clean: `(batch, resident)` to images `[b, P, P, 3]` in [0, 1].
      seed: seed of the run.
      weight_average: decay of the moving average of the weights; 0 for no average.
      mean_over_devices: pytree to pytree; the default is for a step on one device.
      conditioning: `(batch, resident, inputs [b, P, P, Cin])` to further keyword arguments of the network, each
        [b, ...]; the default is for a network without a conditioning (see `colorjax.models.network`).
      constants: the parameters to the same, with those that are never trained as constants for the gradient.
    """

    def step(state: TrainState, batch: Any, resident: Any) -> tuple[TrainState, dict[str, jax.Array]]:
        # Each example of the run has its own key, so its noise does not depend on its neighbors or its device.
        keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(seed), batch["index"])
        labels = {name: batch[name] for name in LABELS if name in batch}
        example = objective.task.example(keys, clean(batch, resident), labels)
        # Outside of the differentiated function, so that it is computed once and nothing is stored for a gradient.
        given = conditioning(batch, resident, example.inputs)

        # Not the keys that drew the noise: an objective that draws as the noise did would draw the same again.
        own_keys = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, 1)

        def total(params: Any) -> tuple[jax.Array, Terms]:
            terms = objective(constants(params), state.batch_stats, example, given, own_keys, state.memory)
            # Each part minimizes its own loss alone, because the other parts are constants there (`objectives.only`).
            return functools.reduce(operator.add, terms.losses.values()), terms

        (_, terms), gradient = jax.value_and_grad(total, has_aux=True)(state.params)
        losses, logged, batch_stats, gradient = mean_over_devices((terms.losses, terms.logged, terms.updates, gradient))

        updates, optimizer_state = optimizer.update(gradient, state.optimizer, state.params)
        params = optax.apply_updates(state.params, updates)
        count = state.step + 1
        average = state.average
        if weight_average:
            new = {"params": params, "batch_stats": batch_stats}
            average = update_average(average, new, count, weight_average)

        network, *others = objective.parts
        metrics = {
            "loss": losses[network],
            **{f"loss.{part}": losses[part] for part in others},
            **logged,
            "grad_norm": optax.tree.norm(gradient),
            "learning_rate": jnp.asarray(schedule(state.step), jnp.float32),
        }
        return TrainState(count, params, batch_stats, optimizer_state, average, terms.memory), metrics

    return step
