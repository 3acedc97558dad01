"""A trained network out of a file, as a method: such as those that come with colorjax."""

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
    """The network of `colorjax.weights.load(weights)`, used as its config says.

    Attributes:
        weights: the name of one that comes with colorjax, or a file.
    """

    name: ClassVar[str] = "pretrained"
    weights: str = "denoise_color"

    @property
    def tasks(self) -> frozenset[str]:
        """Return the tasks that give the same kind of input as the one that the network was trained for."""
        return self._network.tasks

    def fingerprint(self) -> dict[str, Any]:
        """Return the weights, by their SHA-256, and how they are used."""
        config = to_plain(self._trained.config)
        return {"weights": self._trained.sha256} | {key: config[key] for key in ("task", "model", "inference")}

    def restore(self, observation: Observation) -> Restored:
        """Return the restored image, not clipped, as an algorithm gives it: without the network's outputs."""
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
