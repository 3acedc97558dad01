"""Resizing by the triangle filter: float32 [H, W] or [H, W, C] of any range to another height and width.

Enlarging is bilinear interpolation. Reducing widens the triangle to two target pixels, which prevents aliasing (like
Pillow's BILINEAR, and `jax.image.resize` with antialias). Pixel centers are at (i + 0.5) / side of the image in both
sizes. Weights beyond the edges are zero, and the remaining weights are normalized to sum to one.

Several places make images smaller. New code should use this module. The places and their filters:
  reduced copies that a colorizer sees, thumbnails in reports   this module
  evaluation/fid.py, Inception's input for FID                  as two other programs: Pillow's bicubic, or this
                                                                module without antialiasing
  Inception's input, models/fusion.py     the same filter from `jax.image.resize`, since it is part of a jitted network
  letterbox.py, whole images in a square                        scikit-image, a Gaussian and then bilinear
  evaluation/protocol.py, the clean images measured against     scikit-image, a Gaussian and then bicubic
  datasets/crops.py, patches for training                       OpenCV, bilinear, which also rotates them
The last three stay as they are, because published numbers and the measurements of kept networks depend on them.
"""

from collections.abc import Iterable

import numpy as np
from scipy.sparse import csr_array


def resize(picture: np.ndarray, height: int, width: int, antialias: bool = True) -> np.ndarray:
    """Return the image [H, W] or [H, W, C] as float32 [height, width] or [height, width, C].

    Args:
      picture: the image.
      height: of the result, pixels.
      width: of the result, pixels.
      antialias: widen the triangle when reducing; otherwise it is bilinear interpolation of four pixels at any size.
    """
    if picture.shape[:2] == (height, width):
        return np.asarray(picture, np.float32)
    return resize_bands([picture], picture.shape[0], height, width, antialias)


def resize_bands(bands: Iterable[np.ndarray], rows: int, height: int, width: int, antialias: bool = True) -> np.ndarray:
    """Resize an image that arrives in bands of rows, so that memory needs to hold only one band of it.

    Args:
      bands: [R, W] or [R, W, C] each, from top to bottom, `rows` rows in all.
      rows: height of the image, pixels.
      height: of the result, pixels.
      width: of the result, pixels.
      antialias: as for `resize`.

    Returns:
      float32 [height, width] or [height, width, C].
    """
    down = triangle_weights(rows, height, antialias)
    total, top = 0.0, 0
    for band in bands:
        weights = down[:, top : top + len(band)]
        shape = (height, *band.shape[1:])
        total = total + (weights @ band.reshape(len(band), -1).astype(np.float32)).reshape(shape)
        top += len(band)
    if top != rows:
        raise ValueError(f"bands of {top} rows for a picture of {rows}")
    columns = np.moveaxis(total, 1, 0)
    across = triangle_weights(columns.shape[0], width, antialias) @ columns.reshape(columns.shape[0], -1)
    return np.ascontiguousarray(np.moveaxis(across.reshape(width, *columns.shape[1:]), 0, 1))


def triangle_weights(source: int, target: int, antialias: bool = True) -> csr_array:
    """Return the weight of each of `source` pixels in a line for each of `target` pixels: float32 [target, source]."""
    scale = source / target
    reach = max(scale, 1.0) if antialias else 1.0
    center = (np.arange(target) + 0.5) * scale
    pixel = np.floor(center - reach).astype(int)[:, np.newaxis] + np.arange(int(np.ceil(2 * reach)) + 2)
    weights = np.maximum(1.0 - np.abs(pixel + 0.5 - center[:, np.newaxis]) / reach, 0.0)
    weights[(pixel < 0) | (pixel >= source)] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    there = weights > 0.0
    row = np.broadcast_to(np.arange(target)[:, np.newaxis], pixel.shape)
    return csr_array((weights[there].astype(np.float32), (row[there], pixel[there])), shape=(target, source))
