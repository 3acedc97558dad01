"""A trained network out of a file, as a method: such as those that come with colorjax."""

import dataclasses
import functools
from typing import Any

import numpy as np

from colorjax.config.serialization import to_plain
from colorjax.methods.network import NetworkMethod
from colorjax.models import build_model
from colorjax.tasks import Task, build_task
from colorjax.weights import TrainedNetwork, load


@dataclasses.dataclass
class Pretrained:
    """The network of `colorjax.weights.load(weights)`, used as its config says.

    Attributes:
        weights: the name of one that comes with colorjax, or a file.
    """

    name = "pretrained"
    weights: str = "denoise_color"

    @property
    def task(self) -> Task:
        """The task that the network was trained for."""
        return self._network.task

    @property
    def mark(self) -> dict[str, Any]:
        """The weights, by their SHA-256, and how they are used."""
        config = to_plain(self._trained.config)
        return {"weights": self._trained.sha256} | {key: config[key] for key in ("task", "model", "inference")}

    def restore(self, degraded: np.ndarray, hints: None = None) -> np.ndarray:
        """Return the restored picture [H, W, 3] of `degraded` [H, W, 3], not clipped."""
        return self._network.restore(degraded)

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
