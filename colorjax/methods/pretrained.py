"""A trained network from a file as a method: a bundled one or any other."""

import dataclasses
import functools
from typing import Any, ClassVar

from colorjax.config.serialization import to_plain
from colorjax.methods.method import Method, Observation, Restored
from colorjax.methods.network import NetworkMethod
from colorjax.models import build_model
from colorjax.tasks import build_task
from colorjax.weights import TrainedNetwork, load


@dataclasses.dataclass
class Pretrained(Method):
    """The network of `colorjax.weights.load(weights)`, with the task and the inference settings of its config.

    Attributes:
      weights: the name of a bundled network, or a file. A name or file that can't be loaded raises a `UserError` at
        the first use.
    """

    name: ClassVar[str] = "pretrained"
    weights: str = "denoise_color"

    @property
    def tasks(self) -> frozenset[str]:
        """Return the tasks with the same kind of input as the task that the network was trained for."""
        return self._network.tasks

    def fingerprint(self) -> dict[str, Any]:
        """Return the SHA-256 of the weights, and the sections of the config that decide how they are used."""
        config = to_plain(self._trained.config)
        return {"weights": self._trained.sha256} | {key: config[key] for key in ("task", "model", "inference")}

    def restore(self, observation: Observation) -> Restored:
        """Return the restored image, not clipped, without the network's outputs (like an algorithm)."""
        return Restored(self._network.restore(observation).image)

    @functools.cached_property
    def _trained(self) -> TrainedNetwork:
        return load(self.weights)

    @functools.cached_property
    def _network(self) -> NetworkMethod:
        return network_method(self._trained)


def network_method(trained: TrainedNetwork) -> NetworkMethod:
    """Return the method of a trained network."""
    task = build_task(trained.config.task)
    model = build_model(trained.config.model, task.output_channels)
    return NetworkMethod(trained.name, model, trained.variables, task, **trained.config.inference)
