"""Patches for training: batches of crops, from worker processes or from photographs that the device holds.

`datasets.patches(config.data, ...)` is the one way in. Patch j is a pure function of (seed, j), see `sampling.py`; a
batch is a range of indices, and a process reads its own rows of it. So neither the batch size, nor the number of
workers or processes, nor where a run was resumed changes a patch.

Batches are dicts of NumPy arrays that share a leading axis `b`, this process's rows of a batch:

    'index'       uint32 [b]             the global index j
    'photograph'  int32 [b]              which training photograph, of those that config.data.photographs leaves
    'class'       int32 [b]              of the photograph, -1 for none; where the data set has classes
    'picture'     uint8 [b, P, P, 3]     placement 'host'
    'matrix'      float32 [b, 2, 3]      placement 'device' (see resident.py)
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from colorjax.errors import UserError, nearest
from colorjax.pictures.images import Photograph
from datasets.batching import Rows, batches
from datasets.concatenated import Joined
from datasets.crops import warp_on_host
from datasets.resident import ResidentPatches
from datasets.sampling import Draws

Batch = dict[str, np.ndarray]

# For all workers of a process together. A small data set is then decoded once; of a large one, each pass finds
# this much decoded.
CACHE_BYTES = 2**30


class PatchStream(Protocol):
    """What training needs to know of the data."""

    #: None, or arrays that every device needs once, before the first batch.
    resident: Any

    def __iter__(self) -> Iterator[Batch]:
        """Yield this process's share of each batch, from the first step on; closing it ends the workers."""

    def clean(self, batch: Mapping[str, jax.Array], resident: Any) -> jax.Array:
        """Return the pictures of a batch, float32 [b, P, P, 3] in [0, 1]; pure, for use inside jit."""


def stream(
    photographs: Sequence[Photograph], config: Mapping, seed: int, rows: Rows, with_classes: bool = False
) -> PatchStream:
    """Return a stream of patches cut from a sequence of photographs.

    Args:
      photographs: the training photographs of `config`, in their order.
      config: `config.data`.
      seed: of the run.
      rows: of which batches, and which rows of each.
      with_classes: whether batches have the photographs' classes.

    Raises:
      UserError: a key of the config is impossible or there is no photograph.
    """
    several = isinstance(photographs, Joined) and "+" in config.name
    sizes = photographs.sizes if several else (len(photographs),)
    draws = Draws.from_config(config, seed, sizes)
    if config.workers < 0:
        raise UserError(f"config.data.workers must be 0 (no worker processes) or more, not {config.workers}")
    if not len(photographs):
        raise UserError(f"config.data.name {config.name!r} has no training photographs to cut patches from")
    if config.placement == "host":
        return HostPatches(photographs, draws, rows, config.workers, with_classes)
    if config.placement == "device":
        return ResidentPatches(photographs, draws, rows, with_classes)
    raise UserError(
        f"config.data.placement {config.placement!r} is unknown; {nearest(config.placement, ['host', 'device'])}"
    )


class HostPatches:
    """Photographs are read and cropped on the host, by worker processes or (workers = 0) in this one."""

    resident = None

    def __init__(self, photographs: Sequence[Photograph], draws: Draws, rows: Rows, workers: int, with_classes: bool):
        kept = KeptPhotographs(photographs, CACHE_BYTES // max(workers, 1))
        self._source = CropSource(kept, draws, rows, with_classes)
        self._workers = workers

    def __iter__(self) -> Iterator[Batch]:
        return batches(self._source, self._workers)

    def clean(self, batch: Mapping[str, jax.Array], resident: None) -> jax.Array:
        """See PatchStream."""
        return batch["picture"].astype(jnp.float32) / 255


class KeptPhotographs:
    """A sequence of photographs that keeps those first read, decoded, up to a number of bytes.

    Nothing is ever put out for something newer: a pass visits every photograph once, so the one used last is the one
    needed last, and the usual rule (drop the least recently used) would never find anything once the data set is
    larger than the cache. Not guarded by a lock, since one thread reads in each process.
    """

    def __init__(self, photographs: Sequence[Photograph], limit: int):
        self._photographs = photographs
        self._free = limit
        self._kept: dict[int, Photograph] = {}

    def __len__(self) -> int:
        return len(self._photographs)

    def __getitem__(self, index: int) -> Photograph:
        if index in self._kept:
            return self._kept[index]
        photograph = self._photographs[index]
        if photograph.picture.nbytes <= self._free:
            self._kept[index] = photograph
            self._free -= photograph.picture.nbytes
        return photograph


@dataclasses.dataclass(frozen=True)
class CropSource:
    """Random access to the patches of this process: item k is the k-th patch that it reads."""

    photographs: Sequence[Photograph]
    draws: Draws
    rows: Rows
    with_classes: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> dict[str, Any]:
        index = self.rows[position]
        number = self.draws.photograph(index, len(self.photographs))
        try:
            _, picture, label = self.photographs[number]
        except Exception as error:
            # As one line, and as something that can be sent from a worker process to its parent.
            raise UserError(
                f"training photograph {number} (for patch {index}) can't be read: {type(error).__name__}: {error}"
            ) from error
        matrix, samples = self.draws.crop(index, *picture.shape[:2]), self.draws.samples(*picture.shape[:2])
        patch = {
            "index": np.uint32(index),
            "photograph": np.int32(number),
            "picture": warp_on_host(picture, matrix, self.draws.patch_size, samples),
        }
        return patch | ({"class": np.int32(label)} if self.with_classes else {})
