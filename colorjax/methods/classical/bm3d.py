"""BM3D and CBM3D as methods. Images are float32 [H, W, C] of any finite range."""

import dataclasses
from typing import ClassVar

import numpy as np

from colorjax.methods.classical.block_matching import bm3d
from colorjax.methods.classical.method import Denoiser, check_level


@dataclasses.dataclass
class BM3D(Denoiser):
    """Stacks patches that look alike and shrinks their transform; see `block_matching`. Of colors it is CBM3D.

    Raises:
      UserError: a level outside its range.
    """

    level: float = -1.0
    told: bool = False
    name: ClassVar[str] = "bm3d"

    def __post_init__(self):
        check_level(self.level)

    def denoised(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """See `Denoiser`."""
        return bm3d(image, sigma)
