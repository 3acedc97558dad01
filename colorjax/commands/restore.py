"""`launch.py restore`: denoise a user's own photos, then colorize them."""

from collections.abc import Sequence

from colorjax import denoising, restoration
from colorjax.commands.pictures import Restoration, process


def main(paths: Sequence[str], output: str, compare: bool, max_pixels: int, strength: float) -> None:
    """Denoise and colorize photos and write the results.

    Args:
      paths: files and folders, as for `pictures.process`.
      output: folder of the results.
      compare: whether to write photo and result side by side, too.
      max_pixels: larger photos are left out.
      strength: as for `restoration.restore`.

    Raises:
      UserError: a strength outside 0 to 1, or as `pictures.process`.
      ColorjaxError: as `pictures.process`.
    """
    denoising.check_strength(strength)

    def restoring(pixels, progress):
        return Restoration(restoration.restore(pixels, progress, strength))

    process("restore", paths, output, restoring, compare, max_pixels)
