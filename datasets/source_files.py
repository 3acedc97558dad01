"""Find image files in a folder, and detect whether a folder has changed since it was prepared."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from colorjax.pictures.find import contents_of, left_out

SPLITS = ("train", "validation", "test")


class Listing(NamedTuple):
    """The image files of a data set.

    Attributes:
      files: split -> name -> path.
      remarks: which files were left out and why.
      classes: name -> name of its class, for those whose class the folders or files besides tell.
    """

    files: Mapping[str, Mapping[str, Path]]
    remarks: tuple[str, ...] = ()
    classes: Mapping[str, str] = {}


def picture_files(folder: Path) -> list[Path]:
    """Return the files under `folder` that have the suffix of an image format."""
    return list(contents_of(folder).pictures)


def remarks_on_others(folder: Path) -> tuple[str, ...]:
    """Return remarks on the files under `folder` that look like pictures and are not taken."""
    return tuple(left_out(contents_of(folder)))


def readable_name(path: Path) -> str:
    """Return `path` as text with `/` as separator and `?` for bytes that are not UTF-8, which records can't hold."""
    return os.fsencode(path.as_posix()).decode("utf-8", "replace").replace("\ufffd", "?")


def fingerprint(source: Path, listing: Listing) -> str:
    """Return a short name for `listing` that changes with the folder, the files, their sizes and modification times."""
    digest = hashlib.sha256(os.fsencode(source.resolve()))
    for split, files in listing.files.items():
        for name, path in files.items():
            try:
                status = path.stat()
                state = f"{status.st_size} {status.st_mtime_ns}"
            except OSError:  # a broken link; the build lists it with the skipped files
                state = "missing"
            digest.update(os.fsencode(f"{split}\0{name}\0{path}\0{state}\n"))
    folder = re.sub(r"[^A-Za-z0-9]+", "_", source.name).strip("_") or "pictures"
    return f"{folder[:40]}-{digest.hexdigest()[:12]}"


def names_in_one_line(names: Iterable[str], at_most: int = 5) -> str:
    """Return the first `at_most` names as text for a remark, with the number of the others."""
    names = list(names)
    rest = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {rest:,} more" if rest > 0 else "")
