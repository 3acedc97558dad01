"""Finding picture files: below a folder, or those that a person named, with names for results that don't collide."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from colorjax.errors import UserError

PICTURE_SUFFIXES = frozenset(
    {
        ".avif",
        ".bmp",
        ".gif",
        ".jfif",
        ".jp2",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".tga",
        ".tif",
        ".tiff",
        ".webp",
    }
)


class Found(NamedTuple):
    """A picture's file, and the relative path under which its result goes into the output directory."""

    path: Path
    name: Path


def find_pictures(paths: Iterable[str | os.PathLike], output: str | os.PathLike | None = None) -> list[Found]:
    """Return the pictures among files and folders, each file once, in the order given; folders sorted by name.

    A file is taken whatever its suffix. In a folder and below it those with a picture's suffix are, hidden ones aside;
    the results keep the folder's inner structure. Where two results would have one name, also on a disk that takes
    `A.jpg` and `a.jpg` for the same, the later gets a number: `a-2.jpg`.

    Args:
      paths: files and folders.
      output: the output directory. Where it lies inside one of the folders, it is left aside: what earlier runs wrote
        there is not their input.

    Raises:
      UserError: nothing given, a path that is not there or can't be listed, or a folder without pictures.
    """
    found, files, names = [], set(), set()
    nothing = True
    for path in map(Path, paths):
        nothing = False
        for file, name in _named(path, output):
            real = os.path.realpath(file)
            if real in files:
                continue
            files.add(real)
            found.append(Found(file, free_name(name, names)))
    if nothing:
        raise UserError("no pictures given; name files or folders of pictures")
    return found


def _named(path: Path, output: str | os.PathLike | None) -> Iterator[tuple[Path, Path]]:
    """Yield the pictures that `path` stands for, each with its name."""
    if path.is_file():
        yield path, Path(path.name)
        return
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    if not path.is_dir():
        raise UserError(f"{path}: neither a file nor a folder")
    results = set() if output is None else {os.path.realpath(output)} - {os.path.realpath(path)}
    files = list(pictures_below(path, results, _refuse))
    if not files:
        raise UserError(f"{path}: no pictures in this folder or below it")
    for file in files:
        yield file, file.relative_to(path)


def walk(
    folder: Path, leave_out: Iterable[str] = (), onerror: Callable[[OSError], None] | None = None
) -> Iterator[Path]:
    """Yield the files under `folder` in sorted order; hidden ones aside, through links to folders, once each.

    Args:
      folder: where to begin.
      leave_out: real paths of folders that are not looked into.
      onerror: called for a folder that can't be listed, which is passed over without it.
    """
    seen = set(leave_out)
    for directory, subdirectories, names in os.walk(folder, onerror=onerror, followlinks=True):
        real = os.path.realpath(directory)
        if real in seen:  # a link back up would go round for ever
            subdirectories.clear()
            continue
        seen.add(real)
        subdirectories[:] = sorted(name for name in subdirectories if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(directory, name)


def pictures_below(
    folder: Path, leave_out: Iterable[str] = (), onerror: Callable[[OSError], None] | None = None
) -> Iterator[Path]:
    """Yield the files that a picture's suffix says are pictures; the arguments and the order are those of `walk`."""
    return (path for path in walk(folder, leave_out, onerror) if path.suffix.lower() in PICTURE_SUFFIXES)


def _refuse(error: OSError) -> None:
    """Raise what `os.walk` would pass over: a folder that can't be listed."""
    raise UserError(f"{error.filename}: {error.strerror or error}")


def free_name(name: Path, taken: set[str]) -> Path:
    """Return `name`, with a number if it is among `taken` (which `folded` made), and add it to them."""
    number, numbered = 1, name
    while folded(numbered) in taken:
        number += 1
        numbered = name.with_name(f"{name.stem}-{number}{name.suffix}")
    taken.add(folded(numbered))
    return numbered


def folded(name: Path) -> str:
    """Return `name` as a disk sees it that does not tell upper from lower case."""
    return name.as_posix().casefold()
