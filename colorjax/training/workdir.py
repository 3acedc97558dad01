"""A run's folder: its config, and the code, versions and devices of each start.

The first start writes `config.json`, and every later start compares its config with it. `versions.json` has an entry
for each start. Of several processes only the first one reads and writes the folder.
"""

import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

import colorjax
from colorjax import processes
from colorjax.config.earlier import settings_of_any_version
from colorjax.config.serialization import to_plain
from colorjax.errors import UserError
from colorjax.models.network import FrozenWeights
from colorjax.runs.files import read_json
from colorjax.runs.provenance import provenance
from colorjax.runtime.atomic import write_atomically

PACKAGES = (
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "orbax-checkpoint",
    "tensorflow-datasets",
    "grain",
    "array_record",
    "ml-collections",
    "scikit-image",
    "numpy",
    "opencv-python-headless",
    "submitit",
    "optuna",
    "jax-cuda13-plugin",  # these two only with a GPU
    "jax-cuda12-plugin",
)


def open_workdir(workdir: Path, config: ConfigDict, devices: list[jax.Device]) -> None:
    """Create the run's folder if needed, and record the code, the versions and the devices of this start in it.

    Raises:
      UserError: the folder holds a run of another config, or a file in it is damaged.
    """
    if not processes.is_first():
        return
    require_same_config(workdir, config)
    workdir.mkdir(parents=True, exist_ok=True)
    if not (workdir / "config.json").exists():
        write_atomically(workdir / "config.json", json.dumps(to_plain(config), indent=2) + "\n")
    path = workdir / "versions.json"
    starts = read_json(path, list) if path.exists() else []
    code, diff = provenance(Path(colorjax.__file__).parents[1])
    if diff:
        name = f"changes-{hashlib.sha256(diff.encode()).hexdigest()[:12]}.diff"
        write_atomically(workdir / name, diff)
        code = code | {"diff": name}
    write_atomically(path, json.dumps([*starts, _versions(devices) | code], indent=2) + "\n")


def require_same_config(workdir: Path, config: ConfigDict) -> None:
    """Compare `config` with the config of the run in `workdir`; do nothing if there is no run.

    Raises:
      UserError: the folder holds a run of another config (the message names the first keys that differ), or its
        `config.json` is damaged.
    """
    path = workdir / "config.json"
    if not processes.is_first() or not path.exists():
        return
    known, new = settings_of_any_version(read_json(path, dict)), settings_of_any_version(to_plain(config))

    def order(key: str) -> tuple:
        return key not in known or key not in new, key  # what only one has follows from another, such as model.name

    differing = [
        f"config.{key} ({known.get(key, 'no such key')!r} there, {new.get(key, 'no such key')!r} here)"
        for key in sorted(known.keys() | new.keys(), key=order)
        if key not in known or key not in new or not _equal(known[key], new[key])
    ]
    if differing:
        more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
        raise UserError(
            f"{workdir} holds a run of another config: {', '.join(differing[:3])}{more}; "
            "use another --workdir, or the same config"
        )


def require_same_frozen_weights(workdir: Path, frozen: FrozenWeights) -> None:
    """Compare a network's frozen weights with those recorded in `workdir`, or record them there in the first start.

    If the folder `workdir` does not exist, nothing is done.

    Raises:
      UserError: the run was started with other weights.
    """
    if not processes.is_first():
        return
    path = workdir / "frozen.json"
    if path.exists():
        known = read_json(path, dict)
        if known["mark"] != frozen.fingerprint:
            raise UserError(
                f"{workdir} was trained with {known['origin']}, and here is {frozen.origin or 'nothing frozen'}; "
                "convert the former's weights again, or use another --workdir"
            )
    elif workdir.is_dir() and frozen.fingerprint:
        write_atomically(path, json.dumps({"origin": frozen.origin, "mark": frozen.fingerprint}, indent=2) + "\n")


def _equal(one: Any, other: Any) -> bool:
    return one == other or json.dumps(one) == json.dumps(other)  # as JSON, NaN equals NaN, also in a tuple


def _versions(devices: list[jax.Device]) -> dict[str, Any]:
    installed = {distribution.name: distribution.version for distribution in metadata.distributions()}
    versions = {"python": platform.python_version()} | {name: installed[name] for name in PACKAGES if name in installed}
    # For a GPU, platform_version has the versions of CUDA and its driver.
    backend = {"platform": devices[0].platform, "platform_version": devices[0].client.platform_version}
    kinds = [device.device_kind for device in devices]
    return versions | backend | {"devices": kinds, "processes": processes.count()}
