"""Find image files among given files and folders, and give their results names that don't collide."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from colorjax.errors import UserError
from colorjax.pages.text import counted

# Suffixes of still images of which Pillow or tifffile reads the pixels.
PICTURE_SUFFIXES = frozenset(
    [
        ".apng",
        ".avif",
        ".avifs",
        ".bmp",
        ".bw",
        ".dcx",
        ".dib",
        ".gif",
        ".icb",
        ".im",
        ".j2c",
        ".j2k",
        ".jfif",
        ".jp2",
        ".jpc",
        ".jpe",
        ".jpeg",
        ".jpf",
        ".jpg",
        ".jpx",
        ".mpo",
        ".msp",
        ".pbm",
        ".pcd",
        ".pcx",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".psd",
        ".pxr",
        ".qoi",
        ".ras",
        ".rgb",
        ".rgba",
        ".sgi",
        ".tga",
        ".tif",
        ".tiff",
        ".vda",
        ".vst",
        ".webp",
        ".xbm",
        ".xpm",
    ]
)

# Suffixes of pictures that are not read: other formats of phones and screens, camera raw, film scans, drawings.
OTHER_SUFFIXES = frozenset(
    [
        ".3fr",
        ".ai",
        ".arw",
        ".avci",
        ".cr2",
        ".cr3",
        ".crw",
        ".dcr",
        ".djvu",
        ".dng",
        ".dpx",
        ".emf",
        ".eps",
        ".erf",
        ".exr",
        ".fff",
        ".gpr",
        ".hdr",
        ".heic",
        ".heics",
        ".heif",
        ".heifs",
        ".hif",
        ".iiq",
        ".jxl",
        ".jxr",
        ".k25",
        ".kdc",
        ".mef",
        ".mos",
        ".mrw",
        ".nef",
        ".nrw",
        ".orf",
        ".pef",
        ".pfm",
        ".psb",
        ".raf",
        ".raw",
        ".rw2",
        ".rwl",
        ".sr2",
        ".srf",
        ".srw",
        ".svg",
        ".svgz",
        ".wdp",
        ".wmf",
        ".x3f",
        ".xcf",
    ]
)

# The suffixes of written results, and what their names may have after that of the source.
RESULT = re.compile(r"(.+?)(-[0-9]+)?(-compared)?(-[0-9]+)?\.(bmp|jfif|jpe|jpeg|jpg|png|tif|tiff|webp)", re.IGNORECASE)


class Found(NamedTuple):
    """An image file, and the relative path of its result in the output directory."""

    path: Path
    name: Path


class Pictures(NamedTuple):
    """The image files that were found, and lines for the user on what was left out and which names changed."""

    found: list[Found]
    remarks: tuple[str, ...] = ()


class Contents(NamedTuple):
    """The files in and below a folder, in sorted order, without hidden ones.

    Attributes:
      pictures: those with the suffix of an image.
      others: those with the suffix of an image that is not read.
      special: pipes, sockets and devices, of whatever suffix.
    """

    pictures: tuple[Path, ...]
    others: tuple[Path, ...]
    special: tuple[Path, ...]


def find_pictures(paths: Iterable[str | os.PathLike], output: str | os.PathLike | None = None) -> Pictures:
    """Return the image files among files and folders, each once, in the order given; folders are sorted by name.

    A given file is taken whatever its suffix. In and below a folder, files with the suffix of an image are taken,
    except hidden ones; the names of their results keep the folder's inner structure. If results of different folders
    would have the same name, all results of these folders keep the folders' names too. What still has the same name
    gets a number: `a-2.jpg`. `A.jpg` and `a.jpg` count as the same name, because some disks ignore case.

    Args:
      paths: files and folders.
      output: the output directory. If it lies inside one of the folders, it is skipped, because the results of earlier
        runs there are no input. If it is one of the folders, results beside their sources are skipped.

    Raises:
      UserError: nothing given, a path that doesn't exist or can't be listed, or a folder without images.
    """
    found: list[tuple[Path, Path, Path]] = []  # file, the folder that its name counts from, name
    files, remarks = set(), []
    nothing = True
    for path in map(Path, paths):
        nothing = False
        there, more = _named(path, output)
        remarks += more
        for file, root, name in there:
            real = os.path.realpath(file)
            if real not in files:
                files.add(real)
                found.append((file, root, name))
    if nothing:
        raise UserError("no pictures given; name files or folders of pictures")
    found, more = _with_folders(found)
    remarks += more
    names: set[str] = set()
    numbered, result = [], []
    for file, _, name in found:
        free = free_name(name, names)
        result.append(Found(file, free))
        if free != name:
            numbered.append(f"{file} gives {free}")
    if numbered:
        remarks.append(f"{_in_short(numbered, '; ')}: another result has its name")
    return Pictures(result, tuple(remarks))


def _named(path: Path, output: str | os.PathLike | None) -> tuple[list[tuple[Path, Path, Path]], list[str]]:
    """Return the image files of one given path, each with its root and the name of its result, and remarks."""
    if path.is_file():
        return [(path, path.parent, Path(path.name))], []
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    if not path.is_dir():
        raise UserError(f"{path}: neither a file nor a folder")
    here = output is not None and os.path.realpath(output) == os.path.realpath(path)
    results = set() if output is None or here else {os.path.realpath(output)}
    contents = contents_of(path, results, _refuse)
    remarks = left_out(contents)
    pictures = list(contents.pictures)
    if here:
        earlier = [file for file in pictures if _is_result(file, set(pictures))]
        pictures = [file for file in pictures if file not in earlier]
        if earlier:
            remarks.append(
                f"{counted(len(earlier), 'file')} left out: results of an earlier run ({_in_short(names_of(earlier))})"
            )
    if not pictures:
        why = f" ({'; '.join(remarks)})" if remarks else ""
        raise UserError(f"{path}: no pictures in this folder or below it{why}")
    return [(file, path, file.relative_to(path)) for file in pictures], remarks


def _is_result(file: Path, pictures: set[Path]) -> bool:
    """Return whether a file is named as the result of another one beside it, such as scan.gif.png."""
    match = RESULT.fullmatch(file.name)
    return bool(match) and file.with_name(match[1]) in pictures


def _with_folders(found: list[tuple[Path, Path, Path]]) -> tuple[list[tuple[Path, Path, Path]], list[str]]:
    """Put the names of their folders before the names of those files whose folders have names in common."""
    roots_of: dict[str, set[str]] = {}
    for _, root, name in found:
        roots_of.setdefault(folded(name), set()).add(os.path.abspath(root))
    shared = [roots for roots in roots_of.values() if len(roots) > 1]
    roots = set().union(*shared)
    if not roots:
        return found, []
    base = os.path.commonpath(roots)
    renamed = [
        (file, root, Path(os.path.relpath(os.path.abspath(root), base)) / name)
        if os.path.abspath(root) in roots
        else (file, root, name)
        for file, root, name in found
    ]
    names = sorted(os.path.relpath(root, base) for root in roots)
    line = f"{counted(len(shared), 'name')} in more than one folder: the results keep their folders"
    return renamed, [f"{line} ({_in_short(names)})"]


def left_out(contents: Contents) -> list[str]:
    """Return lines for the user on the files of a folder that look like pictures and are not taken."""
    lines = []
    if contents.others:
        suffixes = Counter(file.suffix.lower() for file in contents.others)
        counts = ", ".join(f"{count} {suffix}" for suffix, count in sorted(suffixes.items()))
        lines.append(f"{counted(len(contents.others), 'file')} left out: {counts}; save them as JPEG, PNG or TIFF")
    if contents.special:
        names = _in_short(names_of(contents.special))
        lines.append(f"{counted(len(contents.special), 'file')} left out: pipes, sockets or devices ({names})")
    return lines


def contents_of(
    folder: Path, leave_out: Iterable[str] = (), onerror: Callable[[OSError], None] | None = None
) -> Contents:
    """Return what is in and below a folder; arguments and order as for `walk`."""
    pictures, others, special = [], [], []
    for path in walk(folder, leave_out, onerror):
        suffix = path.suffix.lower()
        if suffix not in PICTURE_SUFFIXES | OTHER_SUFFIXES:
            continue
        if path.exists() and not path.is_file():
            special.append(path)
        else:
            (pictures if suffix in PICTURE_SUFFIXES else others).append(path)
    return Contents(tuple(pictures), tuple(others), tuple(special))


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


def _refuse(error: OSError) -> None:
    """Raise `UserError` for a folder that can't be listed, which `os.walk` would skip."""
    raise UserError(f"{error.filename}: {error.strerror or error}")


def names_of(files: Iterable[Path]) -> list[str]:
    """Return the names of files, without their folders."""
    return [file.name for file in files]


def _in_short(names: list[str], separator: str = ", ", most: int = 5) -> str:
    return separator.join(names[:most]) + (f"{separator}and {len(names) - most} more" if len(names) > most else "")


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
