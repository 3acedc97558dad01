"""A trained network with the interface of all methods: it restores whole images."""

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
    """Restores an image of any size, in tiles or as a whole.

    Attributes:
      name: of the row.
      model: `model.apply(variables, inputs [B, P, Q, Cin], train=False, **conditioning) -> [B, P, Q, Cout]`.
      variables: its trained variables ('params' and, with batch normalization, 'batch_stats').
      task: converts images into the network's inputs, and the network's outputs into images.
      patch_size, overlap, batch_size, statistics, window: how an image is cut into tiles, as in `Tiling`. If `picture`
        is 'whole' or 'reduced', only `patch_size` is used.
      picture: how the network sees the image.
        'patches': in tiles.
        'whole': once, fitted into a square of side `patch_size`; the outputs are resized to the image's size. This is
          for outputs smooth enough to be enlarged, such as colors.
        'reduced': once, as a copy with a short side of `patch_size`; the colors are brought to full size along the
          image's edges (`colorjax.inference.color_upsampling`). This is for tasks that colorize.
      frozen: the variables of `model.frozen()`.

    Raises:
      UserError: an impossible setting.
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
        """Return the tasks with the same kind of input as the task that the network was trained for."""
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
        """Return how images are cut into tiles."""
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
