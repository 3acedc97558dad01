"""Configs that an earlier version kept, beside those of today.

A setting that there was not when a config was kept counts as its default. So the default of a new setting has to be
what was done before it: then what was begun goes on, and is what it was. `tests/test_released.py` holds to that.
"""

from collections.abc import Mapping
from typing import Any

from colorjax.config.defaults import with_defaults
from colorjax.config.serialization import from_plain, identifying_settings, to_plain
from colorjax.models import MODELS, default_config


def settings_of_any_version(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return `identifying_settings` of a run's or a table's kept config, with the defaults of what is new since."""
    settings = identifying_settings(to_plain(with_defaults(from_plain(dict(plain)))))
    for key, name in list(settings.items()):
        section, _, last = key.rpartition(".")
        if last == "name" and section.split(".")[-1] == "model" and name in MODELS:
            fields = {f"{section}.{field}": value for field, value in default_config(name).items()}
            settings = fields | settings
    return settings
