"""`launch.py colorize`: give colors to a user's own photos."""

import sys
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from colorjax import restoration
from colorjax.commands.pictures import process
from colorjax.errors import UserError
from colorjax.methods.hint_strokes import SUFFIX, read_hints
from colorjax.pictures.find import find_pictures
from colorjax.pictures.read import Photo, read_photo


def main(
    paths: Sequence[str],
    output: str,
    compare: bool,
    max_pixels: int,
    method: str,
    hints: str,
    reference: str,
    vividness: float | None,
    weights: str,
) -> None:
    """Colorize photos and write the results.

    Args:
      paths: files and folders, as for `pictures.process`.
      output: folder of the results.
      compare: whether to write photo and result side by side, too.
      max_pixels: larger photos are left out.
      method: 'network' or 'scribble'; '' for the network.
      hints: a file with colors painted over a copy of the photo, or alone on transparency, or a JSON file of strokes
        and points; '' for none.
      reference: a color photo whose colors the results shall have; '' for none.
      vividness: as for `restoration.colorize`.
      weights: weights of another network, as for `restoration.colorize`; '' for the bundled ones.

    Raises:
      UserError: hints for more than one photo, arguments that don't fit together, or as `pictures.process`.
      ColorjaxError: as `pictures.process`.
    """
    marked = None
    if hints:
        if len(find_pictures(paths, output).found) > 1:
            raise UserError(f"--hints={hints} is for one picture; give that picture alone")
        is_json = hints.lower().endswith(SUFFIX)
        marked = read_hints(hints) if is_json else _with_alpha(read_photo(hints, max_pixels))
    shown = read_photo(reference, max_pixels).pixels if reference else None
    restoration.check_colorizer(method, weights, marked is not None, shown, vividness)

    def restoring(pixels, progress):
        found = marked
        if isinstance(marked, np.ndarray):
            found = restoration.find_hints(pixels, marked)
            share = 100 * found.mask.mean()
            tqdm.write(f"{hints}: {share:.{0 if share >= 10 else 2}f}% of the pixels are painted", file=sys.stderr)
        return restoration.colorize(pixels, method, weights, found, shown, vividness, progress)

    process("colorize", paths, output, restoring, compare, max_pixels)


def _with_alpha(photo: Photo) -> np.ndarray:
    """Return a photo's pixels `[H, W, 1 or 3]`, or `[H, W, 4]` if it has alpha."""
    if photo.alpha is None:
        return photo.pixels
    return np.dstack([np.broadcast_to(photo.pixels, (*photo.pixels.shape[:2], 3)), photo.alpha])
