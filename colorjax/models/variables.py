"""Which variables a network's are: by names and shapes, and by a SHA-256 of all their numbers.

Of the two SHA-256 below one is kept in every file of weights and the other in every run's folder, so neither may
change: what was written by an earlier colorjax is to be known again.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from colorjax.errors import UserError


def require_variables(
    found: Mapping[tuple[str, ...], Any], expected: Mapping[tuple[str, ...], tuple[int, ...]], where: str
) -> None:
    """Raise a `UserError` unless variables are those of a network.

    Args:
      found: arrays by path.
      expected: shapes by path.
      where: the error's line begins with it.
    """
    for what, paths in (("lacks", expected.keys() - found.keys()), ("has besides", found.keys() - expected.keys())):
        if paths:
            raise UserError(
                f"{where}: weights of another architecture: it {what} {len(paths)} of the network's variables, "
                f"such as {'/'.join(min(paths))}"
            )
    for path, shape in expected.items():
        if found[path].shape != shape:
            raise UserError(
                f"{where}: weights of another architecture: {'/'.join(path)} has the shape {found[path].shape}, "
                f"the network wants {shape}"
            )


def sha256_of_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 that a file of weights holds: of all arrays with their names, shapes and types, by name."""
    named = ((name, np.atleast_1d(arrays[name])) for name in sorted(arrays))  # a lone number has had the shape (1,)
    return _sha256((f"{name} {array.dtype.str} {array.shape}\n", array) for name, array in named)


def fingerprint_of(variables: Any) -> str:
    """Return the SHA-256 that a run notes of its frozen weights: the same of a tree, in which a path is the name."""
    leaves = jax.tree_util.tree_leaves_with_path(variables)
    named = ((jax.tree_util.keystr(path), np.asarray(leaf)) for path, leaf in leaves)
    return _sha256((f"{name} {array.dtype} {array.shape}", array) for name, array in named)


def _sha256(described: Iterable[tuple[str, np.ndarray]]) -> str:
    digest = hashlib.sha256()
    for description, array in described:
        digest.update(description.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
