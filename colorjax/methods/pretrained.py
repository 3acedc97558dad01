"""A trained network from a file as a method: a bundled one or any other."""

import dataclasses
import functools
from typing import Any, ClassVar

from colorjax.config.serialization import to_plain
from colorjax.errors import UserError
from colorjax.inference.working_copy import KINDS
from colorjax.methods.method import HintDrawing, Method, Observation, Restored
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
      hints: for a colorizer that sees whole images: number of squares of true color that it is told for each image.
      hint_size: side of these squares, pixels.
      reference: for a guided colorizer: whether it is told a reference photograph's colors; for one that transfers
        style: whether it sees the reference in place of the whole photograph.
      vividness: for a colorizer that predicts a distribution, from 0 to 1; -1 for the network's own.
      told: for a denoiser with a map of the noise's level: whether it is told the level, where the noise is of the kind
        that it was trained for; otherwise the level is estimated.

    Raises:
      UserError: a setting outside its range.
    """

    name: ClassVar[str] = "pretrained"
    weights: str = "denoise_color"
    hints: int = 0
    hint_size: int = 7
    reference: bool = False
    vividness: float = -1.0
    told: bool = False

    def __post_init__(self):
        for field, least in (("hints", 0), ("hint_size", 1)):
            if getattr(self, field) < least:
                raise UserError(f"method.{field}={getattr(self, field)}: must be {least} or more")

    @property
    def needs(self) -> frozenset[str]:
        """Return what the network is told besides the image."""
        told = {"hints": self.hints > 0, "references": self.reference, "noise": self.told}
        return frozenset(need for need, wanted in told.items() if wanted)

    @property
    def hint_drawing(self) -> HintDrawing:
        """Return the hints to draw for a measurement."""
        return HintDrawing("squares", self.hints, self.hint_size)

    @property
    def tasks(self) -> frozenset[str]:
        """Return the tasks with the same kind of input as the task that the network was trained for."""
        for needed, what, valid in (
            ("hints", "hints", self._network.picture in KINDS),
            ("reference", "reference", self._network.takes_references),
            ("told", "noise level", self._network.task.takes_noise_level),
        ):
            if getattr(self, needed) and not valid:
                raise UserError(f"method.{needed}: the network {self.weights!r} takes no {what}")
        return self._network.tasks

    def remark(self, noise: tuple[str, float]) -> str:
        """See `NetworkMethod`."""
        return self._network.remark(noise)

    def weight_count(self) -> int:
        """See `Method`."""
        return self._network.weight_count()

    def fingerprint(self) -> dict[str, Any]:
        """Return the SHA-256 of the weights, and the sections of the config that decide how they are used."""
        config = to_plain(self._trained.config)
        return {"weights": self._trained.sha256} | {key: config[key] for key in ("task", "model", "inference")}

    def restore(self, observation: Observation) -> Restored:
        """Return the restored image, not clipped, without the network's outputs (like an algorithm)."""
        return Restored(self._network.restored_image(observation))

    @functools.cached_property
    def _trained(self) -> TrainedNetwork:
        return load(self.weights)

    @functools.cached_property
    def _network(self) -> NetworkMethod:
        network = dataclasses.replace(network_method(self._trained), told=self.told)
        return network if self.vividness == -1 else network.with_vividness(self.vividness)


def network_method(trained: TrainedNetwork) -> NetworkMethod:
    """Return the method of a trained network."""
    task = build_task(trained.config.task)
    model = build_model(trained.config.model, task.output_channels)
    return NetworkMethod(trained.name, model, trained.variables, task, **trained.config.inference)


# Cached, so that all images of a command share one network and its compiled programs.
@functools.lru_cache(maxsize=4)
def loaded_network(weights: str) -> NetworkMethod:
    """Return `network_method` of `colorjax.weights.load(weights)`; the last four are kept."""
    return network_method(load(weights))
