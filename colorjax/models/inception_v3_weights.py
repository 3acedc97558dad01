"""Weights of FID's Inception network: from the file that `pytorch-fid` publishes into a safetensors file in the cache.

The file is a PyTorch state dict with torchvision's names, ported from Google's graph of 2015-12-05. PyTorch is not
needed to read it, and nothing is downloaded here. The file that `clean-fid` uses, StyleGAN2-ADA's TorchScript archive
`inception-2015-12-05.pt`, is a port of the same graph; it holds code besides weights, and is not read.
"""

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from colorjax.errors import UserError
from colorjax.models.inception.state_dict import StateDict
from colorjax.models.inception_v3 import BLOCKS, CLASSES, SIZE, STEM, InceptionV3
from colorjax.models.published.state_dict import read_state_dict
from colorjax.models.variables import require_finite, require_variables
from colorjax.runtime.cache import cache_directory, read_weights, save_arrays

NAME = "inception_fid"  # of the network in commands, and of its file in the cache
PLACE = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"


class Weights(NamedTuple):
    """Variables of `InceptionV3` and their source.

    Attributes:
      variables: {'params': ..., 'batch_stats': ...} of float32 arrays.
      sha256: SHA-256 of the published file.
      origin: the published file, one line for people.
    """

    variables: dict[str, Any]
    sha256: str
    origin: str

    @property
    def about(self) -> str:
        """What the network is, for people."""
        return f"{CLASSES} classes"


def convert(source: Path | None, network: str = NAME) -> tuple[Path, Weights]:
    """Read the published weights and write them into the cache.

    Args:
      source: the file, in one of PyTorch's formats, or the same state dict as safetensors.
      network: not used, because there is one.

    Returns:
      the written file, and its weights.

    Raises:
      UserError: no file is given, it can't be read, a tensor is missing, left over, of a wrong shape or not finite, or
        the cache can't be written.
    """
    del network
    if source is None:
        raise UserError(f"the weights of FID's Inception are not fetched: give the file, --from=FILE, of {PLACE}")
    try:
        data = source.read_bytes()
    except OSError as error:
        raise UserError(f"{source}: {error.strerror or error}; it is to be had at {PLACE}") from None
    try:
        tensors = read_state_dict(data, source)
    except UserError as error:
        raise UserError(f"{error}; what is read is the file of {PLACE}") from None
    arrays = checked(tensors, str(source))
    sha256 = hashlib.sha256(data).hexdigest()
    origin = f"FID's Inception of 2015-12-05 from {source.name}, a state dict of PyTorch"
    target = cache_directory() / f"{NAME}.safetensors"
    metadata = {"sha256": sha256, "origin": origin}
    save_arrays(target, {"/".join(path): array for path, array in arrays.items()}, metadata)
    return target, Weights(unflatten_dict(arrays), sha256, origin)


@functools.lru_cache(maxsize=1)
def load() -> Weights:
    """Return the weights that `convert` put into the cache.

    Raises:
      UserError: there are none, and the message says how to get them; or the file is damaged.
    """
    path = cache_directory() / f"{NAME}.safetensors"
    if not path.is_file():
        raise UserError(
            f"the weights of FID's Inception are not in {path.parent}: get {PLACE} and run "
            f"'python launch.py weights {NAME} --from=FILE' with it"
        )
    arrays, (sha256, origin) = read_weights(path, {"sha256": str, "origin": str})
    _check(arrays, str(path))
    return Weights(unflatten_dict(arrays), sha256, origin)


def checked(tensors: Mapping[str, np.ndarray], where: str) -> dict[tuple[str, ...], np.ndarray]:
    """Return the network's variables by path, float32, of the tensors of torchvision's Inception3 by name.

    Raises:
      UserError: a tensor is missing, left over, of a wrong shape or not finite; `where` begins the message.
    """
    state = StateDict(tensors, "FID's Inception of 2015", where)
    arrays = state.take_dense("fc", ("fc",))
    for name, unit in STEM.items():
        if unit is not None:
            arrays |= state.take_unit(name.capitalize(), (name,))
    for name, block in BLOCKS.items():
        units = [unit for branch in block.branches for unit in (*branch.units, *branch.ends)]
        for unit in units + ["branch_pool"] * (block.pooled is not None):
            arrays |= state.take_unit(f"{name.capitalize()}.{unit}", (name, unit))
    state.require_all_taken()
    _check(arrays, where)
    return arrays


@functools.lru_cache(maxsize=1)
def expected_shapes() -> Mapping[tuple[str, ...], tuple[int, ...]]:
    """Return the shape of each variable of the network by its path."""
    variables = jax.eval_shape(lambda: InceptionV3().init(jax.random.key(0), jnp.zeros((1, SIZE, SIZE, 3))))
    return {path: leaf.shape for path, leaf in flatten_dict(variables).items()}


def _check(arrays, where):
    """Raise a `UserError` unless `arrays` are exactly the network's variables, with the right shapes and finite."""
    require_variables(arrays, expected_shapes(), where)
    require_finite(arrays, where)
