"""Protect the inputs from being overwritten by results."""

import contextlib
import os
from collections.abc import Iterable

from colorjax.errors import UserError


def identities(inputs: Iterable[str | os.PathLike]) -> frozenset[tuple[int, int]]:
    """Return the device and inode numbers of the files in `inputs`. They identify a file under any of its names."""
    found = set()
    for path in inputs:
        with contextlib.suppress(OSError):  # a file that is gone can't be overwritten
            status = os.stat(path)
            found.add((status.st_dev, status.st_ino))
    return frozenset(found)


def refuse_to_overwrite(path: str | os.PathLike, inputs: frozenset[tuple[int, int]]) -> None:
    """Refuse an output path that is an input, even through links, hard links, `..` or upper and lower case.

    Args:
      path: of a result; it need not exist.
      inputs: `identities` of all inputs.

    Raises:
      UserError: the path is an input.
    """
    try:
        status = os.stat(path)
    except OSError:  # there is no file to overwrite
        return
    if (status.st_dev, status.st_ino) in inputs:
        raise UserError(
            f"{os.fspath(path)}: this is one of the inputs, which are never overwritten; choose another output"
        )
