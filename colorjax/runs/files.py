"""Files that other processes read while they are written, and that may be damaged."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from colorjax.errors import UserError


def read_json(path: Path, kind: type) -> Any:
    """Return the content of a JSON file, which must be of the type `kind`: `dict` or `list`.

    Raises:
      UserError: the file holds another type, or is damaged.
      OSError: there is no such file, or it can't be read.
    """
    try:
        value = json.loads(path.read_text())
    except ValueError:  # invalid JSON, or bytes that are not UTF-8
        value = None
    if not isinstance(value, kind):
        raise UserError(f"{path} is damaged; put a copy of it back, or remove it")
    return value


@contextmanager
def file_lock(lock: Path, seconds: float) -> Iterator[None]:
    """Hold an exclusive lock file for the body, valid across the machines of a shared file system.

    Args:
      lock: the file, which exists while the lock is held.
      seconds: more than any holder needs; an older lock was left by a killed process and is removed.
    """
    seen, since = None, 0.0
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            pass
        try:
            found = lock.stat()
        except FileNotFoundError:
            continue
        # The age is measured by this machine's clock, not by the file's time: clocks of machines differ.
        if (found.st_ino, found.st_mtime_ns) != seen:
            seen, since = (found.st_ino, found.st_mtime_ns), time.monotonic()
        elif time.monotonic() - since > seconds:
            lock.unlink(missing_ok=True)
        time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
