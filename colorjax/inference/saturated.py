"""Keep saturated regions of a person's photograph saturated.

Where a whole region is at black or white there is no noise to remove, and a network's small error would be seen: a flat
sky of 255 would become 248 to 255. Noise around black or white saturates half of the pixels at most, so that a square
of saturated ones does not come about by chance.
"""

import cv2
import numpy as np

# Pixels on a side of the squares that a saturated region consists of: by chance there is one in 2^49.
SIDE = 7

# Pixels that are handled at once.
BAND_PIXELS = 2**20


def keep_saturated(picture: np.ndarray, result: np.ndarray) -> np.ndarray:
    """Return `result`, in place, with the picture's extreme where a `SIDE` x `SIDE` square of a channel is all extreme.

    Args:
      picture: as it was given, uint8 or uint16 `[H, W, C]`.
      result: what a network made of it, of the same shape and dtype.
    """
    square = np.ones((SIDE, SIDE), np.uint8)
    rows = max(SIDE, BAND_PIXELS // picture.shape[1])
    for top in range(0, len(picture), rows):
        bottom = min(top + rows, len(picture))
        first = max(0, top - SIDE)
        band = picture[first : bottom + SIDE]
        for extreme in (0, np.iinfo(picture.dtype).max):
            for channel in range(picture.shape[2]):
                saturated = (band[..., channel] == extreme).astype(np.uint8)
                if not saturated.any():
                    continue
                region = cv2.morphologyEx(saturated, cv2.MORPH_OPEN, square)[top - first : bottom - first]
                result[top:bottom, :, channel][region > 0] = extreme
    return result
