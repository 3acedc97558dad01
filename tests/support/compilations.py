"""What the tests compile, kept for their next run and for each other in `.cache/jax-tests` of the checkout."""

import os
import threading
import time
from pathlib import Path

import jax
from jax._src import compilation_cache, lru_cache

from colorjax.runtime import compilation

FOLDER = Path(__file__).parents[2] / ".cache" / "jax-tests"
DAYS = 7
LARGEST = 2**30


class WholeFiles(lru_cache.LRUCache):
    """jax's cache on the disk, but no file is half written at any moment.

    jax writes in place and never replaces a file, so one that is read too early, or whose writer was killed, as some
    tests do, would be a warning (here: an error) in every later run. A file that is found is as new as that day.
    """

    def get(self, key):
        path = Path(self._path) / f"{key}-cache"
        try:
            value = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        return value

    def put(self, key, value):
        new = Path(self._path) / f"{key}.{os.getpid()}.{threading.get_ident()}.new"
        new.write_bytes(value)
        new.replace(Path(self._path) / f"{key}-cache")


def keep():
    """Have jax keep in `FOLDER` whatever this process compiles, however small and quickly made."""
    compilation_cache.LRUCache = WholeFiles
    # What is compiled for one kind of processor may not run on another that sees the same folder.
    jax.config.update("jax_compilation_cache_dir", str(FOLDER / compilation._processor()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def tidy():
    """Delete what no run has used for `DAYS`, and of the rest the oldest, until `LARGEST` bytes are left."""
    files = []
    for path in FOLDER.glob("*/*"):
        found = path.stat()
        files.append((found.st_mtime, found.st_size, path))
    size = 0
    for changed, bytes_, path in sorted(files, reverse=True):
        size += bytes_
        if size > LARGEST or changed < time.time() - DAYS * 86400:
            path.unlink(missing_ok=True)
