"""The user's cache folder, which keeps converted weights, contexts and compiled programs between runs."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from colorjax.errors import UserError
from colorjax.runtime.atomic import replacing


def cache_directory() -> Path:
    """Return $COLORJAX_CACHE if set, else `colorjax` in the user's cache folder. The folder may not exist yet."""
    if own := os.environ.get("COLORJAX_CACHE"):
        return Path(own).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "colorjax"


def save_arrays(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, str] | None = None,
    advice: str = "set COLORJAX_CACHE to a folder that can be written",
) -> None:
    """Write a safetensors file atomically, also when other processes write the same file.

    Args:
      path: the file; its folder is made if needed.
      arrays: name -> array.
      metadata: name -> text, for the file's header.
      advice: ends the error message: what the user can do if the file can't be written.

    Raises:
      UserError: the file can't be written.
    """
    # safetensors writes an array's memory as it lies, so one in another order would be read as other numbers.
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            save_file(arrays, temporary, metadata=metadata and dict(metadata))
    except (OSError, SafetensorError) as error:
        raise UserError(f"can't write {path}: {error}; {advice}") from None


def read_weights(
    path: Path, wanted: Mapping[str, Callable[[str], Any]]
) -> tuple[dict[tuple[str, ...], np.ndarray], list[Any]]:
    """Return the converted weights in a file of `save_arrays`, by path, and what its header says of them.

    Args:
      path: the file; the names of its arrays are paths, joined by '/'.
      wanted: name in the header -> function of its text, for each thing to return.

    Raises:
      UserError: the file is damaged, or its header lacks something.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {tuple(name.split("/")): file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return arrays, [of_text(metadata[name]) for name, of_text in wanted.items()]
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise UserError(f"{path} can't be read ({error}); delete it and convert the weights again") from None
