"""Convert the published weights of a denoiser into files of colorjax in the cache, which every command takes.

DnCNN, FFDNet and IRCNN were published for MatConvNet and for PyTorch, DRUNet for PyTorch. Which variant a file has is
read off its shapes. Of some the noise level is in the file's name alone.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from colorjax import weights
from colorjax.config.defaults import run_config
from colorjax.config.tables import model_config
from colorjax.errors import UserError
from colorjax.models import build_model
from colorjax.models.published import chains
from colorjax.models.published.drunet import drunet
from colorjax.models.published.matconvnet import is_matlab, read_chains
from colorjax.models.published.state_dict import chains_of, read_state_dict
from colorjax.runtime.cache import cache_directory
from colorjax.tasks import build_task


class Weights(NamedTuple):
    """Converted weights and their source.

    Attributes:
      variables: of all networks in the file.
      sha256: SHA-256 of the published file.
      origin: the published file and its format, one line for people.
      about: what the network is and what it was trained for.
    """

    variables: Any
    sha256: str
    origin: str
    about: str


_KAIR = "https://github.com/cszn/KAIR/releases/tag/v1.0"
#: network -> where its authors publish it
PLACES = {
    "dncnn": f"{_KAIR} (dncnn_color_blind.pth and others) or https://github.com/cszn/DnCNN (model/*.mat)",
    "ffdnet": f"{_KAIR} (ffdnet_color.pth and others) or https://github.com/cszn/FFDNet (models/FFDNet_*.mat)",
    "ircnn": f"{_KAIR} (ircnn_color.pth, ircnn_gray.pth) or https://github.com/cszn/IRCNN (models/*.mat)",
    "drunet": f"{_KAIR} (drunet_color.pth, drunet_gray.pth)",
}
_TITLES = {"dncnn": "DnCNN", "ffdnet": "FFDNet", "ircnn": "IRCNN", "drunet": "DRUNet"}
_CHAINS: dict[str, Callable] = {"dncnn": chains.dncnn, "ffdnet": chains.ffdnet, "ircnn": chains.ircnn}
#: Standard deviations of the noise in the training, of 255, where one network serves a range of them.
_RANGES = {"ffdnet": (0, 75), "drunet": (0, 50)}
_RANGE_OF_BLIND_DNCNN = (0, 55)  # of the networks with 20 convolutions
#: Side and overlap of the tiles: neighbors overlap by more than a pixel sees, but for DRUNet, which sees 300 pixels.
_TILES = {"drunet": (512, 128)}
_TILES_OF_OTHERS = (256, 64)
#: Files of the same shapes whose output is the noise instead of the image.
_EARLIER_FFDNET = ("model_color", "model_gray")


def convert(source: Path | None, network: str) -> tuple[Path, Weights]:
    """Read published weights and write them into the cache.

    Args:
      source: the published file: MATLAB's, PyTorch's, or a state dict as safetensors.
      network: a key of `PLACES`.

    Returns:
      the written file, or a folder with one for each noise level, and the weights.

    Raises:
      UserError: no file is given, it can't be read, it has another network, or the cache can't be written.
    """
    if source is None:
        place = PLACES[network]
        raise UserError(f"the weights of {_TITLES[network]} are not fetched: give the file, --from=FILE, of {place}")
    try:
        data = source.read_bytes()
    except OSError as error:
        raise UserError(f"{source}: {error.strerror or error}") from None
    if network == "ffdnet" and source.stem in _EARLIER_FFDNET:
        raise UserError(f"{source}: an earlier FFDNet, whose output is the noise; use FFDNet_color or FFDNet_gray")
    found, kind = _read(data, source, network)
    sha256 = hashlib.sha256(data).hexdigest()
    name = _name(source, network)
    if len(found) == 1:
        target = cache_directory() / f"{name}{weights.SUFFIX}"
        levels = _levels(network, found[0].fields, source.stem)
        _save(target, network, found[0], levels, str(source))
    else:
        target = cache_directory() / name
        for number, one in enumerate(found, 1):  # for levels of 2, 4 ... 50
            _save(target / f"{name}_{2 * number:02}{weights.SUFFIX}", network, one, (2 * number,) * 2, str(source))
        levels = (2, 2 * len(found))
    origin = f"{_TITLES[network]} from {source.name}, {kind}"
    about = _about(found[0], len(found), levels)
    return target, Weights([one.params for one in found], sha256, origin, about)


def _read(data: bytes, source: Path, network: str) -> tuple[list[chains.Converted], str]:
    """Return the networks in a file, and the file's format in words."""
    where = str(source)
    if is_matlab(data):
        if network not in _CHAINS:
            raise UserError(f"{source}: {_TITLES[network]} was published for PyTorch; give that file")
        found, kind = read_chains(data, source), "a file of MatConvNet"
    else:
        tensors, kind = read_state_dict(data, source), "a state dict of PyTorch"
        if network not in _CHAINS:
            return [drunet(tensors, where)], kind
        found = chains_of(tensors, where)
    if len(found) > 1 and network != "ircnn":
        raise UserError(f"{source}: weights of another network than {_TITLES[network]}: it has {len(found)} networks")
    return [_CHAINS[network](chain, where) for chain in found], kind


