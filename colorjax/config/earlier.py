"""Comparison of configs saved by an earlier version with those of today.

A setting that is missing from a saved config counts as its default. The default of a new setting must therefore be the
behavior from before it existed, so that runs begun by an earlier version can continue unchanged.
`tests/test_released.py` tests that.
"""

from collections.abc import Mapping
from typing import Any

from colorjax.config.defaults import with_defaults
from colorjax.config.serialization import from_plain, identifying_settings, to_plain
from colorjax.models import MODELS, default_config


def settings_of_any_version(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return `identifying_settings` of a run's or a table's saved config, with defaults for settings added since.

    Args:
      plain: the config as read from JSON.
    """
    settings = identifying_settings(to_plain(with_defaults(from_plain(dict(plain)))))
    for key, name in list(settings.items()):
        section, _, last = key.rpartition(".")
        if last == "name" and section.split(".")[-1] == "model" and name in MODELS:
            fields = {f"{section}.{field}": value for field, value in default_config(name).items()}
            settings = fields | settings
    return settings
