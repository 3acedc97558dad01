"""`launch.py denoise`: take the noise out of a person's own pictures."""

from collections.abc import Sequence

from colorjax import restoration
from colorjax.commands.pictures import process


def main(paths: Sequence[str], output: str, compare: bool, max_pixels: int, weights: str) -> None:
    """Denoise pictures; arguments as for `pictures.process` and `restoration.denoise`."""
    restoration.check_denoiser(weights)

    def restoring(pixels, progress):
        return restoration.denoise(pixels, weights, progress)

    process("denoise", paths, output, restoring, compare, max_pixels)
