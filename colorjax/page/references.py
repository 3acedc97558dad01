"""Find the color photographs in a folder of this machine that are most like a picture."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from colorjax.color.gray import gray_levels, lightness_of_levels
from colorjax.errors import UserError
from colorjax.methods.retrieval.folder import index_folder
from colorjax.methods.retrieval.method import at_working_size
from colorjax.methods.retrieval.search import Search
from colorjax.page.pyramid import level_sizes, read_level

_SIDE = 700  # pixels; a copy whose longer side has as many is enough to search by


def find_references(
    progress: Callable[[float], None], folder: str, height: int, width: int, root: str, count: int
) -> tuple[list[str], bool]:
    """Return the paths of the most similar photographs in a folder, and whether they are hardly like the picture.

    Args:
      progress: called with 0.
      folder: of the picture.
      height: of the picture, pixels.
      width: of the picture, pixels.
      root: the folder to search in; its index is kept in the cache.
      count: of photographs.

    Raises:
      UserError: the folder has no color photograph, or none but copies of the picture.
    """
    progress(0)
    fine_enough = [level for level, size in enumerate(level_sizes(height, width)) if max(size) >= _SIDE]
    pixels = np.asarray(read_level(Path(folder), "before", fine_enough[-1] if fine_enough else 0))
    lightness = lightness_of_levels(gray_levels(pixels))
    try:
        matches = _search(root).nearest(at_working_size(lightness), count)
    except UserError as error:
        raise UserError(str(error).replace(root, "the folder of references")) from None
    return [match.name for match in matches.found], matches.are_poor


@functools.lru_cache(maxsize=1)
def _search(root: str) -> Search:
    return Search(index_folder(root))
