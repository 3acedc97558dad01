"""A trained network behind the same interface as a hand-made algorithm: whole pictures in, whole pictures out."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np
from flax import linen as nn

from colorjax.color import recolor, rgb2lab
from colorjax.errors import UserError, nearest
from colorjax.inference.color_upsampling import upsample_colors
from colorjax.inference.resizing import resize
from colorjax.inference.working_picture import working_shape
from colorjax.models.context import context_of
from colorjax.patches import cut, map_pixels, patch_grid, put_together
from colorjax.squares import fit, unfit
from colorjax.tasks import Task

PICTURE = ("patches", "whole", "reduced")


@dataclasses.dataclass(frozen=True, eq=False)
class NetworkMethod:
    """Restores a picture of any size, patch by patch or as a whole.

    Attributes:
        name: of the row.
        model: a linen module, `model.apply(variables, inputs [B, P, P, Cin], train=False) -> [B, P, P, Cout]`, with a
            context where it wants one (`colorjax.models.context`).
        variables: its trained variables ('params' and, with batch normalization, 'batch_stats').
        task: says what the network sees of a picture and how its outputs become one.
        patch_size, overlap: how a picture is cut (a whole one isn't, and has no overlap). The size that the network was
            trained at is best: the statistics of group normalization change with it.
        batch_size: patches that go through the network at a time; the last batch is filled up with zeros, so all
            pictures share one compiled shape. A whole picture goes alone.
        picture: 'patches', or 'whole': the picture goes through the network once, fitted into a square of `patch_size`,
            and the outputs come back to its own size. That is for outputs smooth enough to be enlarged, as colors are.
            Or 'reduced', for tasks with `colors`: a copy of it with a short side of `patch_size` goes through the
            network once, and the colors come back to full size along the picture's own edges (`colorjax.inference`).
        frozen: the variables of `colorjax.models.context.frozen_of(model)`.
    """

    name: str
    model: nn.Module
    variables: Any
    task: Task
    patch_size: int
    overlap: int
    batch_size: int
    picture: str = "patches"
    frozen: Any = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if self.picture not in PICTURE:
            raise UserError(f"inference.picture: {self.picture!r} is not a choice; {nearest(self.picture, PICTURE)}")
        if self.picture == "patches":
            patch_grid(1, 1, self.patch_size, self.overlap)  # refuses an impossible overlap before any work is done
        elif self.patch_size < 1:
            raise UserError(f"inference.patch_size must be at least 1, it is {self.patch_size}")
        if self.picture == "reduced" and not hasattr(self.task, "colors"):
            raise UserError(f"inference.picture: 'reduced' is for tasks that colorize, not for {self.task.name!r}")
        if self.batch_size < 1:
            raise UserError(f"inference.batch_size must be at least 1, it is {self.batch_size}")

    def restore(self, observed: np.ndarray, hints: None = None) -> np.ndarray:
        """Return the restored picture [H, W, 3] of `observed` [H, W, 3], not clipped."""
        picture, _ = self.restore_with_outputs(observed)
        return picture

    def restore_with_outputs(self, observed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the restored picture [H, W, 3] and the network's own outputs [H, W, Cout], patches put together.

        The outputs are what the task's loss is about: they still have what the picture lost to sRGB's gamut.
        """
        inputs = map_pixels(self.task.inputs, observed)
        if self.picture == "reduced":
            return self._by_reduced_picture(observed, inputs)
        if self.picture == "whole":
            fitted = fit(inputs, self.patch_size)
            outputs = unfit(self._outputs(fitted.square[np.newaxis])[0], fitted, *inputs.shape[:2])
        else:
            grid = patch_grid(*inputs.shape[:2], self.patch_size, self.overlap)
            outputs = put_together(self._patches(inputs, grid), grid)
        return map_pixels(self.task.picture, outputs, inputs), outputs

    def _by_reduced_picture(self, observed, inputs):
        lightness = map_pixels(rgb2lab, observed)[..., 0]
        shape = working_shape(*lightness.shape, self.patch_size)
        outputs = self._raw_outputs(resize(inputs, *shape)[np.newaxis])[0]
        colors = map_pixels(self.task.colors, outputs)
        colors = upsample_colors(colors, resize(lightness, *shape), lightness)
        return map_pixels(recolor, observed, colors), resize(outputs, *lightness.shape)

    def _patches(self, inputs, grid):
        """Yield the network's outputs of each patch, [P, P, Cout], in the order of the grid."""
        for start in range(0, len(grid), self.batch_size):
            patches = cut(inputs, grid, start, start + self.batch_size)
            missing = self.batch_size - len(patches)
            batch = np.pad(patches, [(0, missing), (0, 0), (0, 0), (0, 0)])
            yield from self._outputs(batch)[: len(patches)]

    def _outputs(self, inputs):
        """Return the outputs [B, P, P, Cout]; one that stands for a square of pixels is repeated for each of them."""
        outputs = self._raw_outputs(inputs)
        for axis in (1, 2):
            side = inputs.shape[axis]
            times = -(-side // outputs.shape[axis])
            if times > 1:
                outputs = np.repeat(outputs, times, axis).take(range(side), axis)
        return outputs

    def _raw_outputs(self, inputs):
        return np.asarray(_apply(self.model, self.variables, self.frozen, inputs))


@functools.partial(jax.jit, static_argnums=0)
def _apply(model, variables, frozen, inputs):
    return model.apply(variables, inputs, train=False, **context_of(model, frozen, inputs))
