"""`launch.py colorize`: give colors to a user's own photos."""

from collections.abc import Sequence

from colorjax import restoration
from colorjax.commands.pictures import process
from colorjax.errors import UserError
from colorjax.pictures.find import find_pictures
from colorjax.pictures.read import read_photo


def main(
    paths: Sequence[str], output: str, compare: bool, max_pixels: int, method: str, hints: str, weights: str
) -> None:
    """Colorize photos and write the results.

    Args:
      paths: files and folders, as for `pictures.process`.
      output: folder of the results.
      compare: whether to write photo and result side by side, too.
      max_pixels: larger photos are left out.
      method: 'network' or 'scribble'; '' to choose by `hints`, as for `restoration.colorize`.
      hints: a file with colors painted over a copy of the photo; '' for none.
      weights: weights of another network, as for `restoration.colorize`; '' for the bundled ones.

    Raises:
      UserError: hints for more than one photo, arguments that don't fit together, or as `pictures.process`.
      ColorjaxError: as `pictures.process`.
    """
    marked = None
    if hints:
        if len(find_pictures(paths, output).found) > 1:
            raise UserError(f"--hints={hints} is the copy of one picture; give that picture alone")
        marked = read_photo(hints, max_pixels).pixels
    restoration.check_colorizer(method, weights, marked is not None)

    def restoring(pixels, progress):
        return restoration.colorize(pixels, method, weights, marked, progress)

    process("colorize", paths, output, restoring, compare, max_pixels)
