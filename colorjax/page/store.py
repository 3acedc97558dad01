"""The private temporary folder: a folder for each picture, named by a random number and never by what was uploaded."""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path

_PREFIX = "colorjax-page-"


class Store:
    """The folder; only this user can look into it. It is removed by `close`, or by the next server's start."""

    def __init__(self):
        """Make the folder, and remove those of servers that were killed."""
        _remove_abandoned()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = _locked(self.path)

    def new_folder(self) -> Path:
        """Return a new folder for a picture."""
        folder = self.path / secrets.token_hex(12)
        folder.mkdir(mode=0o700)
        return folder

    def size(self) -> int:
        """Return the bytes of all files."""
        total = 0
        for folder, _, names in os.walk(self.path):
            for name in names:
                with contextlib.suppress(OSError):  # removed meanwhile
                    total += os.stat(os.path.join(folder, name)).st_size
        return total

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def safe_name(name: str) -> str:
    """Return an upload's name for people and for the name of its result; it is never a path on this machine."""
    last = re.split(r"[/\\]", name)[-1]
    printable = "".join(character for character in last if character.isprintable() and character not in '<>:"|?*')
    stem, dot, suffix = printable.strip(" .").rpartition(".")
    return f"{stem[:100]}{dot}{suffix[:20]}" if dot else suffix[:100] or "picture"


def _locked(folder: Path):
    file = open(folder / "lock", "w")  # noqa: SIM115 - the lock lasts as long as the file is open
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file


def _remove_abandoned() -> None:
    """Remove this user's folders whose servers are gone: nobody holds their locks."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # still in use, or another user's
            if folder.is_symlink() or folder.stat().st_uid != os.getuid() or not (folder / "lock").exists():
                continue
            with _locked(folder):
                shutil.rmtree(folder, ignore_errors=True)
