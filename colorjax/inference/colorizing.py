"""Colorize an image of any size: the network colors a reduced copy, and the colors follow the full image's edges."""

from collections.abc import Callable, Iterator

import numpy as np

from colorjax.color.gray import color_gray, gray_levels, lightness_of_levels
from colorjax.inference.color_upsampling import BAND, ColorUpsampling
from colorjax.inference.resizing import resize_bands

# Besides the image and the result, memory holds one band's intermediate arrays: some 50 bytes a pixel.
MOST_PIXELS_OF_A_BAND = 1 << 21


def colorize_pixels(
    pixels: np.ndarray,
    predict: Callable[[np.ndarray], np.ndarray],
    shape: tuple[int, int],
    reached: Callable = lambda n: None,
) -> np.ndarray:
    """Colorize an image. Its gray levels, and so its Lab lightness, stay exactly as they are.

    Args:
      pixels: uint8 or uint16 sRGB, [H, W, 1] or [H, W, 3]; of a color image only the lightness is used.
      predict: takes the lightness of the reduced image, float32 [h, w] in 0..100, and returns its Lab a and b
        [h, w, 2], or an array of lower resolution.
      shape: of the reduced image, `(h, w)`.
      reached: called after each band with the number of rows finished so far.

    Returns:
      [H, W, 3] of the dtype of `pixels`.
    """
    height, width = pixels.shape[:2]
    bands = list(_bands(height, width))
    lightness = (lightness_of_levels(gray_levels(pixels[band])) for band in bands)
    reduced = resize_bands(lightness, height, *shape)
    upsampling = ColorUpsampling(predict(reduced), reduced, height, width)
    result = np.empty((height, width, 3), pixels.dtype)
    for band in bands:
        levels = gray_levels(pixels[band])
        result[band] = color_gray(levels, upsampling.rows(band.start, lightness_of_levels(levels)))
        reached(band.stop)
    return result


def _bands(height: int, width: int) -> Iterator[slice]:
    rows = max(1, min(BAND, MOST_PIXELS_OF_A_BAND // width))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
