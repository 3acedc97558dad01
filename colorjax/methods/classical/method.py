"""What the classical denoisers share: where the noise level comes from, gray images, and images of any size.

Images are float32 [H, W, C], C = 1 or 3; white is 1, noise reaches beyond 0 and 1. `sigma` is the standard deviation of
the noise in the same unit.
"""

import abc
import dataclasses
from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np

from colorjax.errors import UserError
from colorjax.methods.classical.noise_level import estimate_noise
from colorjax.methods.method import Method, Observation, Restored

#: From RGB to opponent colors, [3, 3]: luminance and two differences (Dabov et al. 2007, section V of
#: the paper that `block_matching` names). Its rows are orthogonal and have length 1, so the noise of each channel keeps
#: its standard deviation.
OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


@dataclasses.dataclass
class Denoiser(Method):
    """A denoiser without training. A subclass defines `denoised`, and is a dataclass that may add settings.

    Attributes:
      level: standard deviation of the noise, of 255; -1 to estimate it from the image (`noise_level`).
      told: whether evaluation tells the level, where the noise is Gaussian. Of other noise the level is estimated.
      rows: that are denoised together, so that memory is bounded. A multiple of the step between BM3D's patches.
      margin: rows above and below that are seen besides.

    Raises:
      UserError: a setting outside its range.
    """

    level: float = -1.0
    told: bool = False
    rows: ClassVar[int] = 960
    margin: ClassVar[int] = 96
    tasks: ClassVar[frozenset[str]] = frozenset({"denoise", "denoise_gray"})

    def __post_init__(self):
        if self.level != -1 and not 0 <= self.level <= 255:
            raise UserError(f"method.level={self.level}: must be from 0 to 255, or -1 to estimate it")

    @property
    def needs(self) -> frozenset[str]:
        """Return 'noise' if the level is told."""
        return frozenset({"noise"}) if self.told else frozenset()

    @abc.abstractmethod
    def denoised(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """Return an image [H, W, C] of any size without its noise; `sigma` is above 0."""

    def denoised_with_progress(self, image: np.ndarray, sigma: float, progress: Callable[[float], None]) -> np.ndarray:
        """Return what `denoised` does; a slow method calls `progress` with the share that is done, from 0 to 1."""
        del progress
        return self.denoised(image, sigma)

    def restore(self, observation: Observation) -> Restored:
        """Return the denoised image, not clipped."""
        image = np.asarray(observation.image, np.float32)
        is_gray = image.shape[2] == 1 or (image == image[..., :1]).all()
        shown = image[..., :1] if is_gray else image
        result = self.in_bands(lambda rows: shown[rows], shown.shape[0], self.sigma(shown, observation.noise))
        return Restored(np.broadcast_to(np.concatenate(list(result)), image.shape))

    def sigma(self, image: np.ndarray, noise: tuple[str, float] | None = None) -> float:
        """Return the standard deviation of the noise of an image [H, W, C], in its own unit, where white is 1.

        Args:
          image: the image.
          noise: kind and level, if they are told.
        """
        if self.level >= 0:
            return self.level / 255
        if noise is not None and noise[0] == "gaussian":
            return noise[1]
        return estimate_noise(image)

    def in_bands(
        self,
        rows_of: Callable[[slice], np.ndarray],
        height: int,
        sigma: float,
        progress: Callable[[float], None] = lambda share: None,
    ) -> Iterator[np.ndarray]:
        """Yield the denoised image in bands of rows, from top to bottom.

        Args:
          rows_of: returns some rows of the image.
          height: of the image.
          sigma: as for `denoised`; at 0 nothing is changed.
          progress: called with the share that is done, from 0 to 1.
        """
        for top in range(0, height, self.rows):
            bottom = min(top + self.rows, height)
            first = max(0, top - self.margin)
            band = rows_of(slice(first, min(height, bottom + self.margin)))
            if sigma > 0:
                share_of_band = _part(progress, top / height, bottom / height)
                band = self.denoised_with_progress(band, sigma, share_of_band)
            yield band[top - first : bottom - first]
            progress(bottom / height)


def _part(progress: Callable[[float], None], start: float, end: float) -> Callable[[float], None]:
    """Return a callback for a part of the work."""
    return lambda share: progress(start + share * (end - start))
