"""Methods restore images. Images are float32 sRGB `[H, W, 3]`, clean ones in [0, 1].

Trained networks (`network.NetworkMethod`) and algorithms that need no training share one interface, `method.Method`.

To add an algorithm:
  1. Write a dataclass derived from `Method` in a file of its own here. Its fields are its settings, each with a
     default. `tasks` names the tasks that it can be measured on, `needs` what it receives besides the image.
  2. Add one line to `METHODS`.
  3. Test it.
A table's row then names it in its `method` section.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from colorjax.errors import UserError, nearest
from colorjax.methods.cheng.method import Cheng
from colorjax.methods.classical.bm3d import BM3D
from colorjax.methods.classical.filters import Bilateral, Gaussian, GaussianBilateral, Median
from colorjax.methods.classical.method import Denoiser
from colorjax.methods.classical.non_local_means import NonLocalMeans
from colorjax.methods.classical.total_variation import TotalVariation
from colorjax.methods.classical.wavelet import Wavelet
from colorjax.methods.feature_ridge import FeatureRidge
from colorjax.methods.identity import Identity
from colorjax.methods.learch.method import Learch
from colorjax.methods.mean_color import MeanColor
from colorjax.methods.method import HintDrawing, Hints, Method, Observation, Restored
from colorjax.methods.network import NetworkMethod
from colorjax.methods.pretrained import Pretrained
from colorjax.methods.retrieval.method import TRANSFERS, Retrieved
from colorjax.methods.retrieved_reference import RetrievedReference
from colorjax.methods.scribble.method import Scribble

__all__ = [
    "DENOISERS",
    "METHODS",
    "Cheng",
    "FeatureRidge",
    "HintDrawing",
    "Hints",
    "Identity",
    "Learch",
    "MeanColor",
    "Method",
    "NetworkMethod",
    "Observation",
    "Pretrained",
    "Restored",
    "Retrieved",
    "RetrievedReference",
    "Scribble",
    "build_method",
    "default_config",
]


#: The classical denoisers, by name.
DENOISERS: dict[str, type[Denoiser]] = {
    method.name: method
    for method in (BM3D, NonLocalMeans, Wavelet, TotalVariation, GaussianBilateral, Bilateral, Gaussian, Median)
}

METHODS: dict[str, type[Method]] = {
    "observed": Identity,
    "mean_color": MeanColor,
    "feature_ridge": FeatureRidge,
    "retrieved_reference": RetrievedReference,
    "learch": Learch,
    "cheng": Cheng,
    **DENOISERS,
    **TRANSFERS,
    "retrieved": Retrieved,
    "scribble": Scribble,
    "pretrained": Pretrained,
}


def build_method(config: Mapping[str, Any]) -> Method:
    """Return the method that a row's `method` section describes: its name, and the settings that differ from defaults.

    Raises:
      UserError: an unknown name or setting (naming the nearest), or a value that the method refuses.
    """
    defaults = default_config(config["name"])
    for setting in config:
        if setting not in defaults:
            raise UserError(f"method {config['name']!r} has no setting {setting!r}; {nearest(setting, defaults)}")
    return METHODS[config["name"]](**{key: value for key, value in config.items() if key != "name"})


def default_config(name: str) -> dict[str, Any]:
    """Return the `method` section of the method `name`: its name and all its settings with their defaults.

    Raises:
      UserError: an unknown name (naming the nearest).
    """
    if name not in METHODS:
        raise UserError(f"no method is named {name!r}; {nearest(name, METHODS)}")
    settings = (field for field in dataclasses.fields(METHODS[name]) if field.init)
    return {"name": name} | {setting.name: setting.default for setting in settings}
