"""Trained networks as single files: safetensors, with the config and a SHA-256 of the weights in the header.

A file contains only numbers and text; nothing is unpickled. `load` takes a path, or the name of a bundled network or of
one that `launch.py weights` put into the cache. The bundled files are in `colorjax/pretrained/`; each is also checked
as a whole against SHA256SUMS.
"""

import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict
from safetensors import SafetensorError, safe_open

from colorjax.config.defaults import with_defaults
from colorjax.config.keys import KEYS, Bears
from colorjax.config.serialization import from_plain, to_plain
from colorjax.errors import UserError, nearest
from colorjax.models import build_model
from colorjax.models.network import initial_variables
from colorjax.models.variables import require_variables, sha256_of_arrays
from colorjax.runtime.cache import cache_directory, save_arrays
from colorjax.tasks import build_task

SUFFIX = ".safetensors"
SUMS = "SHA256SUMS"
FORMAT = "colorjax 1"
#: Settings that name places on the machine of the training.
_PLACES = tuple(key for key, bears in KEYS.items() if bears & Bears.PLACE)


class TrainedNetwork(NamedTuple):
    """A trained network.

    Attributes:
      config: of its run.
      variables: NumPy arrays: 'params' and, with batch normalization, 'batch_stats'.
      step: of the run, at which these are its variables.
      name: for people.
      sha256: of the variables.
    """

    config: ConfigDict
    variables: dict[str, Any]
    step: int
    name: str
    sha256: str


def save(path: Path, config: ConfigDict, variables: Mapping[str, Any], step: int) -> int:
    """Write a trained network to a file; return the number of its weights.

    Args:
      path: the file.
      config: of its run. The paths of its photographs, and of the weights that it started from, are left out.
      variables: 'params' and, with batch normalization, 'batch_stats'.
      step: of the run, at which these are its variables.

    Raises:
      UserError: a network with a frozen branch, whose weights we may not pass on; variables that don't fit the config's
        network; a file that can't be written.
    """
    model = _model(config)
    if model.frozen().variables:
        raise UserError(f"{config.model.name} has a frozen branch with weights of its own; a file can't hold them")
    require_model_variables(variables, model, build_task(config.task).input_channels, "config.model")
    config = config.copy_and_resolve_references()
    with config.unlocked():
        for key in _PLACES:
            section, name = key.split(".")
            config[section][name] = ""
        config.training.start_from = Path(config.training.start_from).name
    arrays = {"/".join(path): np.asarray(array) for path, array in flatten_dict(dict(variables)).items()}
    metadata = {
        "format": FORMAT,
        "config": json.dumps(to_plain(config), sort_keys=True),
        "step": str(step),
        "sha256": sha256_of_arrays(arrays),
    }
    save_arrays(path, arrays, metadata, advice="give another file")
    return sum(array.size for array in arrays.values())


def names() -> tuple[str, ...]:
    """Return the names of the bundled networks."""
    return tuple(sorted(_sums()))


