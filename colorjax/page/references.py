"""Find the color photographs that are most like a picture: in a folder of this machine, or among uploads."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from colorjax.color.gray import gray_levels, lightness_of_levels
from colorjax.errors import UserError
from colorjax.methods.retrieval.folder import index_folder
from colorjax.methods.retrieval.index import Entry, build_index, entry_of
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
    try:
        return _nearest(_search(root), folder, height, width, count)
    except UserError as error:
        raise UserError(str(error).replace(root, "the folder of references")) from None


def compare_references(
    progress: Callable[[float], None],
    folder: str,
    height: int,
    width: int,
    references: Sequence[tuple[str, int, int]],
    count: int,
) -> tuple[list[str], bool]:
    """Return the folders of the most similar of some uploads, and whether they are hardly like the picture.

    Args:
      progress: called with the share of the uploads that are described.
      folder: of the picture.
      height: of the picture, pixels.
      width: of the picture, pixels.
      references: folder, height and width of each upload.
      count: of uploads.

    Raises:
      UserError: none of them has colors, or all are copies of the picture.
    """
    entries = []
    for number, reference in enumerate(references):
        progress(number / len(references))
        entries.append(_entry(*reference))
    names = [name for name, _, _ in references]
    index = build_index(names, entries, lambda place: _copy(*references[place]), "the folder of references")
    return _nearest(Search(index), folder, height, width, count)


def _nearest(search: Search, folder: str, height: int, width: int, count: int) -> tuple[list[str], bool]:
    lightness = lightness_of_levels(gray_levels(_copy(folder, height, width)))
    matches = search.nearest(at_working_size(lightness), count)
    return [match.name for match in matches.found], matches.are_poor


def _copy(folder: str, height: int, width: int) -> np.ndarray:
    """Return the smallest copy of a picture that is enough to search by, uint8 [h, w, 1 or 3]."""
    fine_enough = [level for level, size in enumerate(level_sizes(height, width)) if max(size) >= _SIDE]
    return np.asarray(read_level(Path(folder), "before", fine_enough[-1] if fine_enough else 0))


@functools.lru_cache(maxsize=1)
def _search(root: str) -> Search:
    return Search(index_folder(root))


@functools.lru_cache(maxsize=1000)
def _entry(folder: str, height: int, width: int) -> Entry:
    return entry_of(_copy(folder, height, width))
