"""The row that every table is read against: the picture that the methods were given, as it is."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Observed:
    """Returns its input: the grey copy when colorizing, the noisy picture when denoising."""

    name: ClassVar[str] = "observed"

    def restore(self, observed: np.ndarray, hints: None = None) -> np.ndarray:
        """Return `observed` [H, W, 3]."""
        return np.asarray(observed, np.float32)
