"""A chain of convolutions as a file has it, with batch normalization merged into it. Arrays are float32."""

from typing import NamedTuple

import numpy as np


class Convolution(NamedTuple):
    """One convolution (a correlation, as in every framework).

    Attributes:
      kernel: [K, K, Cin, Cout].
      bias: [Cout].
      dilation: distance between the values that the kernel reads; 0 if the file does not say it.
    """

    kernel: np.ndarray
    bias: np.ndarray
    dilation: int = 0

    def scaled(self, factor: np.ndarray, offset: np.ndarray) -> "Convolution":
        """Return the convolution whose output is `factor` times this one's plus `offset`, each [Cout]."""
        return Convolution(self.kernel * factor, self.bias * factor + offset, self.dilation)


class Chain(NamedTuple):
    """The convolutions of a network, with ReLU between them.

    Attributes:
      convolutions: from the first to the last.
      columns_first: whether the pixels of a square that became channels are in the order of its columns (MATLAB's).
      unshuffled: whether squares of 2x2 pixels become one, with the map of the noise level behind them; None if the
        file does not say it.
    """

    convolutions: tuple[Convolution, ...]
    columns_first: bool
    unshuffled: bool | None = None
