"""The interface of an objective: a scalar to minimize for each part of the parameters, all by one gradient.

A training run has named *parts* of its parameters: "network"; or "generator" and "discriminator"; or two of each. An
objective returns one scalar for each part, and that part alone minimizes it. The step differentiates the sum of the
scalars once. The loss of a part treats all other parts as constants (`only`), so each part gets exactly the gradient
of its own loss. Gradients still pass *through* the functions of the constant parts, as a generator's gradient must
pass through the discriminator.
"""

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
from jax import Array

from colorjax.models.network import AUXILIARY, Network, initial_variables
from colorjax.tasks import Example, Task


class Terms(NamedTuple):
    """The result of an objective for one batch.

    Attributes:
      losses: by part, the scalar that this part alone minimizes. The scalar of `parts[0]` is logged as 'loss', the
        others as 'loss.PART'.
      logged: further scalars for history.jsonl, by name.
      updates: new batch statistics, by part; {} for a part without batch statistics.
      memory: data for the next step (an image pool, a count): a pytree of arrays of fixed shapes, the same on all
        devices.
    """

    losses: dict[str, Array]
    logged: dict[str, Array]
    updates: dict[str, Any]
    memory: Any = ()


def only(params: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return the parameters of all parts, as constants for the gradient except those of `part`."""
    return {name: tree if name == part else jax.lax.stop_gradient(tree) for name, tree in params.items()}


@dataclasses.dataclass(frozen=True)
class Objective(abc.ABC):
    """An objective. Further fields of a subclass are its settings in `config.objective`, each with a default.

    Attributes:
      parts: (of the class) names of the parts. The first is the network: it is validated, exported and measured.
      model: the network.
      task: makes the examples, and has the loss that compares outputs with targets.
      axis_name: name of the mapped axis over the devices; None for one device. Batch normalization takes its
        statistics over this axis.
      side: of the patches in training, pixels; for a memory of images.
      unpaired: (of the class) whether examples with an even number in the batch and those with an odd one come from
        different photographs (`config.data.unpaired`).
    """

    parts: ClassVar[tuple[str, ...]] = ("network",)
    unpaired: ClassVar[bool] = False

    model: Network
    task: Task
    axis_name: str | None = None
    side: int = dataclasses.field(default=0, kw_only=True)

    def initial_variables(self, key: Array, inputs: Array, frozen: Any) -> dict[str, dict[str, Any]]:
        """Return each part's random 'params' and, with batch normalization, 'batch_stats'.

        The default is for an objective with the network alone; other objectives extend it.

        Args:
          key: random key for the network's weights; fold a number into it for the weights of another part.
          inputs: [1, 32, 32, input_channels]; the values don't matter.
          frozen: the network's frozen variables, or their shapes.
        """
        return {self.parts[0]: initial_variables(self.model, key, frozen, inputs)}

    def initial_memory(self) -> Any:
        """Return the memory for the first step."""
        return ()

    def over_devices(self, values: Array) -> Array:
        """Return `values` [b, ...] of all devices' shares of the batch, in its order, for what goes into the memory."""
        return values if self.axis_name is None else jax.lax.all_gather(values, self.axis_name, tiled=True)

    def own_share(self, values: Array) -> Array:
        """Return this device's share [b, ...] of `values` of the whole batch, which `over_devices` returned."""
        if self.axis_name is None:
            return values
        share = values.shape[0] // jax.lax.axis_size(self.axis_name)
        return jax.lax.dynamic_slice_in_dim(values, jax.lax.axis_index(self.axis_name) * share, share)

    def run(
        self, variables: Mapping[str, Any], example: Example, conditioning: Mapping[str, Array], keys: Array
    ) -> tuple[Array, dict[str, Any]]:
        """Return the network's outputs in training, and what it updates: 'batch_stats' and what it sows.

        Args:
          variables: 'params' and 'batch_stats' of the network.
          example: its inputs and guidance are read.
          conditioning: as in `__call__`.
          keys: typed keys [b], for networks that draw random numbers.
        """
        drawn = {"keys": keys} if self.model.takes_keys else {}
        return self.model.apply(
            variables,
            example.inputs,
            train=True,
            mutable=["batch_stats", AUXILIARY],
            **example.guidance,
            **conditioning,
            **drawn,
        )

    def remark(self, lines: Sequence[Mapping[str, Any]]) -> str:
        """Return what a person who watches the training should know from the last lines of its history; "" for nothing.

        Args:
          lines: the train lines of history.jsonl so far, each with the means since the line before.
        """
        del lines
        return ""

    @abc.abstractmethod
    def __call__(
        self,
        params: Mapping[str, Any],
        batch_stats: Mapping[str, Any],
        example: Example,
        conditioning: Mapping[str, Array],
        keys: Array,
        memory: Any,
    ) -> Terms:
        """Return the terms of one device's share of a batch: means over its examples; jit-safe.

        Args:
          params: parameters by part.
          batch_stats: batch statistics by part; {} for a part without batch normalization.
          example: inputs [b, P, P, Cin], targets [b, P, P, Cout], labels [b, ...] by name.
          conditioning: further keyword arguments of the network, each [b, ...] (see `colorjax.models.network`).
          keys: typed keys [b], apart from those that drew the noise. Each example of the run has its own key, whatever
            the number of devices.
          memory: from the terms of the step before.
        """
