"""Weights of Inception-ResNet-v2: conversion of a published file to a safetensors file in the cache, and its reading.

`convert` reads Keras's legacy `.h5` files (the published ones, with and without classifier), Keras 3's `.weights.h5`
and the state dict of timm's `inception_resnet_v2` as safetensors (all by `formats.py`). Nothing here downloads
anything; if there are no weights, the error message has the commands that get them.
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
from colorjax.models.inception.formats import read_source
from colorjax.models.inception.network import SIZE, InceptionResNetV2
from colorjax.models.variables import require_finite, require_variables
from colorjax.runtime.cache import cache_directory, read_weights, save_arrays

FILES = ("inception_resnet_v2.safetensors", "inception_resnet_v2_without_classifier.safetensors")

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/inception_resnet_v2"
_PUBLISHED = "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels.h5"
# The MD5 hashes are those in Keras's source.
PUBLISHED_MD5 = {
    "e693bd0210a403b3192acc6073ad2e96": "the file that Keras publishes",
    "d19885ff4a710c122648d3b5c3b684e4": "the file without classifier that Keras publishes",
}


class Weights(NamedTuple):
    """Variables of `InceptionResNetV2` and their source.

    Attributes:
      variables: {'params': ..., 'batch_stats': ...} of float32 arrays.
      classes: number of classes; 0 without a classifier.
      sha256: SHA-256 of the published file.
      origin: the published file and its format, one line for people.
    """

    variables: dict[str, Any]
    classes: int
    sha256: str
    origin: str

    @property
    def about(self) -> str:
        """What the network is, for people."""
        return f"{self.classes or 'no'} classes"


def convert(source: Path | None, network: str = "inception") -> tuple[Path, Weights]:
    """Read published weights and write them into the cache.

    Args:
      source: a file in one of the formats above.
      network: not used, because the formats are those of one network.

    Returns:
      the written file, and its weights.

    Raises:
      UserError: the file is missing or of an unknown format, a tensor is missing, left over, of a wrong shape or not
        finite, or the cache can't be written.
    """
    del network
    if source is None:
        raise UserError("the weights of Inception-ResNet-v2 come with no package: give the published file, --from=FILE")
    try:
        data = source.read_bytes()
    except OSError as error:
        raise UserError(f"--from={source}: {error.strerror or error}") from None
    found = read_source(source)
    classes = found.arrays.get(("params", "classifier", "bias"), np.zeros(0)).size
    _check(found.arrays, classes, source)
    published = PUBLISHED_MD5.get(hashlib.md5(data, usedforsecurity=False).hexdigest())
    origin = f"{source.name}, {found.description}" + (f", {published}" if published else "")
    weights = Weights(unflatten_dict(found.arrays), classes, hashlib.sha256(data).hexdigest(), origin)
    target = cache_directory() / FILES[0 if classes else 1]
    metadata = {"classes": str(classes), "sha256": weights.sha256, "origin": origin}
    save_arrays(target, {"/".join(path): array for path, array in found.arrays.items()}, metadata)
    return target, weights


def load(classifier: bool = True) -> Weights:
    """Return the weights in the file that `find` returns.

    Raises:
      UserError: there are none, or the file is damaged.
    """
    return read(find(classifier))


def find(classifier: bool = True) -> Path:
    """Return the path of the file that `convert` wrote last.

    Args:
      classifier: whether the weights must have a classifier.

    Raises:
      UserError: there is none; the message has the commands that get one.
    """
    directory = cache_directory()
    there = [directory / name for name in (FILES[:1] if classifier else FILES) if (directory / name).is_file()]
    if there:
        return max(there, key=lambda path: path.stat().st_mtime_ns)
    other = " with its classifier" if (directory / FILES[1]).is_file() else ""
    md5 = next(md5 for md5, what in PUBLISHED_MD5.items() if "without" not in what)
    raise UserError(
        f"there are no weights of Inception-ResNet-v2{other} in {directory}; these lines get them:\n"
        f"  curl --fail --remote-name {_URL}/{_PUBLISHED}\n"
        f"  echo '{md5}  {_PUBLISHED}' | md5sum --check\n"
        f"  python launch.py weights inception --from={_PUBLISHED}"
    )


def random(seed: int, classes: int = 1000) -> Weights:
    """Return untrained weights: He et al.'s normal kernels, biases of 0, statistics of mean 0 and variance 1."""
    generator = np.random.default_rng(seed)
    arrays = {}
    for path, shape in sorted(expected_shapes(classes).items()):
        if path[-1] == "kernel":
            # The classifier's kernel is smaller, so that the logits are around 1: an untrained network is not sure.
            gain = 1 if path[1] == "classifier" else 2
            deviation = np.float32(np.sqrt(gain / np.prod(shape[:-1])))
            arrays[path] = deviation * generator.standard_normal(shape, np.float32)
        else:
            arrays[path] = np.full(shape, path[-1] == "var", np.float32)
    origin = f"random weights that know nothing, seed {seed}"
    return Weights(unflatten_dict(arrays), classes, hashlib.sha256(origin.encode()).hexdigest(), origin)


@functools.lru_cache(maxsize=2)
def expected_shapes(classes: int) -> Mapping[tuple[str, ...], tuple[int, ...]]:
    """Return the shape of each variable of the network by its path."""
    module = InceptionResNetV2(classes)
    variables = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, SIZE, SIZE, 3))))
    return {path: leaf.shape for path, leaf in flatten_dict(variables).items()}


def read(path: Path) -> Weights:
    """Return the weights in a file that `convert` wrote.

    Raises:
      UserError: the file is damaged.
    """
    arrays, (classes, sha256, origin) = read_weights(path, {"classes": int, "sha256": str, "origin": str})
    _check(arrays, classes, path)
    return Weights(unflatten_dict(arrays), classes, sha256, origin)


def _check(arrays, classes, source):
    """Raise a `UserError` unless `arrays` are exactly the network's variables, with the right shapes and finite."""
    require_variables(arrays, expected_shapes(classes), str(source))
    require_finite(arrays, str(source))
