"""What training minimizes: a scalar for each part of the parameters, all by one gradient.

A training run has named *parts* of its parameters: "network"; or "generator" and "discriminator"; or two of each. An
objective gives one scalar for each part, and that part alone minimizes it. The step differentiates the sum of the
scalars once. Since the loss of a part takes all other parts as constants (`only`), each part gets exactly the gradient
of its own loss; gradients still pass *through* the constants' functions, as a generator's must through a discriminator.
"""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
from jax import Array

from colorjax.models.network import Network, initial_variables
from colorjax.tasks import Example, Task


class Terms(NamedTuple):
    """What an objective makes of one batch.

    Attributes:
        losses: by part, the scalar that this part alone minimizes. That of `parts[0]` is logged as 'loss', the others
            as 'loss.PART'.
        logged: further scalars for history.jsonl, by name.
        updates: new batch statistics, by part; {} for a part without.
        memory: what the next step is given again (an image pool, a count): a pytree of arrays of fixed shapes, the same
            on all devices.
    """

    losses: dict[str, Array]
    logged: dict[str, Array]
    updates: dict[str, Any]
    memory: Any = ()


def only(params: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return the parameters of all parts, of which those of `part` alone are not constants."""
    return {name: tree if name == part else jax.lax.stop_gradient(tree) for name, tree in params.items()}


@dataclasses.dataclass(frozen=True)
class Objective(abc.ABC):
    """An objective; further fields of a subclass are its settings in `config.objective`, each with a default.

    Attributes:
        parts: (of the class) names of the parts. The first one is the network, which is validated, exported, measured.
        model: the network.
        task: makes the examples, and has the loss that compares outputs with targets.
        axis_name: of the mapped axis over the devices; None for one device. Batch normalization takes its statistics
            over it.
    """

    parts: ClassVar[tuple[str, ...]] = ("network",)

    model: Network
    task: Task
    axis_name: str | None = None

    def initial_variables(self, key: Array, inputs: Array, frozen: Any) -> dict[str, dict[str, Any]]:
        """Return each part's random 'params' and, with batch normalization, 'batch_stats'.

        The default is for an objective with the network alone; others extend it.

        Args:
            key: of the random weights of the network; fold a number into it for another part's.
            inputs: [1, 32, 32, input_channels], whose values don't matter.
            frozen: the network's frozen variables, or their shapes.
        """
        return {self.parts[0]: initial_variables(self.model, key, frozen, inputs)}

    def initial_memory(self) -> Any:
        """Return what the first step is given as memory."""
        return ()

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
            params: by part.
            batch_stats: by part; {} for a part without batch normalization.
            example: inputs [b, P, P, Cin], targets [b, P, P, Cout], labels [b] by name.
            conditioning: what the network is given beside the inputs.
            keys: typed keys [b], one for each example of the run, whatever the number of devices.
            memory: of the step before.
        """
