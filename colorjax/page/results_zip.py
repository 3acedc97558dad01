"""All finished files of a browser as one zip file, with what failed and why."""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from starlette.background import BackgroundTask

from colorjax.pictures.find import folded

FAILED = "not restored.txt"


def write_zip(folder: Path, files: Sequence[tuple[Path, str]], failed: Sequence[str]) -> tuple[Path, BackgroundTask]:
    """Write a zip file into an empty folder.

    Args:
      folder: for the zip file.
      files: path and name of each finished file; a name that occurs again gets a number.
      failed: lines on what was not restored, which become the file `FAILED`.

    Returns:
      The zip file's path, and the task that removes the folder once the file has been sent.
    """
    path, used = folder / "restored.zip", set()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
        for source, name in files:
            archive.write(source, free_name(name, used))
        if failed:
            archive.writestr(FAILED, "\n".join(failed) + "\n")
    return path, BackgroundTask(shutil.rmtree, folder, ignore_errors=True)


def free_name(name: str, used: set[str]) -> str:
    """Return the name, with a number if it is used already, in whatever case; it is added to `used`."""
    stem, suffix, number, free = Path(name).stem, Path(name).suffix, 1, name
    while folded(Path(free)) in used:
        number += 1
        free = f"{stem}-{number}{suffix}"
    used.add(folded(Path(free)))
    return free
