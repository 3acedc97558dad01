"""Denoise a picture at full strength, once: the page's slider then blends it with the picture as it was.

The denoised copies of a picture, by their kind:
  gray   of its gray levels
  color  of its colors
  own    of a picture of 16 bits in its own color space, in which `denoise` leaves it; shown in sRGB
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from colorjax.color.gray import gray_levels
from colorjax.denoising import denoise as denoise_pixels
from colorjax.page.pyramid import read_level, write_pyramid
from colorjax.page.reading import read_original
from colorjax.pictures.read import in_srgb


def denoise(progress: Callable[[float], None], folder: str, name: str, kind: str) -> None:
    """Write denoised-KIND-N.npy, and for 16 bits denoised-KIND.npy, of the picture in `folder`.

    Raises:
      UserError: the original can't be read any more.
    """
    place = Path(folder)
    photo = read_original(place, name, keep_space=kind == "own")
    pixels = gray_levels(photo.pixels)[..., np.newaxis] if kind == "gray" else photo.pixels
    denoised = denoise_pixels(pixels, progress=progress)
    if denoised.dtype != np.uint8:
        np.save(place / f"denoised-{kind}.npy", denoised)
    if kind == "own":
        channels = read_level(place, "before", 0).shape[2]
        denoised = in_srgb(photo._replace(pixels=denoised)).pixels[..., :channels]
    write_pyramid(place, f"denoised-{kind}", denoised)


def read_denoised(folder: Path, kind: str) -> np.ndarray:
    """Return the denoised picture with all its bits, uint8 or uint16 [H, W, C], in memory."""
    whole = folder / f"denoised-{kind}.npy"
    return np.load(whole) if whole.exists() else np.array(read_level(folder, f"denoised-{kind}", 0))
