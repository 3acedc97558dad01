"""Filters: Gaussian, bilateral, both in turn, and the median. Images are float32 [H, W, C] of any finite range.

The bilateral filter is that of C. Tomasi and R. Manduchi, "Bilateral filtering for gray and color images", ICCV 1998.
Both in turn is what Sugumar's paper calls an amalgamation of the two (section 2). The defaults of all settings here and
of the other classical denoisers were chosen on parts of six validation photographs of BSDS500.
"""

import dataclasses
from typing import ClassVar

import cv2
import numpy as np
import scipy.ndimage

from colorjax.methods.classical.method import Denoiser
from colorjax.methods.settings import require_odd, require_positive


@dataclasses.dataclass
class Gaussian(Denoiser):
    """Blurs by a Gaussian with a standard deviation of `width` times the square root of the level of 255, pixels.

    Raises:
      UserError: a setting outside its range.
    """

    width: float = 0.17
    name: ClassVar[str] = "gaussian"

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "width")

    def denoised(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """See `Denoiser`."""
        return blurred(image, self.width * (255 * sigma) ** 0.5)


@dataclasses.dataclass
class Bilateral(Denoiser):
    """Averages pixels that are near and alike; beyond the border the image is reflected, so it does not darken.

    Attributes:
      width: standard deviation of the distance, pixels.
      colors: standard deviation of the difference between two pixels, in units of the noise's.

    Raises:
      UserError: a setting outside its range.
    """

    width: float = 1.5
    colors: float = 2.75
    name: ClassVar[str] = "bilateral"

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "width", "colors")

    def denoised(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """See `Denoiser`."""
        return bilateral(image, self.width, self.colors * sigma)


@dataclasses.dataclass
class GaussianBilateral(Denoiser):
    """A narrow Gaussian first: it takes out single pixels, which the bilateral filter keeps, as they are like no other.

    Attributes:
      blur: standard deviation of the Gaussian, pixels.
      width: of the bilateral filter, as of `Bilateral`.
      colors: of the bilateral filter, in units of the noise that the Gaussian leaves.

    Raises:
      UserError: a setting outside its range.
    """

    blur: float = 0.5
    width: float = 1.5
    colors: float = 2.5
    name: ClassVar[str] = "gaussian_bilateral"

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "blur", "width", "colors")

    def denoised(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """See `Denoiser`."""
        return bilateral(blurred(image, self.blur), self.width, self.colors * sigma * left_by_blur(self.blur))


@dataclasses.dataclass
class Median(Denoiser):
    """The median of each square.

    Attributes:
      side: of the square, pixels, odd.

    Raises:
      UserError: a setting outside its range.
    """

    side: int = 3
    name: ClassVar[str] = "median"

    def __post_init__(self):
        super().__post_init__()
        require_odd(self, "side")

    def denoised(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """See `Denoiser`; the level does not matter."""
        del sigma
        return scipy.ndimage.median_filter(image, (self.side, self.side, 1), mode="reflect")


def blurred(image: np.ndarray, width: float) -> np.ndarray:
    """Return the image convolved with a Gaussian of the standard deviation `width`, pixels; reflected at the border."""
    return scipy.ndimage.gaussian_filter(image, (width, width, 0), mode="reflect")


def left_by_blur(width: float) -> float:
    """Return the share of white noise's standard deviation that `blurred` leaves."""
    size = int(4 * width + 0.5)
    weights = np.exp(-0.5 * np.square(np.arange(-size, size + 1) / width))
    return float(np.square(weights / weights.sum()).sum())


def bilateral(image: np.ndarray, width: float, colors: float) -> np.ndarray:
    """Return the bilateral filter's result by OpenCV; the difference of colors is the sum over the channels.

    Args:
      image: [H, W, C].
      width: standard deviation of the distance, pixels; the window reaches three times as far.
      colors: standard deviation of the difference.
    """
    # OpenCV sums the channels' absolute differences, which grow with their number.
    scale = float(colors * np.sqrt(image.shape[2]))
    reach = 2 * int(np.ceil(3 * width)) + 1
    result = cv2.bilateralFilter(np.ascontiguousarray(image), reach, scale, width, borderType=cv2.BORDER_REFLECT)
    return result.reshape(image.shape)