def load(source: str | Path) -> TrainedNetwork:
    """Read a trained network.

    Args:
      source: one of `names()`, the path of a file that `save` wrote, or the name of such a file in the cache, without
        its suffix.

    Raises:
      UserError: no such name or file, another kind of file, a wrong checksum, a config that can't be read, or weights
        that don't fit the network in the config.
    """
    path, shipped = _found(str(source))
    metadata, arrays = _read(path)
    wrong = shipped and hashlib.sha256(path.read_bytes()).hexdigest() != shipped
    if wrong or sha256_of_arrays(arrays) != metadata.get("sha256"):
        raise UserError(f"{path}: the SHA-256 is not the one that was written with it: the file is damaged or changed")
    try:
        config, step = _config_in(metadata), int(metadata["step"])
        model = _model(config)
    except (KeyError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: its config can't be read ({type(error).__name__}: {error})") from None
    except UserError as error:
        raise UserError(f"{path}: weights of a network that this colorjax does not have: {error}") from None
    variables = unflatten_dict({tuple(name.split("/")): array for name, array in arrays.items()})
    if not shipped:  # a bundled file is known to the byte, and tracing a deep network takes seconds
        require_model_variables(variables, model, build_task(config.task).input_channels, str(path))
    return TrainedNetwork(config, variables, step, path.name.removesuffix(SUFFIX), metadata["sha256"])


def read_config(source: str | Path) -> ConfigDict:
    """Return the config of a trained network without reading or checking its weights.

    Args:
      source: as for `load`.

    Raises:
      UserError: no such name or file, another kind of file, or a config that can't be read.
    """
    path, _ = _found(str(source))
    metadata, _ = _read(path, with_arrays=False)
    try:
        return _config_in(metadata)
    except (KeyError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: its config can't be read ({type(error).__name__}: {error})") from None


def _read(path: Path, with_arrays: bool = True) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Return the header of a file, and its arrays by name ({} without `with_arrays`)."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            names = file.keys() if with_arrays else ()
            arrays = {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: no safetensors file that can be read ({error})") from None
    if metadata.get("format") != FORMAT:
        raise UserError(f"{path}: not written by colorjax ('launch.py export' writes such files)")
    return metadata, arrays


def _config_in(metadata: Mapping[str, str]) -> ConfigDict:
    return with_defaults(from_plain(json.loads(metadata["config"])))


def require_model_variables(variables: Mapping[str, Any], model: Any, input_channels: int, where: str) -> None:
    """Check that variables fit a network.

    Args:
      variables: to be checked, nested.
      model: the network.
      input_channels: of the network.
      where: begins the error.

    Raises:
      UserError: a variable is missing, unknown or of another shape.
    """
    expected = {path: leaf.shape for path, leaf in _shapes(model, input_channels).items()}
    require_variables(flatten_dict(dict(variables)), expected, where)


def not_found_in(variables: Mapping[str, Any], model: Any, input_channels: int, where: str) -> tuple[str, ...]:
    """Return the names of the network's variables that are missing in `variables` or have another shape there.

    Args:
      variables: to be compared, nested.
      model: the network.
      input_channels: of the network.
      where: begins the error.

    Raises:
      UserError: all of the network's variables are missing.
    """
    expected = _shapes(model, input_channels)
    found = flatten_dict(dict(variables))
    missing = [path for path, leaf in expected.items() if path not in found or found[path].shape != leaf.shape]
    if len(missing) == len(expected):
        raise UserError(
            f"{where}: weights of another architecture: none has the name and shape of one of the network's"
        )
    return tuple(sorted("/".join(path[1:]) for path in missing))


def _shapes(model: Any, input_channels: int) -> dict[tuple[str, ...], Any]:
    inputs = jnp.zeros((1, 32, 32, input_channels), jnp.float32)
    frozen = model.frozen().variables
    return flatten_dict(jax.eval_shape(lambda: initial_variables(model, jax.random.key(0), frozen, inputs)))


def _model(config):
    return build_model(config.model, build_task(config.task).output_channels)


def _found(source: str) -> tuple[Path, str]:
    """Return the path of the file, and the SHA-256 that it must have if it is bundled, else ""."""
    sums = _sums()
    if source in sums:
        return _folder() / f"{source}{SUFFIX}", sums[source]
    path, kept = Path(source).expanduser(), cache_directory() / f"{source}{SUFFIX}"
    if not path.is_file() and kept.is_file():
        return kept, ""
    if not path.is_file():
        hint = f"; {nearest(source, sums)}" if sums else ""
        raise UserError(
            f"{source}: there is no such file, and no network of that name comes with colorjax or is in its cache{hint}"
        )
    return path, sums.get(path.name.removesuffix(SUFFIX), "") if path.parent.absolute() == _folder() else ""


def _folder() -> Path:
    return Path(str(resources.files("colorjax.pretrained")))


def _sums() -> dict[str, str]:
    lines = (_folder() / SUMS).read_text(encoding="ascii").splitlines()
    return {name.removesuffix(SUFFIX): digest for digest, name in (line.split() for line in lines)}
