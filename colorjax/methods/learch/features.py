"""What LEARCH sees of a gray image at each place: float32 [SIDE, SIDE, LENGTH], of an image stretched into a square."""

import cv2
import numpy as np

from colorjax.inference.resizing import resize
from colorjax.methods.learch import filters

SIDE = 64  # of the square, pixels; the paper works at a height of 256
THUMBNAIL = 5  # side, pixels
_BLURS = (1.0, 2.0, 4.0, 8.0, 16.0)  # standard deviations, pixels
#: Grey, its gradient and its length, blurs, chroma of matches (mean and deviation), place; thumbnail; filter bank.
LENGTH = 4 + len(_BLURS) + 4 + 2 + THUMBNAIL**2 + 48


def features(grey: np.ndarray, matches: np.ndarray) -> np.ndarray:
    """Return the features of an image.

    Args:
      grey: [SIDE, SIDE] in [0, 1].
      matches: chroma maps of similar images, [n, SIDE, SIDE, 2], n from 1 on.
    """
    grey = np.asarray(grey, np.float32)
    down, right = np.gradient(grey)
    blurred = [cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101) for sigma in _BLURS]
    y, x = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]
    maps = [grey, down, right, np.hypot(down, right), *blurred, y, x]
    thumbnail = np.broadcast_to(resize(grey, THUMBNAIL, THUMBNAIL).ravel(), (SIDE, SIDE, THUMBNAIL**2))
    bank = np.asarray(filters.leung_malik(grey[np.newaxis]))[0]
    parts = [np.stack(maps, axis=-1), matches.mean(axis=0), matches.std(axis=0), thumbnail, bank]
    return np.concatenate(parts, axis=-1).astype(np.float32)
