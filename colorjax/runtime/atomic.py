"""Atomic writing: readers and other writers never see a partly written file."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to. At the end its file replaces `path`; after an error it is removed.

    The temporary file lies beside `path`, because a replacement is atomic only within one file system. Its name is
    hidden, so that nobody takes it for a result. The name is random, so that no two writers on any machine share it,
    and its length does not depend on `path`.

    Raises:
      OSError: the file can't be written or put in place; its `filename` is `path`.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.filename in (None, str(temporary), temporary):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Write a text file atomically: readers see the old content or the new one, never a part."""
    with replacing(path) as temporary:
        temporary.write_text(text)
