"""The folder of what colorjax keeps for a user between runs: converted weights, contexts, compiled programs."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

from colorjax.errors import UserError
from colorjax.runtime.atomic import replacing


def cache_directory() -> Path:
    """Return $COLORJAX_CACHE, else `colorjax` in the user's cache directory; it may not exist yet."""
    if own := os.environ.get("COLORJAX_CACHE"):
        return Path(own).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "colorjax"


def save_arrays(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, str] | None = None,
    advice: str = "set COLORJAX_CACHE to a folder that can be written",
) -> None:
    """Write a safetensors file that is at no moment half written, whoever else writes it at the same time.

    Args:
      path: the file; its folder is made.
      arrays: by name.
      metadata: text by name, for the file's header.
      advice: what a person can do who reads that the file can't be written.

    Raises:
      UserError: the folder can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            save_file(dict(arrays), temporary, metadata=metadata and dict(metadata))
    except (OSError, SafetensorError) as error:
        raise UserError(f"can't write {path}: {error}; {advice}") from None
