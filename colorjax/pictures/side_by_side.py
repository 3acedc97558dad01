"""Combine a photo and its result, side by side, into one image."""

import numpy as np

from colorjax.pictures.read import Photo

# Width of the white gap, as a share of the photo's width, and in pixels at least.
GAP = 1 / 100
LEAST_GAP = 2


def side_by_side(photo: Photo, result: np.ndarray) -> tuple[np.ndarray, Photo]:
    """Return an image with the photo on the left and its result on the right, for `write_photo`.

    Args:
      photo: the photo, pixels `[H, W, 1 or 3]`.
      result: `[H, W, 1 or 3]` of the same dtype; the photo's alpha applies to it too.

    Returns:
      Pixels `[H, 2 W + gap, 3]`, or with 1 channel if both are gray; and the photo with alpha for these pixels (opaque
      in the gap).
    """
    left = photo.pixels
    if left.shape[:2] != result.shape[:2] or left.dtype != result.dtype:
        raise ValueError(
            f"the result is {result.dtype} {list(result.shape)}, the photograph {left.dtype} {list(left.shape)}"
        )
    height, width, channels = left.shape
    channels = max(channels, result.shape[2])
    right_at = width + max(LEAST_GAP, round(GAP * width))
    white = np.iinfo(left.dtype).max
    pixels = np.full((height, right_at + width, channels), white, left.dtype)
    pixels[:, :width] = left
    pixels[:, right_at:] = result
    alpha = photo.alpha
    if alpha is not None:
        alpha = np.full(pixels.shape[:2], white, left.dtype)
        alpha[:, :width] = alpha[:, right_at:] = photo.alpha
    return pixels, photo._replace(alpha=alpha)
