"""`launch.py denoise`: remove the noise from a user's own photos."""

from collections.abc import Sequence

from colorjax import restoration
from colorjax.commands.pictures import process


def main(paths: Sequence[str], output: str, compare: bool, max_pixels: int, weights: str) -> None:
    """Denoise photos and write the results.

    Args:
      paths: files and folders, as for `pictures.process`.
      output: folder of the results.
      compare: whether to write photo and result side by side, too.
      max_pixels: larger photos are left out.
      weights: weights of another network, as for `restoration.denoise`; '' for the bundled ones.

    Raises:
      UserError: unusable weights, or as `pictures.process`.
      ColorjaxError: as `pictures.process`.
    """
    restoration.check_denoiser(weights)

    def restoring(pixels, progress):
        return restoration.denoise(pixels, weights, progress)

    process("denoise", paths, output, restoring, compare, max_pixels, keep_space=True)
