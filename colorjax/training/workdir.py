"""A run's folder: the config that it belongs to, and what it was run with.

`config.json` is written by the first start and compared by every later one; `versions.json` has an entry a start.
"""

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from colorjax.errors import UserError
from colorjax.models.context import Frozen

# Keys that change neither the weights nor what is measured: a run may be gone on with under another value.
FREE_KEYS = (
    "data.data_dir",
    "data.workers",
    "training.checkpoint_every",
    "training.keep",
    "training.log_every",
    "training.validate_every",
)

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def open_workdir(workdir: Path, config: ConfigDict, devices: list[jax.Device]) -> None:
    """Make `workdir` a folder of runs of `config`, and note the versions and devices of this start in it.

    Raises:
      UserError: it holds a run of another config; the first keys that differ are named.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    path = workdir / "config.json"
    if path.exists():
        known, new = _flatten(json.loads(path.read_text())), _flatten(to_plain(config))
        differing = [
            f"config.{key} ({known.get(key, 'no such key')!r} there, {new.get(key, 'no such key')!r} here)"
            for key in sorted(known.keys() | new.keys())
            if key not in FREE_KEYS and (key not in known or key not in new or known[key] != new[key])
        ]
        if differing:
            more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
            raise UserError(
                f"{workdir} holds a run of another config: {', '.join(differing[:3])}{more}; "
                "use another --workdir, or the same config"
            )
    else:
        write_atomically(path, json.dumps(to_plain(config), indent=2) + "\n")
    path = workdir / "versions.json"
    starts = json.loads(path.read_text()) if path.exists() else []
    write_atomically(path, json.dumps([*starts, _versions(devices)], indent=2) + "\n")


def hold_to_frozen(workdir: Path, frozen: Frozen) -> None:
    """Compare a network's frozen weights with those noted in `workdir`, or note them; without a workdir do nothing.

    Raises:
      UserError: the run was begun with others.
    """
    path = workdir / "frozen.json"
    if path.exists():
        known = json.loads(path.read_text())
        if known["mark"] != frozen.mark:
            raise UserError(
                f"{workdir} was trained with {known['origin']}, and here is {frozen.origin or 'nothing frozen'}; "
                "convert the former's weights again, or use another --workdir"
            )
    elif workdir.is_dir() and frozen.mark:
        write_atomically(path, json.dumps({"origin": frozen.origin, "mark": frozen.mark}, indent=2) + "\n")


def to_plain(config: ConfigDict) -> dict[str, Any]:
    """Return `config` as what JSON can hold, and gives back unchanged."""
    return json.loads(json.dumps(config.to_dict()))


def from_plain(plain: dict[str, Any]) -> ConfigDict:
    """Undo `to_plain`: configs have tuples where JSON has lists."""

    def tuples(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: tuples(item) for key, item in value.items()}
        return tuple(map(tuples, value)) if isinstance(value, list) else value

    return ConfigDict(tuples(plain)).lock()


def write_atomically(path: Path, text: str) -> None:
    """Write a file that is at no moment half written."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


def _flatten(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in plain.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _versions(devices: list[jax.Device]) -> dict[str, Any]:
    versions = {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES}
    return versions | {"platform": devices[0].platform, "devices": [device.device_kind for device in devices]}
