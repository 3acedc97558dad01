"""Resizing by the triangle filter: float32 [H, W] or [H, W, C] of any range to another height and width.

Enlarging is bilinear interpolation. Reducing widens the triangle to two target pixels (Pillow's BILINEAR,
`jax.image.resize` with antialias), so that nothing aliases. Pixel centers are at (i + 0.5) / side of the picture in
both sizes; beyond the edges there is nothing, and the weights that remain are made to sum to one.

What makes images smaller elsewhere, by which filter and why; whatever is new takes the one above:
  reduced copies that a colorizer sees, thumbnails in reports   this one
  Inception's view, models/fusion.py      the same filter from `jax.image.resize`, since it is part of a jitted network
  letterbox.py, pictures fitted whole into a square             scikit-image, a Gaussian and then bilinear
  evaluation/protocol.py, the measured truth                    scikit-image, a Gaussian and then bicubic
  datasets/crops.py, patches for training                       OpenCV, bilinear, which also turns them
The last three decide published numbers and what kept networks were measured with, so they stay as they are.
"""

from collections.abc import Iterable

import numpy as np
from scipy.sparse import csr_array


def resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return float32 [height, width] or [height, width, C] of a picture [H, W] or [H, W, C]."""
    if picture.shape[:2] == (height, width):
        return np.asarray(picture, np.float32)
    return resize_bands([picture], picture.shape[0], height, width)


def resize_bands(bands: Iterable[np.ndarray], rows: int, height: int, width: int) -> np.ndarray:
    """Resize a picture that comes in bands of rows, so that no more than a band of it need be in memory.

    Args:
      bands: [R, W] or [R, W, C] each, from the top to the bottom, `rows` rows in all.
      rows: of the picture.
      height: to be reached.
      width: to be reached.

    Returns:
      float32 [height, width] or [height, width, C].
    """
    down = triangle_weights(rows, height)
    total, top = 0.0, 0
    for band in bands:
        weights = down[:, top : top + len(band)]
        shape = (height, *band.shape[1:])
        total = total + (weights @ band.reshape(len(band), -1).astype(np.float32)).reshape(shape)
        top += len(band)
    if top != rows:
        raise ValueError(f"bands of {top} rows for a picture of {rows}")
    columns = np.moveaxis(total, 1, 0)
    across = triangle_weights(columns.shape[0], width) @ columns.reshape(columns.shape[0], -1)
    return np.ascontiguousarray(np.moveaxis(across.reshape(width, *columns.shape[1:]), 0, 1))


def triangle_weights(source: int, target: int) -> csr_array:
    """Return float32 [target, source]: what each of `source` pixels in a line counts for each of `target`."""
    scale = source / target
    reach = max(scale, 1.0)
    center = (np.arange(target) + 0.5) * scale
    pixel = np.floor(center - reach).astype(int)[:, np.newaxis] + np.arange(int(np.ceil(2 * reach)) + 2)
    weights = np.maximum(1.0 - np.abs(pixel + 0.5 - center[:, np.newaxis]) / reach, 0.0)
    weights[(pixel < 0) | (pixel >= source)] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    there = weights > 0.0
    row = np.broadcast_to(np.arange(target)[:, np.newaxis], pixel.shape)
    return csr_array((weights[there].astype(np.float32), (row[there], pixel[there])), shape=(target, source))
