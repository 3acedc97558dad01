"""`launch.py denoise`: remove the noise from a user's own photos."""

import sys
from collections.abc import Sequence

from colorjax import denoising
from colorjax.commands.pictures import Restoration, process
from colorjax.methods import NetworkMethod


def main(
    paths: Sequence[str],
    output: str,
    compare: bool,
    max_pixels: int,
    method: str,
    noise_level: float | None,
    weights: str,
    strength: float,
) -> None:
    """Denoise photos and write the results.

    Args:
      paths: files and folders, as for `pictures.process`.
      output: folder of the results.
      compare: whether to write photo and result side by side, too.
      max_pixels: larger photos are left out.
      method: as for `denoising.denoise`.
      noise_level: as for `denoising.denoise`.
      weights: weights of another network, as for `denoising.denoise`; '' for the bundled ones.
      strength: as for `denoising.denoise`.

    Raises:
      UserError: unusable weights or settings, or as `pictures.process`.
      ColorjaxError: as `pictures.process`.
    """
    denoising.check_strength(strength)
    denoiser = denoising.check_denoiser(weights, method, noise_level)
    is_told = noise_level is not None and isinstance(denoiser, NetworkMethod)
    if is_told and (line := denoiser.above_training(("gaussian", noise_level / 255))):
        print(f"denoise: {line}", file=sys.stderr)  # once for all pictures

    def restoring(pixels, progress):
        remarks = []
        remark = remarks.append if noise_level is None else denoising.ignore_remark
        result = denoising.denoise(pixels, weights, progress, method, noise_level, remark, strength)
        return Restoration(result, tuple(remarks))

    process("denoise", paths, output, restoring, compare, max_pixels, keep_space=True)
