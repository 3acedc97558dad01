"""The row that every table is read against: the image that the methods were given, as it is."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from colorjax.methods.method import Method, Observation, Restored


@dataclass(frozen=True)
class Identity(Method):
    """Returns its input: the gray copy when colorizing, the noisy image when denoising."""

    name: ClassVar[str] = "observed"

    def restore(self, observation: Observation) -> Restored:
        """See `Method`."""
        return Restored(np.asarray(observation.image, np.float32))
