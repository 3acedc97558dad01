"""Read an upload: what the page shows of it at once."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from colorjax.color.gray import is_gray
from colorjax.errors import UserError
from colorjax.page.pyramid import level_sizes, read_level, write_pyramid
from colorjax.pictures.read import Photo, in_srgb, photo_of

THUMBNAIL = 240  # pixels, its longer side
# A picture whose mean distance from gray is below this, of 255, is one that color makes sense for: sepia, or gray.
_LITTLE_COLOR = 12


def read(progress: Callable[[float], None], folder: str, name: str, max_pixels: int, advice: str) -> dict[str, Any]:
    """Read the file `original` in `folder`, write what is shown of it, and return what the page says of it.

    Args:
      progress: called with 0; reading can't be stopped.
      folder: of the picture.
      name: of the upload, for errors.
      max_pixels: larger pictures are refused before they are decoded.
      advice: added to that refusal.

    Raises:
      UserError: one line that begins with the name.
    """
    progress(0)
    kept = read_original(Path(folder), name, max_pixels, advice, keep_space=True)
    photo = in_srgb(kept)
    pixels = photo.pixels
    height, width, channels = pixels.shape
    gray = channels == 1 or is_gray(pixels)
    write_pyramid(Path(folder), "before", pixels[..., :1] if gray else pixels)
    small = _thumbnail(Path(folder), level_sizes(height, width))
    Image.fromarray(small[..., 0] if gray else small).save(Path(folder) / "thumbnail.jpg", quality=88)
    return {
        "width": width,
        "height": height,
        "bits": 16 if pixels.dtype == np.uint16 else 8,
        "own_space": photo.metadata.profile != kept.metadata.profile,
        "gray": gray,
        "colorful": bool((small.max(axis=-1).astype(int) - small.min(axis=-1)).mean() > _LITTLE_COLOR),
        "format": photo.format,
    }


def read_original(
    folder: Path, name: str, max_pixels: int = 10**9, advice: str = "", keep_space: bool = False
) -> Photo:
    """Return the uploaded photo; errors have its name and not that of the file. `keep_space` as for `photo_of`."""
    try:
        data = (folder / "original").read_bytes()
    except OSError as error:
        raise UserError(f"{name}: can't be read any more ({os.strerror(error.errno or 0)})") from None
    return photo_of(name, data, max_pixels, advice, keep_space)


def _thumbnail(folder: Path, sizes: list[tuple[int, int]]) -> np.ndarray:
    pixels = np.asarray(read_level(folder, "before", len(sizes) - 1))
    height, width = pixels.shape[:2]
    scale = min(1.0, THUMBNAIL / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
