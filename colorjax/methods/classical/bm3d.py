"""BM3D and CBM3D as methods. Images are float32 [H, W, C] of any finite range."""

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from colorjax.methods.classical.block_matching import bm3d
from colorjax.methods.classical.method import Denoiser


@dataclasses.dataclass
class BM3D(Denoiser):
    """Stacks patches that look alike and shrinks their transform; see `block_matching`. Of colors it is CBM3D."""

    name: ClassVar[str] = "bm3d"

    def denoised(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """See `Denoiser`."""
        return bm3d(image, sigma)

    def denoised_with_progress(self, image: np.ndarray, sigma: float, progress: Callable[[float], None]) -> np.ndarray:
        """See `Denoiser`."""
        return bm3d(image, sigma, progress)
