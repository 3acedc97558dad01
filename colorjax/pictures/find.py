"""Find image files among given files and folders, and give their results names that don't collide."""

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
    """An image file, and the relative path of its result in the output directory."""

    path: Path
    name: Path


def find_pictures(paths: Iterable[str | os.PathLike], output: str | os.PathLike | None = None) -> list[Found]:
    """Return the image files among files and folders, each once, in the order given; folders are sorted by name.

    A given file is taken whatever its suffix. In and below a folder, files with the suffix of an image are taken,
    except hidden ones; the names of their results keep the folder's inner structure. If two results would have the
    same name, the later gets a number: `a-2.jpg`. `A.jpg` and `a.jpg` count as the same name, because some disks
    ignore case.

    Args:
      paths: files and folders.
      output: the output directory. If it lies inside one of the folders, it is skipped, because the results of earlier
        runs there are no input.

    Raises:
      UserError: nothing given, a path that doesn't exist or can't be listed, or a folder without images.
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
    """Yield the image files of one given path, each with the name of its result."""
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
    """Yield the files in and below `folder` in sorted order, each once, without hidden ones. Links are followed.

    Args:
      folder: where to begin.
      leave_out: real paths of folders to skip.
      onerror: called for a folder that can't be listed; without it, such a folder is skipped.
    """
    seen = set(leave_out)
    for directory, subdirectories, names in os.walk(folder, onerror=onerror, followlinks=True):
        real = os.path.realpath(directory)
        if real in seen:  # a link to a folder above would never end
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
    """Yield the files with the suffix of an image; arguments and order as for `walk`."""
    return (path for path in walk(folder, leave_out, onerror) if path.suffix.lower() in PICTURE_SUFFIXES)


def _refuse(error: OSError) -> None:
    """Raise `UserError` for a folder that can't be listed, which `os.walk` would skip."""
    raise UserError(f"{error.filename}: {error.strerror or error}")


def free_name(name: Path, taken: set[str]) -> Path:
    """Return `name`, with a number if it is taken, and add it to `taken`, the set of names made by `folded`."""
    number, numbered = 1, name
    while folded(numbered) in taken:
        number += 1
        numbered = name.with_name(f"{name.stem}-{number}{name.suffix}")
    taken.add(folded(numbered))
    return numbered


def folded(name: Path) -> str:
    """Return `name` in the form in which a disk that ignores case compares it."""
    return name.as_posix().casefold()
