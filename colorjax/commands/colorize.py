"""`launch.py colorize`: give a person's own pictures colors."""

from collections.abc import Sequence

from colorjax import restoration
from colorjax.commands.pictures import process
from colorjax.errors import UserError
from colorjax.pictures.find import find_pictures
from colorjax.pictures.read import read_photo


def main(
    paths: Sequence[str], output: str, compare: bool, max_pixels: int, method: str, hints: str, weights: str
) -> None:
    """Colorize pictures; arguments as for `pictures.process` and `restoration.colorize`, `hints` a file."""
    marked = None
    if hints:
        if len(find_pictures(paths, output)) > 1:
            raise UserError(f"--hints={hints} is the copy of one picture; give that picture alone")
        marked = read_photo(hints, max_pixels).pixels
    restoration.check_colorizer(method, weights, marked is not None)

    def restoring(pixels, progress):
        return restoration.colorize(pixels, method, weights, marked, progress)

    process("colorize", paths, output, restoring, compare, max_pixels)
