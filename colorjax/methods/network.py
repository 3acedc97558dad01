"""A trained network behind the same interface as a hand-made algorithm: whole pictures in, whole pictures out."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np
from flax import linen as nn

from colorjax.errors import UserError
from colorjax.patches import cut, map_pixels, patch_grid, put_together
from colorjax.tasks import Task


@dataclasses.dataclass(frozen=True, eq=False)
class NetworkMethod:
    """Restores a picture of any size patch by patch.

    Attributes:
        name: of the row.
        model: a linen module, `model.apply(variables, inputs [B, P, P, Cin], train=False) -> [B, P, P, Cout]`.
        variables: its trained variables ('params' and, with batch normalization, 'batch_stats').
        task: says what the network sees of a picture and how its outputs become one.
        patch_size, overlap: how a picture is cut. The size that the network was trained at is best: the statistics
            of group normalization change with it.
        batch_size: patches that go through the network at a time; the last batch is filled up with zeros, so all
            pictures share one compiled shape.
    """

    name: str
    model: nn.Module
    variables: Any
    task: Task
    patch_size: int
    overlap: int
    batch_size: int

    def __post_init__(self):
        patch_grid(1, 1, self.patch_size, self.overlap)  # refuses an impossible overlap before any work is done
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
        grid = patch_grid(*inputs.shape[:2], self.patch_size, self.overlap)
        outputs = put_together(self._patches(inputs, grid), grid)
        return map_pixels(self.task.picture, outputs, inputs), outputs

    def _patches(self, inputs, grid):
        """Yield the network's outputs of each patch, [P, P, Cout], in the order of the grid."""
        for start in range(0, len(grid), self.batch_size):
            patches = cut(inputs, grid, start, start + self.batch_size)
            missing = self.batch_size - len(patches)
            batch = np.pad(patches, [(0, missing), (0, 0), (0, 0), (0, 0)])
            yield from np.asarray(_apply(self.model, self.variables, batch))[: len(patches)]


@functools.partial(jax.jit, static_argnums=0)
def _apply(model, variables, inputs):
    return model.apply(variables, inputs, train=False)