def _name(source: Path, network: str) -> str:
    """Return a name that tells the network and the file, such as dncnn_GD_Color_Blind or drunet_color."""
    stem = re.sub(r"\W+", "_", source.stem)
    rest = stem[len(network) :] if stem.lower().startswith(network) else f"_{stem}"
    return f"{network}{rest}"


def _levels(network: str, fields: Mapping[str, Any], stem: str) -> tuple[int, int] | None:
    """Return the lowest and the highest noise level of a training, of 255; None if neither shapes nor name tell it."""
    if network in _RANGES:
        return _RANGES[network]
    if found := re.search(r"sigma=?(\d+)(?:to(\d+))?|^(?:dncnn|ircnn)_(\d+)$", stem):
        low = int(found[1] or found[3])
        return low, int(found[2] or low)
    return _RANGE_OF_BLIND_DNCNN if fields.get("depth") == chains.DEPTHS[-1] else None


def _save(path: Path, network: str, converted: chains.Converted, levels: tuple[int, int] | None, where: str) -> None:
    """Write a network with the config of a run that would have made it; `where` begins the message of an error."""
    config = run_config()
    config.task.name = ("denoise" if converted.channels == 3 else "denoise_gray") + ("_told" if converted.told else "")
    if levels:
        config.task.noise = ConfigDict({"kind": "gaussian", "level": tuple(level / 255 for level in levels)})
    config.protocol.noise_kind, config.protocol.noise_level = "gaussian", 25 / 255
    config.model = model_config(network, **converted.fields)
    config.inference.patch_size, config.inference.overlap = _TILES.get(network, _TILES_OF_OTHERS)
    task, variables = build_task(config.task), {"params": converted.params}
    model = build_model(config.model, task.output_channels)
    weights.require_model_variables(variables, model, task.input_channels, where)
    weights.save(path, config.lock(), variables, 0)


def _about(converted: chains.Converted, count: int, levels: tuple[int, int] | None) -> str:
    color = "color" if converted.channels == 3 else "gray"
    fields = ", ".join(f"{key} {value}" for key, value in converted.fields.items() if isinstance(value, int))
    several = f"{count} networks, each " if count > 1 else ""
    if levels is None:
        noise = "a noise level that neither the file nor its name tells"
    elif levels[0] == levels[1]:
        noise = f"Gaussian noise of {levels[0]}"
    else:
        noise = f"Gaussian noise of {levels[0]} to {levels[1]}"
    told = ", told by a map" if converted.told else ""
    return f"{several}for {color} pictures, {fields}; {noise}{told}"
