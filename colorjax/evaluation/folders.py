"""Two folders of pictures, results and truths, whose files pair by their names without suffix."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from colorjax.errors import UserError
from colorjax.pages.text import counted
from colorjax.pictures.arrays import in_unit_range
from colorjax.pictures.find import contents_of
from colorjax.pictures.read import read_photo

_SHOWN = 5  # names in a line


class Pair(NamedTuple):
    """A result and the truth with the same name; `name` is their path in the folders, without suffix."""

    name: str
    result: Path
    truth: Path


def pair_folders(results: Path, truths: Path) -> tuple[list[Pair], list[str]]:
    """Return the pairs, sorted by name, and a line for each folder that says which of its pictures have no partner.

    Raises:
      UserError: a folder is missing or has no pictures, two files of one have the same name but for the suffix, or
        nothing pairs.
    """
    found = {folder: _by_name(folder) for folder in (results, truths)}
    common = sorted(found[results].keys() & found[truths].keys())
    remarks = []
    for folder, other in ((results, truths), (truths, results)):
        if alone := sorted(found[folder].keys() - found[other].keys()):
            remarks.append(f"{counted(len(alone), 'picture')} of {folder} without a partner in {other}: {_few(alone)}")
    if not common:
        raise UserError(
            f"no picture of {results} has the name of one of {truths} (suffixes aside); {'; '.join(remarks)}"
        )
    return [Pair(name, found[results][name], found[truths][name]) for name in common], remarks


def read_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return result and truth as float32 sRGB [H, W, 3] in [0, 1], not checked to be of one size.

    Raises:
      UserError: one can't be read.
    """
    return _read(pair.result), _read(pair.truth)


def require_same_sizes(sizes: Mapping[str, Sequence[tuple[int, int]]]) -> None:
    """Check that the pictures of each pair have one size.

    Args:
      sizes: name of the pair -> height and width of its two pictures.

    Raises:
      UserError: they have not; the message lists the pairs.
    """
    others = [
        f"{name} ({' and '.join(f'{width}x{height}' for height, width in both)})"
        for name, both in sizes.items()
        if both[0] != both[1]
    ]
    if others:
        line = f"{counted(len(others), 'pair')} of different sizes: {_few(others)}"
        raise UserError(f"{line}; bring the pictures to one size first, since how that is done changes all numbers")


def _by_name(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UserError(f"{folder}: {'a file, and a folder is needed' if folder.exists() else 'no such folder'}")
    found = {}
    for path in contents_of(folder).pictures:
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise UserError(f"{folder}: {found[name].name} and {path.name} have one name but for the suffix; keep one")
        found[name] = path
    if not found:
        raise UserError(f"{folder}: no pictures in this folder")
    return found


def _read(path: Path) -> np.ndarray:
    pixels = in_unit_range(read_photo(path).pixels)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def _few(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
