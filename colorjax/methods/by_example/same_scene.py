"""Coloring by another photograph of the same scene, in another light and from nearly the same place.

Lightness is float32 L in 0..100, [h, w]; colors are Lab a and b, [h, w, 2]; references are Lab [H, W, 3].
"""

import dataclasses
from typing import ClassVar

import cv2
import numpy as np
from scipy import ndimage

from colorjax.color.spaces import D65_WHITE, lab2xyz, xyz2lab
from colorjax.methods.by_example.method import ByExample, Transfer
from colorjax.methods.by_example.registration import laid_over, register
from colorjax.methods.by_example.retinex import DARKEST, split
from colorjax.runtime.pixelwise import map_pixels

_WINDOW = 1 / 40  # standard deviation of the window in which reflectances are compared, share of the longer side
_FLAT = 0.05  # log reflectance; weaker contrast than this is none, and does not count against a pixel


@dataclasses.dataclass
class SameScene(ByExample):
    """Gives the target's reflectance the colors of the reference's, and multiplies its own illumination back.

    A simplification of X. Liu, L. Wan, Y. Qu, T.-T. Wong, S. Lin, C.-S. Leung and P.-A. Heng, "Intrinsic colorization",
    SIGGRAPH Asia 2008: reflectance there comes from several photographs of the scene, here from one by the Retinex
    (`retinex`), and illumination is white. Colors then stay the same share of the light wherever the light is
    stronger or weaker: in a shadow they are darker and less colorful in Lab, and not tinted like the sunlit wall.
    """

    name: ClassVar[str] = "same_scene"

    def transfer(self, lightness: np.ndarray, example: np.ndarray, regions: np.ndarray | None = None) -> Transfer:
        """Return the colors; arguments as for `ByExample.transfer`.

        Where the reference does not reach, colors are those of the nearest place where it does, with no confidence.
        Elsewhere confidence is the structural similarity of the two reflectances.

        Raises:
          UserError: the reference does not show the same scene.
        """
        del regions
        xyz = _light(example)
        own = _light(np.pad(lightness[..., np.newaxis], [(0, 0), (0, 0), (0, 2)]))[..., 1]
        target, reference = split(own), split(xyz[..., 1])
        placed = register(target.reflectance, reference.reflectance)
        tints = xyz / xyz[..., 1:2]  # reflectance of each channel by that of luminance: the illumination cancels
        there = laid_over(np.dstack([tints, reference.reflectance]), placed, lightness.shape)
        outside = np.isnan(there).any(axis=-1)
        if outside.any():
            nearest = ndimage.distance_transform_edt(outside, return_distances=False, return_indices=True)
            there = there[tuple(nearest)]
        colored = there[..., :3] * np.exp(target.reflectance)[..., np.newaxis]
        lit = colored * np.exp(target.illumination)[..., np.newaxis]
        ab = map_pixels(xyz2lab, lit)[..., 1:]
        confidence = _similarity(target.reflectance, there[..., 3])
        return Transfer(ab, np.where(outside, np.float32(0), confidence))


def _light(lab: np.ndarray) -> np.ndarray:
    """Return the CIE XYZ of Lab colors [h, w, 3], with a little white light added, since black has no tint."""
    return map_pixels(lab2xyz, lab) + (DARKEST * D65_WHITE).astype(np.float32)


def _similarity(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the structural similarity of two images [h, w] around each pixel, 0 to 1, without that of their means."""

    def around(values: np.ndarray) -> np.ndarray:
        sigma = max(1.0, _WINDOW * max(first.shape))
        return cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)

    means = around(first), around(second)
    both = around(first * second) - means[0] * means[1]
    spreads = sum(around(np.square(one)) - np.square(mean) for one, mean in zip((first, second), means, strict=True))
    constant = np.float32(_FLAT**2)
    return np.clip((2 * both + constant) / (spreads + constant), 0, 1)
