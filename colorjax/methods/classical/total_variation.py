"""Total variation denoising by scikit-image. Images are float32 [H, W, C] of any finite range."""

import dataclasses
from typing import ClassVar

import numpy as np
from skimage import restoration  # loads its functions when they are first used, which takes a second

from colorjax.methods.classical.method import Denoiser
from colorjax.methods.settings import require_positive


@dataclasses.dataclass
class TotalVariation(Denoiser):
    """The image with the least total variation for its distance from the noisy one.

    Attributes:
      weight: of the total variation, in units of the noise's standard deviation.

    Raises:
      UserError: a setting outside its range.

    Reference: A. Chambolle, "An algorithm for total variation minimization and applications", 2004, for L. Rudin, S.
    Osher and E. Fatemi, "Nonlinear total variation based noise removal algorithms", 1992.
    """

    weight: float = 0.8
    name: ClassVar[str] = "total_variation"

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "weight")

    def denoised(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """See `Denoiser`."""
        return restoration.denoise_tv_chambolle(image, self.weight * sigma, channel_axis=-1).astype(np.float32)
