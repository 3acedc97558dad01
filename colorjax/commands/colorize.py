"""`launch.py colorize`: give colors to a user's own photos."""

import sys
from collections.abc import Callable, Sequence

import numpy as np
from tqdm import tqdm

from colorjax import restoration
from colorjax.commands.pictures import Restoration, Restoring, process
from colorjax.errors import UserError
from colorjax.methods.hint_strokes import SUFFIX, read_hints
from colorjax.methods.retrieval.folder import index_folder
from colorjax.methods.retrieval.method import TRANSFERS, Colors, build_transfer
from colorjax.methods.retrieval.search import Search
from colorjax.pictures.find import find_pictures
from colorjax.pictures.read import Photo, read_photo
from colorjax.restoration_by_example import by_reference, by_references

#: More colors than this are those of a photograph, or of a mask that JPEG has blurred.
MOST_REGIONS = 64


def main(
    paths: Sequence[str],
    output: str,
    compare: bool,
    max_pixels: int,
    method: str,
    hints: str,
    reference: str,
    regions: str,
    references: str,
    count: int,
    list_references: bool,
    vividness: float | None,
    exact: bool,
    weights: str,
) -> None:
    """Colorize photos and write the results.

    Args:
      paths: files and folders, as for `pictures.process`.
      output: folder of the results.
      compare: whether to write photo and result side by side, too.
      max_pixels: larger photos are left out.
      method: as for `restoration.colorize`.
      hints: a file with colors painted over a copy of the photo, or alone on transparency, or a JSON file of strokes
        and points; '' for none.
      reference: a color photo whose colors the results shall have; '' for none.
      regions: a picture of the reference's size with a color for each region; '' for none.
      references: a folder of color photos, in which references are found; '' for none.
      count: number of references to find for each photo.
      list_references: whether to write which ones were found beside each result.
      vividness: as for `restoration.colorize`.
      exact: as for `restoration.colorize`.
      weights: weights of another network, as for `restoration.colorize`; '' for the bundled ones.

    Raises:
      UserError: hints for more than one photo, arguments that don't fit together, or as `pictures.process`.
      ColorjaxError: as `pictures.process`.
    """
    marked = _marked(hints, paths, output, max_pixels) if hints else None
    shown = read_photo(reference, max_pixels).pixels if reference else None
    mask = _regions(regions, max_pixels) if regions else None
    method = restoration.check_method(method, shown is not None, bool(references), mask, exact)
    if list_references and not references:
        raise UserError("--list-references is for references that are found: give --references=FOLDER")
    if method in TRANSFERS:
        given = (marked is not None, shown, vividness, mask, bool(references))
        restoration.check_by_example(method, weights, *given)
        if references:
            restoring = _by_folder(references, method, count, list_references)
        else:
            restoring = _by_one(method, shown, mask)
    else:
        restoration.check_colorizer(method, weights, marked is not None, shown, vividness)

        def restoring(pixels, progress):
            found, remarks = marked, ()
            if isinstance(marked, np.ndarray):
                found = restoration.find_hints(pixels, marked)
                share = 100 * found.mask.mean()
                remarks = (f"{hints}: {share:.{0 if share >= 10 else 2}f}% of the pixels are painted",)
            colored = restoration.colorize(pixels, method, weights, found, shown, vividness, progress, exact=exact)
            return Restoration(colored, remarks)

    process("colorize", paths, output, restoring, compare, max_pixels)


def _by_one(method: str, reference: np.ndarray, regions: np.ndarray | None) -> Restoring:
    transfer = build_transfer(method)

    def restoring(pixels: np.ndarray, progress: Callable[[float], None]) -> Restoration:
        colored, remark = by_reference(pixels, transfer, reference, regions, progress)
        return Restoration(colored, (remark,) if remark else ())

    return restoring


def _by_folder(folder: str, method: str, count: int, list_them: bool) -> Restoring:
    if count < 1:
        raise UserError(f"--count={count}: must be 1 or more")
    transfer, index = build_transfer(method), index_folder(folder)
    for remark in index.remarks:
        tqdm.write(f"{folder}: {remark}", file=sys.stderr)
    search = Search(index)

    def restoring(pixels: np.ndarray, progress: Callable[[float], None]) -> Restoration:
        colored, found = by_references(pixels, search, transfer, count, progress)
        return Restoration(colored, _remarks(found), _listed(found, method) if list_them else None)

    return restoring


def _remarks(found: Colors) -> tuple[str, ...]:
    """Return the lines for the user on what was found."""
    poor = (
        "no reference is like it: {:.0%} of random pairs of references are nearer to each other than the best is to it"
    )
    return (*found.remarks, *([poor.format(found.matches.chance)] if found.matches.are_poor else []))


def _listed(found: Colors, method: str) -> dict:
    """Return the references of one photo, for the file beside it."""
    return {
        "method": method,
        "references": [{"path": match.name, "distance": round(match.distance, 4)} for match in found.matches.found],
        "left out as copies": list(found.matches.copies),
        "share of random pairs that are nearer": found.matches.chance,
    }


def _marked(hints: str, paths: Sequence[str], output: str, max_pixels: int):
    if len(find_pictures(paths, output).found) > 1:
        raise UserError(f"--hints={hints} is for one picture; give that picture alone")
    return read_hints(hints) if hints.lower().endswith(SUFFIX) else _with_alpha(read_photo(hints, max_pixels))


def _regions(path: str, max_pixels: int) -> np.ndarray:
    """Return the number of each pixel's color, int [H, W].

    Raises:
      UserError: one color, or more than a mask has.
    """
    pixels = read_photo(path, max_pixels).pixels
    colors, numbers = np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0, return_inverse=True)
    if not 2 <= len(colors) <= MOST_REGIONS:
        raise UserError(
            f"--regions={path}: {len(colors):,} colors; a mask has one color for each region, from 2 to {MOST_REGIONS} "
            "of them, and is no JPEG"
        )
    return numbers.reshape(pixels.shape[:2])


def _with_alpha(photo: Photo) -> np.ndarray:
    """Return a photo's pixels `[H, W, 1 or 3]`, or `[H, W, 4]` if it has alpha."""
    if photo.alpha is None:
        return photo.pixels
    return np.dstack([np.broadcast_to(photo.pixels, (*photo.pixels.shape[:2], 3)), photo.alpha])
