"""Tell a disk that can't be written from a bug, in whatever exception it arrives."""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from colorjax.errors import DiskError

# No space, the quota, a file that is too large, a read-only disk, no permission, a broken disk.
FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)

# How TensorStore, which writes checkpoints and array_record's library, put an error of the system into words.
WORDS = re.compile(
    r"OS error (\d+): [A-Z]+|(No space left on device|Disk quota exceeded|File too large|Read-only file system)"
)
PATH = re.compile(r'"(/[^"]+)"')


def disk_fault(error: BaseException, folder: str = "") -> DiskError | None:
    """Return one line on an exception that a disk caused, which could not be written; None for all others.

    Args:
      error: the exception; its causes and those in a group count too.
      folder: what the command writes into, for an exception that doesn't name a file.
    """
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in FAULTS:
            path = one.filename2 or one.filename
            return _line(str(path) if isinstance(path, str | os.PathLike) else folder, one.strerror)
        found = WORDS.search(str(one))
        if found and (found[2] or int(found[1]) in FAULTS):
            words = found[2] or errno.errorcode.get(int(found[1]), found[0])
            path = PATH.search(str(one))
            return _line(path[1] if path else folder, words)
    return None


def require_room(folder: Path, size: int, done: Callable[[], str]) -> None:
    """Check that there is room for something, before a library begins to write it that would leave a part of it.

    Args:
      folder: on the disk.
      size: bytes.
      done: returns what to say about what is done already.

    Raises:
      DiskError: there is not.
    """
    free = shutil.disk_usage(folder).free
    with contextlib.suppress(ImportError):  # Windows has no such limit
        import resource

        largest, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        if largest != resource.RLIM_INFINITY:
            free = min(free, largest)
    if size > free:
        sizes = f"a checkpoint of {size / 1e6:.3g} MB ({free / 1e6:.3g} MB are free)"
        raise DiskError(f"{folder}: no room for {sizes}; make room and give the command again; {done()}")


def _line(path: str, reason: str) -> DiskError:
    place = f"{path}: " if path else ""
    return DiskError(
        f"{place}can't be written: {reason}; make room, or choose another place, and give the command again: what is "
        "done is kept"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, those in its group, and those that caused it."""
    seen = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [*getattr(one, "exceptions", ()), one.__cause__, one.__context__]
