"""Batches from a source with random access, made by grain and its worker processes."""

import dataclasses
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import Any

import cv2
import grain
import numpy as np
from absl import flags

from colorjax.errors import ColorjaxError, UserError

# Batches that each worker keeps ready, in addition to the one that it works on.
READY_BATCHES = 2


@dataclasses.dataclass(frozen=True)
class Rows:
    """The global indices of the patches that one process reads, in order: its rows of every batch.

    Attributes:
      batch_size: rows of a batch, over all processes together.
      start_step: the first batch.
      steps: number of batches.
      first_row: this process's first row in each batch.
      rows_per_batch: number of this process's rows in each batch.
    """

    batch_size: int
    start_step: int
    steps: int
    first_row: int
    rows_per_batch: int

    @classmethod
    def of(cls, batch_size: int, start_step: int, steps: int, process_index: int = 0, process_count: int = 1):
        """Return the rows of process p of n: [p * b / n, (p + 1) * b / n) of each batch of b.

        Args:
          batch_size: rows of a batch, over all processes together.
          start_step: the first batch.
          steps: number of batches.
          process_index: of this process.
          process_count: number of processes.

        Raises:
          UserError: the batch can't be divided equally.
        """
        if batch_size < 1 or batch_size % process_count:
            raise UserError(
                f"config.training.batch_size {batch_size} can't be shared equally by {process_count} processes"
            )
        share = batch_size // process_count
        return cls(batch_size, start_step, steps, process_index * share, share)

    def __len__(self) -> int:
        return self.steps * self.rows_per_batch

    def __getitem__(self, position: int) -> int:
        step, row = divmod(position, self.rows_per_batch)
        return (self.start_step + step) * self.batch_size + self.first_row + row


def batches(source: Any, workers: int) -> Iterator[dict[str, np.ndarray]]:
    """Yield the items of `source` (with `rows`, `__len__` and `__getitem__`) as batches, in order.

    Args:
      source: picklable; item k is a dict of arrays or scalars with the same shapes for all k.
      workers: number n of worker processes, each of which makes every n-th batch; 0 for a thread of this process.

    Raises:
      ColorjaxError: a worker process died.
    """
    if not len(source):
        return
    if workers and not flags.FLAGS.is_parsed():
        # grain passes its absl flags on to its workers, and fails in a program that has not parsed absl's flags.
        flags.FLAGS.mark_as_parsed()
    data = (
        grain.MapDataset.source(source)
        .batch(source.rows.rows_per_batch)
        # One thread: several would wait for each other (Python's lock), and each would need a batch's memory.
        .to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=READY_BATCHES))
    )
    if workers:
        _start_resource_tracker()
        options = grain.multiprocessing.MultiprocessingOptions(workers, per_worker_buffer_size=READY_BATCHES)
        data = data.mp_prefetch(options, worker_init_fn=_begin_worker)
    iterator = iter(data)
    try:
        yield from iterator
    except RuntimeError as error:
        if "terminated unexpectedly" not in str(error):
            raise
        raise ColorjaxError(
            f"a worker process of the input pipeline died ({error}); if memory ran out, lower config.data.workers"
        ) from error
    finally:
        iterator.close()


def _start_resource_tracker() -> None:
    """Start Python's process that tracks shared memory, with a cluster's warning signals blocked: they would end it.

    It tidies up what is left at the end, the last batches, which jax holds until then; it need not warn of them.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2})  # a child inherits the mask
    chosen = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [chosen, "ignore:resource_tracker"]))
    try:
        resource_tracker.ensure_running()
    finally:
        if chosen is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = chosen
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(worker: int, workers: int) -> None:
    """Set up a worker process."""
    # No threads of OpenCV: a worker has at most one core to itself.
    cv2.setNumThreads(0)
    # glibc's malloc returns large blocks to the system, so that each decoded photograph costs 250 page faults. It stops
    # doing so for blocks up to a size that was freed once (mallopt(3), M_MMAP_THRESHOLD; at most 32 MiB). This line
    # frees such a block.
    np.empty(31 * 2**20, np.uint8)
    # Ctrl-C and a cluster's signals reach all processes of a run. The parent then finishes its step and writes a
    # checkpoint, for which it may need the workers. They end when the parent closes them or dies.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent ends, since a killed parent can't close its workers."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
