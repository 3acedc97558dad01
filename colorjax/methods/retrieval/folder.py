"""The index of a folder's photographs, kept in the cache and brought up to date whenever the folder has changed.

The cache has one file for a folder. It holds the names, descriptors and hashes of the photographs, no pixels. A
photograph is read again if its size or its time of change is another than when it was read.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from tqdm import tqdm

from colorjax.errors import UserError
from colorjax.methods.retrieval.descriptor import LENGTH
from colorjax.methods.retrieval.index import Entry, Index, build_index, entry_of
from colorjax.pictures.find import find_pictures
from colorjax.pictures.images import read_picture
from colorjax.runtime.cache import cache_directory, save_arrays

#: To be raised by everyone who changes what an `Entry` holds; indexes of other versions are made anew.
VERSION = "1"


class _Kept(NamedTuple):
    """What the cache has of a file: its state when it was read (size in bytes, time of change in ns), and its entry."""

    state: tuple[int, int]
    entry: Entry


def index_folder(folder: str | os.PathLike) -> Index:
    """Return the index of the photographs in and below a folder. Only new and changed ones are read.

    Files that can't be read are left out, each with a line in the index's `remarks`.

    Raises:
      UserError: the folder does not exist, is none, or has no photograph with colors; or the cache can't be written.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: not a folder; name a folder of color photographs")
    pictures = find_pictures([folder])
    files = {str(found.path.relative_to(folder)): found.path for found in pictures.found}
    kept = _updated(_cache_file(folder), files, remarks := list(pictures.remarks))
    paths = [files[name] for name in kept]
    entries = [one.entry for one in kept.values()]
    return build_index(
        [str(path) for path in paths], entries, lambda place: read_picture(paths[place]), str(folder), remarks
    )


def _updated(cache: Path, files: Mapping[str, Path], remarks: list[str]) -> dict[str, _Kept]:
    """Return what is kept of each of the files that can be read, and write it to the cache if it has changed.

    Args:
      cache: the file in the cache.
      files: name -> path, of all photographs of the folder.
      remarks: a line is added for each file that can't be read.
    """
    before = _load(cache)
    states = {name: _state(path) for name, path in files.items()}
    kept = {name: before[name] for name in files if name in before and before[name].state == states[name]}
    new = [name for name in files if name not in kept]
    try:
        for name in tqdm(new, desc="describing references", unit="picture", disable=None):
            try:
                kept[name] = _Kept(states[name] or (0, 0), entry_of(read_picture(files[name])))
            except UserError as error:
                remarks.append(f"left out: {error}")
    finally:  # also when the user has lost patience: the next time goes on from here
        if kept.keys() != before.keys() or any(name in kept for name in new):
            _save(cache, kept)
    return {name: kept[name] for name in files if name in kept}


def _state(path: Path) -> tuple[int, int] | None:
    """Return a file's size and time of change, or None if the file can't be found; reading it will tell why."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _cache_file(folder: Path) -> Path:
    place = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:16]
    return cache_directory() / "references" / f"{place}.safetensors"


def _load(cache: Path) -> dict[str, _Kept]:
    """Return what the cache has, by name; nothing if there is no file, or it is damaged or of another version."""
    try:
        with safe_open(cache, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata["version"] != VERSION:
                return {}
            spreads, descriptors = file.get_tensor("spreads"), file.get_tensor("descriptors")
        files = json.loads(metadata["files"])
        if descriptors.shape != (len(files), LENGTH) or spreads.shape != (len(files),):
            return {}
        return {
            name: _Kept((size, changed), Entry(content, float(spread), descriptor))
            for (name, size, changed, content), spread, descriptor in zip(files, spreads, descriptors, strict=True)
        }
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return {}


def _save(cache: Path, kept: Mapping[str, _Kept]) -> None:
    entries = [one.entry for one in kept.values()]
    files = [[name, *one.state, one.entry.content] for name, one in kept.items()]
    arrays = {
        "spreads": np.array([entry.spread for entry in entries], np.float64),
        "descriptors": np.array([entry.descriptor for entry in entries], np.float32).reshape(-1, LENGTH),
    }
    save_arrays(cache, arrays, {"version": VERSION, "files": json.dumps(files)})
