"""Files that others read while they are written, and that somebody may have damaged."""

import json
import os
from pathlib import Path
from typing import Any

from colorjax.errors import UserError


def write_atomically(path: Path, text: str) -> None:
    """Write a file that is at no moment half written."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


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
