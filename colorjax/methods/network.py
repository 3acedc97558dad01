"""A trained network behind the same interface as a hand-made algorithm: whole pictures in, whole pictures out."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np

from colorjax.color.spaces import recolor, rgb2lab
from colorjax.errors import UserError, nearest
from colorjax.inference.color_upsampling import upsample_colors
from colorjax.inference.letterbox import letterbox, unletterbox
from colorjax.inference.reduced_size import reduced_shape
from colorjax.inference.resizing import resize
from colorjax.inference.tiled_network import TiledNetwork, Tiling, outputs_of
from colorjax.methods.method import Method, Observation, Restored
from colorjax.models.network import Network
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks import TASKS, Task

PICTURE = ("patches", "whole", "reduced")


@dataclasses.dataclass(frozen=True, eq=False)
class NetworkMethod(Method):
    """Restores a picture of any size, in tiles or as a whole.

    Attributes:
        name: of the row.
        model: `model.apply(variables, inputs [B, P, Q, Cin], train=False, **conditioning) -> [B, P, Q, Cout]`.
        variables: its trained variables ('params' and, with batch normalization, 'batch_stats').
        task: says what the network sees of a picture and how its outputs become one.
        patch_size, overlap, batch_size, statistics, window: how a picture is cut, as in `Tiling`. One that goes through
            the network in one piece needs the first alone.
        picture: 'patches', or 'whole': the picture goes through the network once, fitted into a square of `patch_size`,
            and the outputs come back to its own size. That is for outputs smooth enough to be enlarged, as colors are.
            Or 'reduced', for tasks with `colors`: a copy of it with a short side of `patch_size` goes through the
            network once, and the colors come back to full size along the picture's own edges (`colorjax.inference`).
        frozen: the variables of `model.frozen()`.
    """

    name: str
    model: Network
    variables: Any
    task: Task
    patch_size: int
    overlap: int
    batch_size: int
    statistics: str = Tiling.statistics
    window: int = Tiling.window
    picture: str = "patches"
    frozen: Any = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if self.picture not in PICTURE:
            raise UserError(f"inference.picture: {self.picture!r} is not a choice; {nearest(self.picture, PICTURE)}")
        if self.picture == "patches":
            _ = self.tiling  # refuses impossible settings before any work is done
        elif self.patch_size < 1:
            raise UserError(f"inference.patch_size must be at least 1, it is {self.patch_size}")
        if self.picture == "reduced" and not self.task.colorizes:
            raise UserError(f"inference.picture: 'reduced' is for tasks that colorize, not for {self.task.name!r}")

    @property
    def tasks(self) -> frozenset[str]:
        """Return the tasks that give the same kind of input as the one that it was trained for."""
        return frozenset(name for name, task in TASKS.items() if task.input_kind == self.task.input_kind)

    def restore(self, observation: Observation) -> Restored:
        """Return the restored image, not clipped, and the network's own outputs."""
        degraded = observation.image
        inputs = map_pixels(self.task.inputs, degraded)
        if self.picture == "reduced":
            return self._by_reduced_picture(degraded, inputs)
        if self.picture == "whole":
            fitted = letterbox(inputs, self.patch_size)
            square = _apply_at_full_size(self.model, self.variables, self.frozen, fitted.square[np.newaxis])
            outputs = unletterbox(np.asarray(square)[0], fitted, *inputs.shape[:2])
        else:
            network = TiledNetwork(self.model, self.variables, self.frozen, self.tiling)
            outputs = np.concatenate(list(network.bands(inputs, _as_they_are, _outputs_alone)))
        return Restored(map_pixels(self.task.picture, outputs, inputs), outputs)

    def _by_reduced_picture(self, degraded, inputs):
        lightness = map_pixels(rgb2lab, degraded)[..., 0]
        shape = reduced_shape(*lightness.shape, self.patch_size)
        outputs = self._raw_outputs(resize(inputs, *shape)[np.newaxis])[0]
        colors = map_pixels(self.task.colors, outputs)
        colors = upsample_colors(colors, resize(lightness, *shape), lightness)
        return Restored(map_pixels(recolor, degraded, colors), resize(outputs, *lightness.shape))

    def _raw_outputs(self, inputs):
        return np.asarray(_apply(self.model, self.variables, self.frozen, inputs))

    @property
    def tiling(self) -> Tiling:
        """Return how a picture is cut."""
        return Tiling(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Tiling)})


def _as_they_are(inputs):
    return inputs


def _outputs_alone(outputs, inputs):
    del inputs
    return outputs


@functools.partial(jax.jit, static_argnums=0)
def _apply(model, variables, frozen, inputs):
    return model.apply(variables, inputs, train=False, **model.conditioning(frozen, inputs))


_apply_at_full_size = jax.jit(outputs_of, static_argnums=0)
