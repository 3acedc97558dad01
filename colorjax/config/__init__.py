"""Configs: every setting, how files and command lines change it, and what it is kept as.

A config file imports what it needs from here: `run_config`, `table_config`, `model_config`, `method_config`,
`objective_config`, `choose`.
"""

import importlib
from typing import Any

# Looked up when asked for: `tables` brings jax and all models in, which most readers of settings do without.
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
