"""Batches out of a source with random access, through grain and its worker processes."""

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

# Batches that each worker holds ready, beside the one that it works on.
READY_BATCHES = 2


@dataclasses.dataclass(frozen=True)
class Rows:
    """The global indices that one process reads, in its order: its rows of every batch."""

    batch_size: int
    start_step: int
    steps: int
    first_row: int
    rows_per_batch: int

    @classmethod
    def of(cls, batch_size: int, start_step: int, steps: int, process_index: int = 0, process_count: int = 1):
        """Give process p of n the rows [p * b / n, (p + 1) * b / n) of each batch of b."""
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
        source: Picklable; item k is a dict of arrays or scalars of the same shapes for all k.
        workers: Worker processes, each of which makes every n-th batch; with 0 a thread of this process does.

    Raises:
        ColorjaxError: If a worker process died.
    """
    if not len(source):
        return
    if workers and not flags.FLAGS.is_parsed():
        # grain hands its absl flags on to its workers, and refuses to where a program doesn't use absl's.
        flags.FLAGS.mark_as_parsed()
    data = (
        grain.MapDataset.source(source)
        .batch(source.rows.rows_per_batch)
        # One thread: with more, they would wait for each other's Python, and a batch's memory times as many.
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
    """Start the process that Python keeps for its workers' shared memory so that a cluster's warning can't end it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2})  # which a child inherits
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(worker: int, workers: int) -> None:
    """Set up a worker process."""
    # Each worker has a core to itself at best.
    cv2.setNumThreads(0)
    # glibc's malloc gives large blocks back to the system, so that each decoded photograph costs 250 page faults,
    # until one as large was freed once (mallopt(3), M_MMAP_THRESHOLD; at most 32 MiB). This frees one.
    np.empty(31 * 2**20, np.uint8)
    # Ctrl-C and a cluster's signals reach all processes of a run. The parent answers them with a checkpoint, for
    # which it finishes a step; the workers end when it closes them, or dies.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent is gone: a killed parent can't close its workers."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
