"""Identity of a network's variables: a check of names and shapes, and SHA-256 hashes of all their numbers.

Neither of the two SHA-256 below may change: one is kept in every file of weights, the other in every run's folder, and
files written by earlier versions of colorjax must still be recognized.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from colorjax.errors import UserError


def parameter(module: nn.Module, name: str, initial: Callable[..., jax.Array], shape: tuple[int, ...]) -> jax.Array:
    """Return a float32 parameter of a module, as `module.param` does.

    If there is one already, its shape is not compared with that of a new one, for which flax would trace `initial`
    again: with the hundreds of parameters of a deep network that takes seconds.
    """
    if module.has_variable("params", name):
        return module.get_variable("params", name)
    return module.param(name, initial, shape, jnp.float32)


def require_variables(
    found: Mapping[tuple[str, ...], Any], expected: Mapping[tuple[str, ...], tuple[int, ...]], where: str
) -> None:
    """Check that variables are those of a network.

    Args:
      found: arrays by path.
      expected: shapes by path.
      where: the place of the variables, with which an error message begins.

    Raises:
      UserError: a variable is missing, unknown or of another shape.
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


def require_finite(found: Mapping[tuple[str, ...], np.ndarray], where: str) -> None:
    """Check that arrays by path are float32 and finite; `where` begins the error.

    Raises:
      UserError: one is not.
    """
    for path, array in found.items():
        if array.dtype != np.float32:
            raise UserError(f"{where}: {'/'.join(path)} is {array.dtype}, not float32")
        if not np.isfinite(array).all():
            raise UserError(f"{where}: {'/'.join(path)} has values that are not finite")


def sha256_of_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 for a file of weights, over all arrays with their names, types and shapes, sorted by name."""
    named = ((name, np.atleast_1d(arrays[name])) for name in sorted(arrays))  # scalars count as shape (1,)
    return _sha256((f"{name} {array.dtype.str} {array.shape}\n", array) for name, array in named)


def fingerprint_of(variables: Any) -> str:
    """Return the SHA-256 for a run's frozen weights, over all arrays of a pytree with their paths, types and shapes."""
    leaves = jax.tree_util.tree_leaves_with_path(variables)
    named = ((jax.tree_util.keystr(path), np.asarray(leaf)) for path, leaf in leaves)
    return _sha256((f"{name} {array.dtype} {array.shape}", array) for name, array in named)


def _sha256(described: Iterable[tuple[str, np.ndarray]]) -> str:
    digest = hashlib.sha256()
    for description, array in described:
        digest.update(description.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
