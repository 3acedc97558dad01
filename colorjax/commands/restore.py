"""`launch.py restore`: denoise a user's own photos, then colorize them."""

from collections.abc import Sequence

from colorjax import restoration
from colorjax.commands.pictures import process


def main(paths: Sequence[str], output: str, compare: bool, max_pixels: int) -> None:
    """Denoise and colorize photos and write the results.

    Args:
      paths: files and folders, as for `pictures.process`.
      output: folder of the results.
      compare: whether to write photo and result side by side, too.
      max_pixels: larger photos are left out.

    Raises:
      UserError: as `pictures.process`.
      ColorjaxError: as `pictures.process`.
    """
    process("restore", paths, output, restoration.restore, compare, max_pixels)
