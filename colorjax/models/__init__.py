"""Networks: linen modules from [B, H, W, Cin] to float32 [B, H, W, output_channels], of any finite range.

`build_model` builds one from a config. Every module is applied as

    module.apply(variables, inputs, train=False)                                          # evaluation
    module.apply(variables, inputs, train=True, mutable=["batch_stats"])                  # norm='batch'

A network with a conditioning (see `network.py`) receives that too.

The fields of a module are the config's keys. An `int` field is at least 1, and a `Literal` field lists its choices. So
a new architecture is one file and one line in `MODELS`, and its config is checked without further code.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from flax import linen as nn

from colorjax.errors import UserError, nearest
from colorjax.models.bias_free_unet import BiasFreeUNet
from colorjax.models.cnn import CNN
from colorjax.models.denoising_autoencoder import DenoisingAutoencoder
from colorjax.models.dense_unet_generator import DenseUNetGenerator
from colorjax.models.dncnn import DnCNN
from colorjax.models.drunet import DRUNet
from colorjax.models.ffdnet import FFDNet
from colorjax.models.fusion import FusionNetwork
from colorjax.models.guided_colorizer import GuidedColorizer
from colorjax.models.iizuka import IizukaColorizer
from colorjax.models.ircnn import IRCNN
from colorjax.models.pix2pix_unet import Pix2pixUNet
from colorjax.models.resnet_generator import ResNetGenerator
from colorjax.models.unet import UNet
from colorjax.models.win5 import WIN5
from colorjax.models.zhang import ZhangColorizer

MODELS: dict[str, type[nn.Module]] = {
    "unet": UNet,
    "bias_free_unet": BiasFreeUNet,
    "cnn": CNN,
    "fusion": FusionNetwork,
    "guided_colorizer": GuidedColorizer,
    "dncnn": DnCNN,
    "ffdnet": FFDNet,
    "win5": WIN5,
    "drunet": DRUNet,
    "ircnn": IRCNN,
    "denoising_autoencoder": DenoisingAutoencoder,
    "pix2pix_unet": Pix2pixUNet,
    "dense_unet_generator": DenseUNetGenerator,
    "resnet_generator": ResNetGenerator,
    "zhang": ZhangColorizer,
    "iizuka": IizukaColorizer,
}

# Fields that the framework sets (the first two) or linen itself (the others): they are never keys of a config.
_NOT_IN_CONFIG = ("output_channels", "axis_name", "parent", "name")


def build_model(config: Mapping[str, Any], output_channels: int, axis_name: str | None = None) -> nn.Module:
    """Return the network that `config` describes.

    Args:
      config: `name`, a key of `MODELS`, and any of the fields of that module (`width`, `depth`, `norm`, ...).
      output_channels: number of channels of the output, from the task.
      axis_name: the mapped axis over which batch normalization takes its statistics, or None for one device.

    Raises:
      UserError: the name or a field is unknown (the message names the nearest), or a field can't have its value.
    """
    fields = dict(config)
    name = fields.pop("name", None)
    known = {field.name: field.type for field in _fields(name)}
    for key, value in fields.items():
        if key not in known:
            raise UserError(f"model.{key}: {name!r} has no such field; {nearest(key, known)}")
        _check(f"model.{key}", value, known[key])
    return MODELS[name](**fields, output_channels=output_channels, axis_name=axis_name)


def default_config(name: str) -> dict[str, Any]:
    """Return the `model` section for the architecture `name`: its name and all its fields with their defaults.

    Raises:
      UserError: the name is unknown; the message names the nearest.
    """
    return {"name": name} | {field.name: field.default for field in _fields(name)}


def _fields(name):
    if name not in MODELS:
        raise UserError(f"model.name: there is no model {name!r}; {nearest(name, MODELS)}")
    return [field for field in dataclasses.fields(MODELS[name]) if field.name not in _NOT_IN_CONFIG]


def _check(key, value, annotation):
    """Raise a `UserError` unless the field's annotation (int or Literal) allows `value`."""
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        if value not in choices:
            raise UserError(f"{key}: {value!r} is not a choice; {nearest(value, choices)}")
    elif isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UserError(f"{key}: {value!r} is not a whole number of at least 1")
