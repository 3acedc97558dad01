"""Files that are at no moment half written, whoever else writes or reads them at the same time."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, whose file takes the place of `path` at the end; after an error it is removed.

    It lies beside `path`, since only within one file system is the replacement a single act. Its name is hidden, so
    that nobody takes it for a result; of bounded length, whatever that of `path`; and its own on any machine.

    Raises:
      OSError: it can't be written or put in place.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
