"""Wavelet shrinkage by scikit-image. Images are float32 [H, W, C] of any finite range."""

import dataclasses
from typing import ClassVar

import numpy as np
from skimage import restoration  # loads its functions when they are first used, which takes a second

from colorjax.errors import UserError, nearest
from colorjax.methods.classical.method import OPPONENT, Denoiser

THRESHOLDS = ("BayesShrink", "VisuShrink")

_LEAST_SIDE = 64  # pixels; smaller images are reflected to this size, so that they have all levels


@dataclasses.dataclass
class Wavelet(Denoiser):
    """Shrinks the coefficients of a wavelet transform; colors are denoised as opponent colors.

    Attributes:
      threshold: 'BayesShrink', one threshold for each subband (S. G. Chang, B. Yu and M. Vetterli, "Adaptive wavelet
        thresholding for image denoising and compression", 2000), or 'VisuShrink', one for all that removes almost all
        noise and much else (D. L. Donoho and I. M. Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994).
      wavelet: a name that PyWavelets knows.

    Raises:
      UserError: a setting outside its range.
    """

    threshold: str = "BayesShrink"
    wavelet: str = "db1"
    name: ClassVar[str] = "wavelet"

    def __post_init__(self):
        super().__post_init__()
        if self.threshold not in THRESHOLDS:
            raise UserError(f"method.threshold={self.threshold!r}; {nearest(self.threshold, THRESHOLDS)}")

    def denoised(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """See `Denoiser`."""
        height, width = image.shape[:2]
        extra = [(0, max(0, _LEAST_SIDE - height)), (0, max(0, _LEAST_SIDE - width)), (0, 0)]
        colors = OPPONENT if image.shape[2] == 3 else np.eye(1)
        channels = np.pad(image.astype(np.float64) @ colors.T, extra, mode="symmetric")
        shrunk = [
            restoration.denoise_wavelet(channels[..., number], sigma, self.wavelet, method=self.threshold)
            for number in range(channels.shape[2])
        ]
        return (np.stack(shrunk, axis=-1)[:height, :width] @ colors).astype(np.float32)
