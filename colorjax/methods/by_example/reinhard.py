"""Reinhard's transfer for a gray image: a tint with the reference's mean color.

Lightness is L in 0..100, [h, w]; colors are Lab a and b, [h, w, 2]; references are Lab [H, W, 3].
"""

import dataclasses
from typing import ClassVar

import numpy as np

from colorjax.color.spaces import RGB_FROM_XYZ, lab2xyz, xyz2lab
from colorjax.methods.by_example.method import ByExample, Transfer
from colorjax.runtime.pixelwise import map_pixels

#: Linear RGB to the responses of the eye's cones, as printed in the paper.
LMS_FROM_RGB = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])

#: The logarithms of these responses to l, alpha, beta: an orthonormal matrix.
L_ALPHA_BETA = np.diag(1 / np.sqrt([3, 6, 2])) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])

#: Smallest response that the logarithm sees; else the black pixels would decide the mean.
FLOOR = 1e-3


@dataclasses.dataclass
class Reinhard(ByExample):
    """Gives each pixel the mean alpha and beta of the reference, in the space l, alpha, beta.

    The method moves the mean and the deviation of each channel to the reference's. A gray image has no deviation of
    alpha and beta that could be scaled, so what remains is the reference's mean: a tint, for comparison with methods
    that color each pixel differently. The channel l is not moved; it is what the pixel's own Lab lightness asks for.
    RGB is taken as linear light. The inverse of the matrix to LMS is computed, because the one printed in the paper is
    not its exact inverse. The confidence is 1 everywhere.

    Reference: E. Reinhard, M. Ashikhmin, B. Gooch and P. Shirley, "Color transfer between images", IEEE Computer
    Graphics and Applications 2001.
    """

    name: ClassVar[str] = "reinhard"

    def transfer(self, lightness: np.ndarray, example: np.ndarray, regions: np.ndarray | None = None) -> Transfer:
        """Return the tint, whose a and b grow with lightness."""
        del regions
        xyz = map_pixels(lab2xyz, example).astype(np.float64)
        mean = alpha_beta(xyz @ RGB_FROM_XYZ.T).reshape(-1, 2).mean(axis=0)
        tint = xyz_of(mean)
        # A factor of all three responses changes l alone, so alpha and beta stay while Y becomes the pixel's own.
        gray = np.stack([lightness, np.zeros_like(lightness), np.zeros_like(lightness)], axis=-1)
        own = map_pixels(lab2xyz, gray)[..., 1:2]
        ab = map_pixels(xyz2lab, own * (tint / tint[1]).astype(np.float32))[..., 1:]
        return Transfer(ab, np.ones(lightness.shape, np.float32))


def alpha_beta(linear: np.ndarray) -> np.ndarray:
    """Return the channels alpha and beta [*b, 2] of linear RGB [*b, 3] in [0, 1]."""
    responses = np.maximum(linear @ LMS_FROM_RGB.T, FLOOR)
    return np.log10(responses) @ L_ALPHA_BETA[1:].T


def xyz_of(color: np.ndarray) -> np.ndarray:
    """Return the CIE XYZ [3] of a color with the channels alpha and beta [2], up to a factor."""
    responses = 10.0 ** (color @ L_ALPHA_BETA[1:])
    return np.linalg.solve(LMS_FROM_RGB @ RGB_FROM_XYZ, responses)
