"""Patches for training: batches of crops, from worker processes or from photographs on the device.

The entry point is `datasets.patches(config.data, ...)`. Patch j is a pure function of (seed, j), see `sampling.py`. A
batch is a range of indices, of which each process reads its own rows. So a patch does not depend on the batch size, the
number of workers or processes, or the step at which a run was resumed.

A batch is a dict of NumPy arrays with a common leading axis `b`, the number of this process's rows:

    'index'       uint32 [b]             the global index j
    'photograph'  int32 [b]              index of the photograph among those chosen by config.data.photographs
    'class'       float32 [b, classes]   1 at the photograph's class, 0 elsewhere; only if the data set has classes
    'picture'     uint8 [b, P, P, 3]     placement 'host' only
    'matrix'      float32 [b, 2, 3]      placement 'device' only (see resident.py)
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
from datasets.resident import ResidentPatches, one_hot
from datasets.sampling import Draws

Batch = dict[str, np.ndarray]

# Decoded photographs kept by all workers of a process together. A small data set is decoded only once. Of a large one,
# this much needs no decoding in later passes.
CACHE_BYTES = 2**30


class PatchStream(Protocol):
    """The interface of the data for training."""

    #: None, or arrays to put on every device before the first batch.
    resident: Any

    def __iter__(self) -> Iterator[Batch]:
        """Yield this process's rows of each batch, from the first step on. Closing the iterator ends the workers."""

    def clean(self, batch: Mapping[str, jax.Array], resident: Any) -> jax.Array:
        """Return the clean images of a batch, float32 [b, P, P, 3] in [0, 1]; a pure function for use inside jit."""


def stream(photographs: Sequence[Photograph], config: Mapping, seed: int, rows: Rows, classes: int = 0) -> PatchStream:
    """Return a stream of patches cut from a sequence of photographs.

    Args:
      photographs: the training photographs of `config`, in order.
      config: `config.data`.
      seed: of the run.
      rows: which batches to yield, and which rows of each.
      classes: number of the data set's classes; 0 leaves them out of the batches.

    Raises:
      UserError: a key of the config is impossible, or there is no photograph.
    """
    several = isinstance(photographs, Joined) and "+" in config.name
    sizes = photographs.sizes if several else (len(photographs),)
    draws = Draws.from_config(config, seed, sizes)
    if config.workers < 0:
        raise UserError(f"config.data.workers must be 0 (no worker processes) or more, not {config.workers}")
    if not len(photographs):
        raise UserError(f"config.data.name {config.name!r} has no training photographs to cut patches from")
    if config.placement == "host":
        return HostPatches(photographs, draws, rows, config.workers, classes)
    if config.placement == "device":
        return ResidentPatches(photographs, draws, rows, classes)
    raise UserError(
        f"config.data.placement {config.placement!r} is unknown; {nearest(config.placement, ['host', 'device'])}"
    )


class HostPatches:
    """A `PatchStream` that reads and crops on the host, in worker processes or, if `workers` is 0, in this one.

    Args:
      photographs: to cut patches from.
      draws: the rule by which patches are drawn.
      rows: which batches to yield, and which rows of each.
      workers: number of worker processes.
      classes: number of the data set's classes; 0 leaves them out of the batches.
    """

    resident = None

    def __init__(self, photographs: Sequence[Photograph], draws: Draws, rows: Rows, workers: int, classes: int):
        kept = KeptPhotographs(photographs, CACHE_BYTES // max(workers, 1))
        self._source = CropSource(kept, draws, rows, classes)
        self._workers = workers

    def __iter__(self) -> Iterator[Batch]:
        return batches(self._source, self._workers)

    def clean(self, batch: Mapping[str, jax.Array], resident: None) -> jax.Array:
        """See PatchStream."""
        return batch["picture"].astype(jnp.float32) / 255


class KeptPhotographs:
    """A sequence of photographs that keeps the first ones read in decoded form, up to `limit` bytes.

    A kept photograph is never replaced by a newer one. A pass visits every photograph once, so the one used last is
    needed again last. With the usual rule (drop the least recently used), a cache smaller than the data set would never
    have the photograph that is needed. There is no lock, since only one thread reads in each process.
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
    """Random access to the patches of this process: item k is the k-th patch that the process reads."""

    photographs: Sequence[Photograph]
    draws: Draws
    rows: Rows
    classes: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> dict[str, Any]:
        index = self.rows[position]
        number = self.draws.photograph(index, len(self.photographs))
        try:
            _, picture, label = self.photographs[number]
        except Exception as error:
            # As an error of one line that can be sent from a worker process to its parent.
            raise UserError(
                f"training photograph {number} (for patch {index}) can't be read: {type(error).__name__}: {error}"
            ) from error
        matrix, samples = self.draws.crop(index, *picture.shape[:2]), self.draws.samples(*picture.shape[:2])
        patch = {
            "index": np.uint32(index),
            "photograph": np.int32(number),
            "picture": warp_on_host(picture, matrix, self.draws.patch_size, samples),
        }
        return patch | ({"class": one_hot(label, self.classes)} if self.classes else {})
