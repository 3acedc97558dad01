"""Configs: all settings, how files and command lines change them, and how they are saved.

A config file imports what it needs from here: `run_config`, `table_config`, `model_config`, `method_config`,
`objective_config`, `choose`.
"""

import importlib
from typing import Any

# Imported on first use: `tables` imports jax and all models, which most readers of settings do not need.
_HOMES = {
    "choose": "defaults",
    "run_config": "defaults",
    "table_config": "tables",
    "model_config": "tables",
    "method_config": "tables",
    "objective_config": "tables",
}
__all__ = ("choose", "method_config", "model_config", "objective_config", "run_config", "table_config")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
