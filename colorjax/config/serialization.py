"""Configs as what JSON can hold, and back."""

import json
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from colorjax.config.keys import KEYS, Bears

#: Keys under other values of which a run may be gone on with, since they change the weights of no step. But
#: `validate_every` and `checkpoint_every` say which steps can be the best one, and so which of them is measured.
FREE_KEYS = tuple(
    key for key, bears in KEYS.items() if not bears & (Bears.WEIGHTS | Bears.VALIDATION | Bears.MEASUREMENT)
)


def to_plain(config: ConfigDict) -> dict[str, Any]:
    """Return `config` as what JSON can hold, and gives back unchanged."""
    return json.loads(json.dumps(config.to_dict()))


def from_plain(plain: dict[str, Any]) -> ConfigDict:
    """Undo `to_plain`."""
    return ConfigDict(with_tuples(plain)).lock()


def with_tuples(value: Any) -> Any:
    """Return what was read from JSON with tuples where it has lists, as configs have."""
    if isinstance(value, dict):
        return {key: with_tuples(item) for key, item in value.items()}
    return tuple(map(with_tuples, value)) if isinstance(value, list) else value


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the settings of nested sections by their whole names, such as `optimizer.learning_rate`."""
    flat = {}
    for key, value in config.items():
        section = isinstance(value, ConfigDict | dict)
        flat |= flatten(value, f"{prefix}{key}.") if section else {f"{prefix}{key}": value}
    return flat


def identifying_settings(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that make a run the run that it is, of a config as `to_plain` gives it, by whole names."""
    return {key: value for key, value in flatten(plain).items() if key not in FREE_KEYS}
