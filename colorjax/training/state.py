"""The state of training, which a step takes and returns: weights, statistics, the optimizer's state.

All leaves are arrays without a device axis; `parallel.py` adds one.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import struct
from flax.traverse_util import flatten_dict, unflatten_dict

from colorjax.objectives import Objective


@struct.dataclass
class TrainState:
    """The state after `step` steps.

    Attributes:
      step: number of steps taken, int32 [].
      params: parameters, trees by part of the objective.
      batch_stats: batch statistics, trees by part; empty for a part without batch normalization.
      optimizer: the optimizer's state for all parts.
      average: the exponential moving average of `params` and `batch_stats`, or an empty dict if none is kept.
      memory: data that the objective passes from step to step.
    """

    step: jax.Array
    params: Mapping[str, Any]
    batch_stats: Mapping[str, Any]
    optimizer: optax.OptState
    average: Mapping[str, Any]
    memory: Any = ()


def create_state(
    seed: int,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    averaged: bool,
    frozen: Any = None,
) -> TrainState:
    """Return the state before the first step.

    Args:
      seed: seed of the random weights.
      objective: has the parts and their first variables.
      optimizer: its state is created for the parameters of all parts.
      averaged: whether to keep a moving average of the weights.
      frozen: the network's frozen variables, or their shapes (see `colorjax.models.network`).
    """
    # The number is unused elsewhere: an example folds its index into the run's key (`step.py`), and no run has
    # 2**32 - 1 examples.
    key = jax.random.fold_in(jax.random.key(seed), 2**32 - 1)
    # Weights don't depend on the image's size.
    inputs = jnp.zeros((1, 32, 32, objective.task.input_channels), jnp.float32)
    variables = dict(objective.initial_variables(key, inputs, frozen))
    network = objective.parts[0]
    variables[network] = with_values(variables[network], objective.model.pretrained())
    params, batch_stats = split_variables(variables)
    # The average is empty at first. It has its own arrays, because a buffer can't be donated twice.
    averages = {"params": params, "batch_stats": batch_stats}
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        batch_stats=batch_stats,
        optimizer=optimizer.init(params),
        average=jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), averages) if averaged else {},
        memory=objective.initial_memory(),
    )


def split_variables(variables: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters and the batch statistics by part, of each part's variables."""
    params = {part: of_part["params"] for part, of_part in variables.items()}
    return params, {part: of_part.get("batch_stats", {}) for part, of_part in variables.items()}


def with_values(variables: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested `variables` with the leaves of `values` in place of their own.

    Raises:
      KeyError: a leaf that `variables` does not have.
    """
    merged = flatten_dict(dict(variables))
    for path, value in flatten_dict(dict(values)).items():
        merged[path] = jnp.asarray(value, merged[path].dtype)
    return unflatten_dict(merged)


def start_from(state: TrainState, variables: Mapping[str, Any], part: str) -> TrainState:
    """Return the new state `state` with trained variables in place of the network's random ones.

    A random variable is replaced if there is a trained one of its name and shape; all others stay random.

    Args:
      state: a state before the first step.
      variables: trained variables by collection ('params', 'batch_stats').
      part: the part of the parameters that is the network.
    """
    trained = flatten_dict(dict(variables))

    def replace(collection: str) -> Mapping[str, Any]:
        random = flatten_dict(dict(getattr(state, collection)[part]))
        for path, leaf in random.items():
            found = trained.get((collection, *path))
            if found is not None and found.shape == leaf.shape:
                random[path] = jnp.asarray(found)
        return {**getattr(state, collection), part: unflatten_dict(random)}

    return state.replace(params=replace("params"), batch_stats=replace("batch_stats"))


def network_variables(state: TrainState | Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return the network's variables for measurement and use: the averaged ones if the state has an average.

    Args:
      state: a `TrainState`, or the mapping of its fields from a checkpoint.
      part: the part that is the network; "" for a checkpoint in the older format without parts.
    """
    fields = vars(state) if isinstance(state, TrainState) else state
    variables = fields.get("average") or {key: fields.get(key) or {} for key in ("params", "batch_stats")}
    of_network = {name: collection.get(part, {}) if part else collection for name, collection in variables.items()}
    return {name: collection for name, collection in of_network.items() if collection}
