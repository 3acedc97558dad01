"""A hash of weights that are never trained."""

import hashlib
from typing import Any

import jax
import numpy as np


def fingerprint_of(variables: Any) -> str:
    """Return a SHA-256 over the names, shapes and bytes of all arrays."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(variables):
        array = np.asarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()
