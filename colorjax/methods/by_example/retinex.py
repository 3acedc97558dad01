"""The split of light into illumination, which is smooth, and reflectance, which is the rest.

The simplest estimate, that of E. Land and J. McCann, "Lightness and Retinex theory", JOSA 1971, in the form of the
single-scale Retinex (D. Jobson, Z. Rahman and G. Woodell, IEEE TIP 1997, equation 1): with light I,
log R = log I - log S, and log S = blur(log I). Both are natural logarithms, float32 [h, w]; I = R S holds exactly, and
reflectance does not change if the light is multiplied by a constant.
"""

from typing import NamedTuple

import cv2
import numpy as np

DARKEST = 1e-3  # light is raised to this, a tenth of a level of 8 bits above black, since black has no logarithm

#: Standard deviation of the blur, as a share of the longer side.
SMOOTHNESS = 1 / 16


class Split(NamedTuple):
    """Logarithms of the reflectance and of the illumination, [h, w] each."""

    reflectance: np.ndarray
    illumination: np.ndarray


def split(light: np.ndarray) -> Split:
    """Return the two parts of an image.

    Args:
      light: linear, such as the luminance Y, from 0 to 1, [h, w].
    """
    logarithm = np.log(np.maximum(light, np.float32(DARKEST))).astype(np.float32)
    sigma = max(0.5, SMOOTHNESS * max(light.shape))
    illumination = cv2.GaussianBlur(logarithm, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return Split(logarithm - illumination, illumination)
