"""Comparison of configs saved by an earlier version with those of today.

A setting that is missing from a saved config counts as its default. The default of a new setting must therefore be the
behavior from before it existed, so that runs begun by an earlier version can continue unchanged.
`tests/test_released.py` tests that.
"""

from collections.abc import Mapping
from typing import Any

from colorjax.config.defaults import with_defaults
from colorjax.config.serialization import flatten, from_plain, identifying_settings, to_plain
from colorjax.models import MODELS
from colorjax.models import default_config as default_model
from colorjax.objectives import OBJECTIVES
from colorjax.objectives import default_config as default_objective

# Sections whose settings follow from their name -> what there is by name, and what its settings are by default.
_REGISTRIES = {"model": (MODELS, default_model), "objective": (OBJECTIVES, default_objective)}


def settings_of_any_version(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return `identifying_settings` of a run's or a table's saved config, with defaults for settings added since.

    Args:
      plain: the config as read from JSON.
    """
    settings = identifying_settings(to_plain(with_defaults(from_plain(dict(plain)))))
    for key, name in list(settings.items()):
        section, _, last = key.rpartition(".")
        registry, default_config = _REGISTRIES.get(section.split(".")[-1], ({}, None))
        if last == "name" and name in registry:
            for field, value in default_config(name).items():
                whole = f"{section}.{field}"
                # A section among the fields, such as an objective's terms, is there or not as a whole.
                if not any(known == whole or known.startswith(f"{whole}.") for known in settings):
                    settings |= flatten({whole: value})
    return settings
