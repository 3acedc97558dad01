"""The tensors of a PyTorch state dict of an Inception network as variables of this project.

PyTorch's kernels are [out, in, height, width] and its matrices [out, in]. Variables are float32, kernels
[height, width, in, out], matrices [in, out], each under its path, collection first.
"""

from collections.abc import Mapping

import numpy as np

from colorjax.errors import UserError


class StateDict:
    """The tensors of a network, with a record of those that were taken.

    Attributes:
      tensors: by name.
      network: what they should be of, for errors.
      where: begins the errors.
    """

    def __init__(self, tensors: Mapping[str, np.ndarray], network: str, where: str):
        self.tensors, self.network, self.where = tensors, network, where
        self._taken = set()

    def take(self, name: str, axes: int = 1) -> np.ndarray:
        """Return a tensor as float32.

        Raises:
          UserError: there is none of this name, or it has another number of axes.
        """
        if name not in self.tensors:
            raise UserError(f"{self.where}: no state dict of {self.network}: it lacks {name}")
        self._taken.add(name)
        if self.tensors[name].ndim != axes:
            raise UserError(f"{self.where}: {name} has the shape {self.tensors[name].shape}, not {axes} axes")
        return self.tensors[name].astype(np.float32)

    def take_kernel(self, name: str) -> np.ndarray:
        """Return a convolution's kernel as [height, width, in, out].

        Raises:
          UserError: as `take`.
        """
        return np.ascontiguousarray(self.take(name, axes=4).transpose(2, 3, 1, 0))

    def take_dense(self, name: str, place: tuple[str, ...]) -> dict[tuple[str, ...], np.ndarray]:
        """Return the variables of a dense layer, which has the path `place` in the network.

        Raises:
          UserError: as `take`.
        """
        kernel, bias = self.take(f"{name}.weight", axes=2), self.take(f"{name}.bias")
        return {("params", *place, "kernel"): np.ascontiguousarray(kernel.T), ("params", *place, "bias"): bias}

    def take_unit(self, name: str, place: tuple[str, ...]) -> dict[tuple[str, ...], np.ndarray]:
        """Return the variables of a `ConvolutionUnit`, which has the path `place` in the network.

        The normalization in PyTorch has a scale and the unit has none, so the scale is multiplied into the kernel.

        Raises:
          UserError: as `take`, or the tensors don't go together.
        """
        kernel = self.take_kernel(f"{name}.conv.weight")
        scale, mean = self.take(f"{name}.bn.weight"), self.take(f"{name}.bn.running_mean")
        if not scale.shape == mean.shape == kernel.shape[3:]:
            shapes = f"{self.tensors[f'{name}.conv.weight'].shape}, {scale.shape}, {mean.shape}"
            raise UserError(f"{self.where}: {name} has a kernel, scale and mean of {shapes}, which don't go together")
        self._taken.add(f"{name}.bn.num_batches_tracked")
        return {
            ("params", *place, "convolution", "kernel"): kernel * scale,
            ("params", *place, "normalization", "bias"): self.take(f"{name}.bn.bias"),
            ("batch_stats", *place, "normalization", "mean"): mean * scale,
            ("batch_stats", *place, "normalization", "var"): self.take(f"{name}.bn.running_var"),
        }

    def require_all_taken(self) -> None:
        """Raise a `UserError` if a tensor was not taken."""
        if left := sorted(self.tensors.keys() - self._taken):
            raise UserError(f"{self.where}: {len(left)} tensors are not of {self.network}, as {left[0]}")
