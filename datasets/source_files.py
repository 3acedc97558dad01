"""Finding picture files in a folder, and telling whether a folder has changed since it was prepared."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from colorjax.pictures.find import pictures_below

SPLITS = ("train", "validation", "test")


class Listing(NamedTuple):
    """The picture files of a data set: `{split: {name: file}}`, and remarks on what was left out and why."""

    files: Mapping[str, Mapping[str, Path]]
    remarks: tuple[str, ...] = ()


def picture_files(folder: Path) -> list[Path]:
    """Return the files under `folder` that a picture's suffix says are pictures."""
    return list(pictures_below(folder))


def readable_name(path: Path) -> str:
    """Return `path` as text with `/`, and with `?` for bytes that are no UTF-8, which records can't hold."""
    return os.fsencode(path.as_posix()).decode("utf-8", "replace").replace("\ufffd", "?")


def fingerprint(source: Path, listing: Listing) -> str:
    """Return a short name for `listing`: another folder, file, size or time of change gives another name."""
    digest = hashlib.sha256(os.fsencode(source.resolve()))
    for split, files in listing.files.items():
        for name, path in files.items():
            try:
                status = path.stat()
                state = f"{status.st_size} {status.st_mtime_ns}"
            except OSError:  # A broken link; the build will name it among the skipped files.
                state = "missing"
            digest.update(os.fsencode(f"{split}\0{name}\0{path}\0{state}\n"))
    folder = re.sub(r"[^A-Za-z0-9]+", "_", source.name).strip("_") or "pictures"
    return f"{folder[:40]}-{digest.hexdigest()[:12]}"


def names_in_one_line(names: Iterable[str], at_most: int = 5) -> str:
    """Return the first few of `names` for a remark."""
    names = list(names)
    rest = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {rest:,} more" if rest > 0 else "")
