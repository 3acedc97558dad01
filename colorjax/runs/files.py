"""Files that others read while they are written, and that somebody may have damaged."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from colorjax.errors import UserError
from colorjax.runtime.atomic import replacing


def write_atomically(path: Path, text: str) -> None:
    """Write a file that is at no moment half written."""
    with replacing(path) as temporary:
        temporary.write_text(text)


def read_json(path: Path, kind: type) -> Any:
    """Return what a JSON file holds, which must be a `kind`: `dict` or `list`.

    Raises:
      UserError: it holds something else, or half of it.
      OSError: there is no such file, or it can't be read.
    """
    try:
        value = json.loads(path.read_text())
    except ValueError:  # json's own errors, and those of bytes that are no text
        value = None
    if not isinstance(value, kind):
        raise UserError(f"{path} is damaged; put a copy of it back, or remove it")
    return value


@contextmanager
def file_lock(lock: Path, seconds: float) -> Iterator[None]:
    """Inside, no other process is in here with the same lock, on whatever machine of a shared file system it is.

    Args:
      lock: a file that is there meanwhile.
      seconds: longer than anybody stays; a lock that is older was left by a process that was killed, and is taken away.
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
        # By our own clock and not by the file's time: clocks of machines differ.
        if (found.st_ino, found.st_mtime_ns) != seen:
            seen, since = (found.st_ino, found.st_mtime_ns), time.monotonic()
        elif time.monotonic() - since > seconds:
            lock.unlink(missing_ok=True)
        time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
