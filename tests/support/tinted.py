"""A method that is given a reference: its mean color for every pixel."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from skimage.color import lab2rgb, rgb2lab

from colorjax.methods import Method, Observation, Restored


@dataclass(frozen=True)
class Tinted(Method):
    """Keeps the lightness and takes the reference's mean ab."""

    name: ClassVar[str] = "tinted"
    tasks: ClassVar[frozenset[str]] = frozenset({"colorize"})
    needs: ClassVar[frozenset[str]] = frozenset({"references"})

    def restore(self, observation: Observation) -> Restored:
        (reference,) = observation.references
        lab = rgb2lab(np.clip(observation.image, 0, 1))
        lab[..., 1:] = rgb2lab(reference)[..., 1:].mean(axis=(0, 1))
        return Restored(lab2rgb(lab).astype(np.float32))
