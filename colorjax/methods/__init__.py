"""Methods: things that restore a picture. Pictures are float32 sRGB `[H, W, 3]`, clean ones in [0, 1].

A trained network (`network.NetworkMethod`) and an algorithm that needs no training stand behind one interface,
`Method`. To add an algorithm: write a dataclass with a `restore` in a file of its own here (its fields are its
settings, each with a default), add one line to `METHODS`, and test it. A table's row then names it in its `method`
section.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from colorjax.errors import UserError, nearest
from colorjax.methods.identity import Identity
from colorjax.methods.mean_color import MeanColor
from colorjax.methods.network import NetworkMethod
from colorjax.methods.pretrained import Pretrained
from colorjax.methods.scribble.method import Scribble

__all__ = [
    "METHODS",
    "MeanColor",
    "Method",
    "NetworkMethod",
    "Identity",
    "Pretrained",
    "Scribble",
    "build_method",
    "default_config",
]


class Method(Protocol):
    """What the evaluation asks of a method: a name and `restore`.

    Some methods have more:
      - `fit(photographs)`, once, with the training photographs, before anything is restored;
      - `draw_hints(truth, seed) -> Hints`, for methods that a person helps: draws from the true colors, by a seeded
        rule, what that person would have marked. It is the one door by which truth reaches a method;
      - `restore_with_outputs(degraded) -> (picture, outputs)`, for networks: the loss is then that of their outputs;
      - `mark`, for methods that read a file: plain values that tell its content. Another `mark` is measured anew.
    """

    name: str

    def restore(self, degraded: np.ndarray, hints: Any = None) -> np.ndarray:
        """Return the restored picture [H, W, 3], clipped or not, of `degraded` [H, W, 3] and what `draw_hints` drew."""


METHODS: dict[str, type[Method]] = {
    "observed": Identity,
    "mean_color": MeanColor,
    "scribble": Scribble,
    "pretrained": Pretrained,
}


def build_method(config: Mapping[str, Any]) -> Method:
    """Build the method that a row's `method` section describes: its name, and the settings to be changed.

    Raises:
        UserError: an unknown name or setting (naming the nearest).
    """
    defaults = default_config(config["name"])
    for setting in config:
        if setting not in defaults:
            raise UserError(f"method {config['name']!r} has no setting {setting!r}; {nearest(setting, defaults)}")
    return METHODS[config["name"]](**{key: value for key, value in config.items() if key != "name"})


def default_config(name: str) -> dict[str, Any]:
    """Return the `method` section of the method `name`: its name and all its settings with their defaults."""
    if name not in METHODS:
        raise UserError(f"no method is named {name!r}; {nearest(name, METHODS)}")
    settings = (field for field in dataclasses.fields(METHODS[name]) if field.init)
    return {"name": name} | {setting.name: setting.default for setting in settings}
