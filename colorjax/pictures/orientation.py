"""EXIF orientation, and the limit of a picture's size."""

import numpy as np
from PIL import ExifTags, Image

from colorjax.errors import UserError

# 300 MB as uint8, 1.2 GB as float32. A larger image is a panorama or an attack; one such file must not exhaust the
# memory of a run that takes all night.
MAX_PIXELS = 100_000_000

# For an EXIF orientation, the one that undoes it; all others undo themselves.
INVERSE = {6: 8, 8: 6}


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an image, 1 to 8; 1 means upright, and is returned for damaged EXIF too."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow raises all kinds of errors for damaged EXIF
        return 1
    return value if value in range(1, 9) else 1


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return an upright view of `pixels`, `[H, W, ...]`, which are stored with the given EXIF orientation."""
    if orientation >= 5:  # rows and columns are swapped
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def refuse_large(name: str, width: int, height: int, max_pixels: int, advice: str = "") -> None:
    """Refuse an image with too many pixels.

    Args:
      name: the file's name in errors.
      width: in pixels.
      height: in pixels.
      max_pixels: largest number of pixels allowed.
      advice: added at the end of the error.

    Raises:
      UserError: the image has more pixels.
    """
    if width * height > max_pixels:
        raise UserError(
            f"{name}: {width} x {height} is {width * height:,} pixels, more than the limit of {max_pixels:,}{advice}"
        )
