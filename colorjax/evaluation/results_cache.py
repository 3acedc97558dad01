"""Evaluations kept in the directories of rows, so that remaking a table measures only what has changed.

`evaluation.json` holds the numbers and a fingerprint of everything that they depend on. `samples.npz` holds the sample
images.
"""

import hashlib
import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import colorjax
from colorjax.evaluation.evaluate import Cost, Evaluation, Sample
from colorjax.evaluation.protocol import Protocol
from colorjax.runtime.atomic import replacing, write_atomically

COST = "cost.json"  # apart from the numbers, which are the same each time
CODE = ("*.py", "*.csv")  # the code, and tables of numbers that it computes with

# Code that presents evaluations or only reads files; changing it changes no number.
PRESENTATION = (
    "commands/",
    "comparison/",
    "pages/",
    "runs/",
    "sweeps/",
    "tables/",
)


def fingerprint(protocol: Protocol, settings: Mapping[str, Any], checkpoint: Path | None = None) -> str:
    """Return a SHA-256 of everything that an evaluation depends on, including the code.

    Args:
      protocol: what is measured, and on which images.
      settings: everything else that the numbers depend on, as plain values: the row's method or model, task,
        inference, the data that it learned from.
      checkpoint: file or directory of the trained variables; their bytes are hashed. None for a method without any.
    """
    digest = hashlib.sha256()
    digest.update(json.dumps([protocol.as_dict(), settings], sort_keys=True, default=dict).encode())
    source = Path(colorjax.__file__).parent
    paths = [path for pattern in CODE for path in source.rglob(pattern)]
    names = sorted(path.relative_to(source).as_posix() for path in paths)
    code = [source / name for name in names if not name.startswith(PRESENTATION)]
    trained = [] if checkpoint is None else [checkpoint, *sorted(Path(checkpoint).rglob("*"))]
    for path in [*code, *trained]:
        if path.is_file():
            digest.update(f"\0{path.name}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as file:
                while block := file.read(2**20):
                    digest.update(block)
    return digest.hexdigest()


def save_evaluation(directory: Path, evaluation: Evaluation, fingerprint: str) -> None:
    """Write the evaluation with its fingerprint into `directory`, which is created if it doesn't exist."""
    directory.mkdir(parents=True, exist_ok=True)
    arrays = {f"{i}/{name}": getattr(s, name) for i, s in enumerate(evaluation.samples) for name in _ARRAYS}
    with replacing(directory / "samples.npz") as path, path.open("wb") as file:
        np.savez_compressed(file, **arrays)
    content = {
        "fingerprint": fingerprint,
        "method": evaluation.method,
        "loss": evaluation.loss,
        "protocol_hash": evaluation.protocol_hash,
        "columns": evaluation.columns,
        "rows": [{k: _to_json(v) for k, v in row.items()} for row in evaluation.rows],
        "samples": [sample.picture for sample in evaluation.samples],
        "told": evaluation.told,
    }
    if evaluation.cost is not None:
        write_atomically(directory / COST, json.dumps({k: _to_json(v) for k, v in evaluation.cost._asdict().items()}))
    # The fingerprint is for both files, so the file that holds it is written last, and atomically.
    write_atomically(directory / "evaluation.json", json.dumps(content, indent=1, allow_nan=False))


def load_evaluation(directory: Path, fingerprint: str) -> Evaluation | None:
    """Return the evaluation kept in `directory`, or None if there is none with this fingerprint or it is damaged."""
    try:
        content = json.loads((directory / "evaluation.json").read_text())
        if content["fingerprint"] != fingerprint:
            return None
        with np.load(directory / "samples.npz") as arrays:
            samples = [
                Sample(name, *(arrays[f"{i}/{array}"] for array in _ARRAYS))
                for i, name in enumerate(content["samples"])
            ]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):  # missing, or writing it was interrupted
        return None
    rows = [{k: math.nan if v is None else v for k, v in row.items()} for row in content["rows"]]
    return Evaluation(
        content["method"],
        content["loss"],
        content["protocol_hash"],
        tuple(content["columns"]),
        tuple(rows),
        tuple(samples),
        tuple(content["told"]),
        cost=_load_cost(directory / COST),
    )


def _load_cost(path: Path) -> Cost | None:
    try:
        content = json.loads(path.read_text())
        return Cost(content["weights"], math.nan if content["seconds"] is None else content["seconds"])
    except (OSError, ValueError, KeyError):  # an earlier version has written none
        return None


_ARRAYS = ("degraded", "restored", "truth")


def _to_json(value):
    return None if isinstance(value, float) and math.isnan(value) else value
