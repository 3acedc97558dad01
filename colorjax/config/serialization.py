"""Conversion of configs to JSON values and back."""

import json
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from colorjax.config.keys import KEYS, Bears

#: Keys that may change when a run continues, since they change the weights of no step. Two of them still matter:
#: `validate_every` and `checkpoint_every` determine which steps can be the best one, and so which one is measured.
FREE_KEYS = tuple(
    key for key, bears in KEYS.items() if not bears & (Bears.WEIGHTS | Bears.VALIDATION | Bears.MEASUREMENT)
)


def to_plain(config: ConfigDict) -> dict[str, Any]:
    """Return `config` as values that JSON can hold: writing and reading them as JSON does not change them."""
    return json.loads(json.dumps(config.to_dict()))


def from_plain(plain: dict[str, Any]) -> ConfigDict:
    """Return the locked config that `to_plain` has made `plain` from."""
    return ConfigDict(with_tuples(plain)).lock()


def with_tuples(value: Any) -> Any:
    """Return a value read from JSON with its lists as tuples, which configs use."""
    if isinstance(value, dict):
        return {key: with_tuples(item) for key, item in value.items()}
    return tuple(map(with_tuples, value)) if isinstance(value, list) else value


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the settings of nested sections by their full names, such as `optimizer.learning_rate`."""
    flat = {}
    for key, value in config.items():
        section = isinstance(value, ConfigDict | dict)
        flat |= flatten(value, f"{prefix}{key}.") if section else {f"{prefix}{key}": value}
    return flat


def identifying_settings(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that identify a run, by full name: all except `FREE_KEYS`.

    Args:
      plain: the config from `to_plain`.
    """
    return {key: value for key, value in flatten(plain).items() if key not in FREE_KEYS}
