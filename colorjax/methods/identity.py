"""The baseline of every table: the degraded image, unchanged."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from colorjax.methods.method import Method, Observation, Restored


@dataclass(frozen=True)
class Identity(Method):
    """Returns its input: the gray image in colorization, the noisy image in denoising."""

    name: ClassVar[str] = "observed"

    def restore(self, observation: Observation) -> Restored:
        """Return the degraded image as it is."""
        return Restored(np.asarray(observation.image, np.float32))
