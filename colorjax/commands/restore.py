"""`launch.py restore`: denoise a person's own pictures, then colorize them."""

from collections.abc import Sequence

from colorjax import restoration
from colorjax.commands.pictures import process


def main(paths: Sequence[str], output: str, compare: bool, max_pixels: int) -> None:
    """Restore pictures; arguments as for `pictures.process`."""
    process("restore", paths, output, restoration.restore, compare, max_pixels)
