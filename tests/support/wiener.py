"""A method that is told the noise: Wiener's filter (scipy.signal.wiener)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.signal import wiener

from colorjax.methods import Method, Observation, Restored


@dataclass(frozen=True)
class Wiener(Method):
    """Filters each channel in windows of `window` pixels, for Gaussian noise of the level that it is told."""

    window: int = 5
    name: ClassVar[str] = "wiener"
    tasks: ClassVar[frozenset[str]] = frozenset({"denoise"})
    needs: ClassVar[frozenset[str]] = frozenset({"noise"})

    def restore(self, observation: Observation) -> Restored:
        kind, level = observation.noise
        assert kind == "gaussian"
        channels = np.moveaxis(observation.image, -1, 0)
        filtered = [wiener(channel, self.window, level**2) for channel in channels]
        return Restored(np.stack(filtered, axis=-1).astype(np.float32))
