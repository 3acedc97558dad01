"""Results never take the place of what they were made from."""

import contextlib
import os
from collections.abc import Iterable

from colorjax.errors import UserError


def identities(inputs: Iterable[str | os.PathLike]) -> frozenset[tuple[int, int]]:
    """Return what tells the files of `inputs` from all others on this machine, whatever they are called."""
    found = set()
    for path in inputs:
        with contextlib.suppress(OSError):  # it is gone, and can't be overwritten
            status = os.stat(path)
            found.add((status.st_dev, status.st_ino))
    return frozenset(found)


def refuse_to_overwrite(path: str | os.PathLike, inputs: frozenset[tuple[int, int]]) -> None:
    """Raise `UserError` if `path` is an input: the same file through links, hard links, `..` or another case.

    Args:
      path: where a result is to go; it need not be there.
      inputs: `identities` of all inputs.
    """
    try:
        status = os.stat(path)
    except OSError:  # nothing is there that could be lost
        return
    if (status.st_dev, status.st_ino) in inputs:
        raise UserError(
            f"{os.fspath(path)}: this is one of the inputs, which are never overwritten; choose another output"
        )
