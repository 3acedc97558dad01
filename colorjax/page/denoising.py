"""Denoise a picture at full strength, once: the page's slider then blends it with the picture as it was."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from colorjax import restoration
from colorjax.color.gray import gray_levels
from colorjax.page.pyramid import read_level, write_pyramid
from colorjax.page.reading import read_original


def kind_of_denoising(task: str, gray: bool) -> str:
    """Return which denoised picture a task needs: 'gray', where its gray levels are denoised, or 'color'."""
    return "gray" if gray or task == "restore" else "color"


def denoise(progress: Callable[[float], None], folder: str, name: str, kind: str) -> None:
    """Write denoised-KIND-N.npy, and for 16 bits denoised-KIND.npy, of the picture in `folder`.

    Raises:
      UserError: the original can't be read any more.
    """
    place = Path(folder)
    pixels = read_original(place, name).pixels
    if kind == "gray":
        pixels = gray_levels(pixels)[..., np.newaxis]
    denoised = restoration.denoise(pixels, progress=progress)
    if denoised.dtype != np.uint8:
        np.save(place / f"denoised-{kind}.npy", denoised)
    write_pyramid(place, f"denoised-{kind}", denoised)


def read_denoised(folder: Path, kind: str) -> np.ndarray:
    """Return the denoised picture with all its bits, uint8 or uint16 [H, W, C], in memory."""
    whole = folder / f"denoised-{kind}.npy"
    return np.load(whole) if whole.exists() else np.array(read_level(folder, f"denoised-{kind}", 0))
