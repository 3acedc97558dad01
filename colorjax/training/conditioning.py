"""The conditioning of the examples in training (see `colorjax.models.network`).

It is computed in each step from the network's inputs, or once for each photograph and then kept on the disk, in
`cache_directory()/contexts`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import numpy as np
from flax import linen as nn
from ml_collections import ConfigDict
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tqdm import tqdm

from colorjax import processes
from colorjax.errors import UserError
from colorjax.inference.letterbox import letterbox
from colorjax.models.network import FrozenWeights
from colorjax.pictures.images import Photograph, content_hash
from colorjax.runtime.cache import cache_directory, save_arrays
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks import Task

Conditioning = dict[str, np.ndarray]

_VERSION = 1  # to increase with each change of a conditioning's meaning, so that kept ones are computed again
_BATCH = 4  # squares that are computed together
_SAVE_EVERY = 1024  # photographs; the most that a killed process loses


def check_conditioning(config: ConfigDict, model: nn.Module) -> None:
    """Check that a run's config gives the network the same kind of conditioning in training and in measurement.

    Raises:
      UserError: it does not.
    """
    if not model.conditioning_of_photograph:
        return
    found = {"task.noise.kind": config.task.noise.kind, "inference.picture": config.inference.picture}
    for (key, value), needed in zip(found.items(), ("none", "whole"), strict=True):
        if value != needed:
            raise UserError(
                f"config.{key}={value}: config.model.embedding_of=photograph trains with embeddings of whole pictures "
                f"without noise and needs {needed}"
            )


def conditioning_of_training(config: ConfigDict, model: nn.Module, frozen: FrozenWeights, task: Task, data: ModuleType):
    """Return the function `conditioning` for `make_step`, and its resident data.

    Args:
      config: the run's config.
      model: the run's network.
      frozen: the network's frozen weights.
      task: the run's task.
      data: the `datasets` package; it provides the training photographs if their conditionings are kept.
    """
    if not model.conditioning_of_photograph:
        return conditioning_in_step(model), frozen.variables
    photographs = data.photographs(config.data, "train")
    with processes.first_then_rest():  # the others then find them on the disk
        return conditioning_by_photograph, conditionings_of_photographs(
            model, frozen, task, photographs, config.inference.patch_size
        )


def conditioning_in_step(model: nn.Module):
    """Return `(batch, frozen variables, inputs) -> conditioning` for `make_step`; it computes it in each step."""

    def conditioning(batch: Mapping[str, jax.Array], variables: Any, inputs: jax.Array) -> dict[str, jax.Array]:
        del batch
        return model.conditioning(variables, inputs)

    return conditioning


def conditioning_by_photograph(batch: Mapping[str, jax.Array], kept: Mapping[str, jax.Array], inputs: jax.Array):
    """Return the kept conditioning of each example's photograph; for `make_step`.

    Args:
      batch: its 'photograph' has the index of each example's photograph, [b].
      kept: arrays [photographs, ...] by name.
      inputs: not used.

    Returns:
      arrays [b, ...] by name.
    """
    del inputs
    return {name: values[batch["photograph"]] for name, values in kept.items()}


def conditionings_of_photographs(
    model: nn.Module, frozen: FrozenWeights, task: Task, photographs: Sequence[Photograph], size: int
) -> Conditioning:
    """Return the conditioning of each whole photograph, from the disk or newly computed.

    It is the conditioning of the photograph without noise, fitted into a square as `NetworkMethod` does for
    `picture='whole'`. Conditionings that were computed before an exception, including an `Interrupted`, are kept.

    Args:
      model: a network with a conditioning.
      frozen: its frozen weights.
      task: makes the network's inputs from an image.
      photographs: in the order of their numbers in batches. Each is decoded once, because its content is the key under
        which its conditioning is kept.
      size: side of the square in pixels.

    Returns:
      arrays [photographs, ...] by name.
    """
    path = _path(model, frozen, task, size)
    kept = _read(path)
    apply = jax.jit(lambda variables, inputs: model.conditioning(variables, inputs))

    def compute(squares: dict[str, np.ndarray]) -> None:
        filling = [(0, _BATCH - len(squares)), (0, 0), (0, 0), (0, 0)]  # so that one shape is compiled
        values = jax.device_get(apply(frozen.variables, np.pad(np.stack(list(squares.values())), filling)))
        for i, content in enumerate(squares):
            kept[content] = {name: value[i] for name, value in values.items()}

    hashes, waiting, saved = [], {}, len(kept)
    try:
        hidden = None if processes.is_first() else True
        for photograph in tqdm(photographs, desc="contexts", unit="photograph", disable=hidden, leave=False):
            content = content_hash(photograph.picture)
            hashes.append(content)
            if content in kept or content in waiting:
                continue
            picture = photograph.picture.astype(np.float32) / np.float32(255)
            waiting[content] = letterbox(map_pixels(task.inputs_without_noise, picture), size).square
            if len(waiting) == _BATCH:
                compute(waiting)
                waiting = {}
            if len(kept) - saved >= _SAVE_EVERY:
                _write(path, kept)
                saved = len(kept)
        if waiting:
            compute(waiting)
    finally:
        if len(kept) > saved:
            _write(path, kept)
    return {name: np.stack([kept[content][name] for content in hashes]) for name in kept[hashes[0]]}


def _path(model: nn.Module, frozen: FrozenWeights, task: Task, size: int) -> Path:
    about = json.dumps([_VERSION, model.conditioning_key, frozen.fingerprint, task.name, size])
    return cache_directory() / "contexts" / f"{hashlib.sha256(about.encode()).hexdigest()[:16]}.safetensors"


def _read(path: Path) -> dict[str, Conditioning]:
    """Return the kept conditionings by content hash; {} if the file is missing or damaged."""
    if not path.is_file():
        return {}
    try:
        arrays = load_file(path)
        hashes = arrays.pop("content_hash")
    except (OSError, SafetensorError, KeyError):
        return {}
    return {
        bytes(content).hex(): {name: values[i] for name, values in arrays.items()} for i, content in enumerate(hashes)
    }


def _write(path: Path, kept: dict[str, Conditioning]) -> None:
    kept = _read(path) | kept  # another run may have written in the meantime
    arrays = {
        name: np.stack([conditioning[name] for conditioning in kept.values()]) for name in next(iter(kept.values()))
    }
    arrays["content_hash"] = np.array([list(bytes.fromhex(content)) for content in kept], np.uint8)
    save_arrays(path, arrays)
