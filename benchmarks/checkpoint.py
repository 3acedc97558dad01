"""What a checkpoint costs the training loop, for the U-Net of 7.8 million parameters with Adam and for a small one.

    python benchmarks/checkpoint.py

`colorjax.training.loop.train` itself runs, on made-up pictures and without validation, and writes a checkpoint every
so many steps. The first half of them after a checkpoint has all that it costs: the copy from the device, the checks,
the checksum, what orbax does before it returns, and its threads that write while the next steps run. The second half
has nothing of it. The cost is the median of the differences between two halves that follow each other, so that a busy
machine slows both, and the aim is held against 500 steps of the second halves. `save` is the part of it in which the
loop stands still, but for the copy; `CPU` is the processor time of all of it, which says more on a busy machine.

On 2 CPU cores (AMD EPYC, jax 0.10.2) that others used too: 148 ms for a state of 1.4 MB (steps of 46 ms, 0.64% at every
500) and 408 ms for one of 93 MB (steps of 135 ms, 0.61%). By itself the large one takes 0.28 s of processor time: 20 ms
the checksum, 6 ms the check that all is finite, 13 ms the copy, 27 ms orbax before it returns, and 215 ms its writing,
beside the steps.
"""

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("JAX_PLATFORMS", "cpu")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import jax  # noqa: E402
import numpy as np  # noqa: E402

from colorjax.config.defaults import run_config  # noqa: E402
from colorjax.config.tables import model_config  # noqa: E402
from colorjax.training import loop  # noqa: E402
from colorjax.training.checkpoints import Checkpoints  # noqa: E402

EVERY, AIM = 500, 2.0  # steps; per cent
# name -> (model, pictures of a batch, their side, steps of a half: longer than the writing takes)
CASES = {
    "small": ({"width": 16, "depth": 2}, 4, 64, 40),
    "large": ({"width": 32, "depth": 4}, 2, 64, 20),
}


class Pictures:
    """The same batch for every step; notes when the loop begins each of its steps."""

    resident = None

    def __init__(self, begins, batch, steps):
        self._begins, self._batch, self._steps = begins, batch, steps

    def __iter__(self):
        for _ in range(self._steps):
            self._begins.append((time.perf_counter(), time.process_time()))
            yield self._batch

    def clean(self, batch, resident):
        """Return the pictures of a batch."""
        return batch["picture"]


class TimedCheckpoints(Checkpoints):
    """Notes how long each `save` holds the loop up, and the bytes of the state."""

    seconds, size = [], 0

    def save(self, step, state):
        """See `Checkpoints`."""
        begin = time.perf_counter()
        super().save(step, state)
        TimedCheckpoints.seconds.append(time.perf_counter() - begin)
        TimedCheckpoints.size = sum(leaf.nbytes for leaf in jax.tree.leaves(state))


def run(model, batch_size, side, half, rounds):
    """Train, and return the seconds of a step, and of a checkpoint: of the clock, in `save`, of the processor."""
    config = run_config()
    config.model = model_config("unet", **model)
    config.task.noise = {"kind": "gaussian", "level": (0.05, 0.05)}
    config.data.patches_per_epoch = batch_size * 2 * half
    config.training.batch_size = batch_size
    config.training.epochs = rounds + 2  # the first checkpoint comes after one epoch; the last has nothing after it
    config.training.checkpoint_every = 2 * half
    picture = np.random.default_rng(0).uniform(size=(batch_size, side, side, 3)).astype(np.float32)
    batch = {"index": np.arange(batch_size, dtype=np.uint32), "picture": picture}
    begins = []

    def patches(config, seed, batch_size, start_step, steps, process_index, process_count):
        return Pictures(begins, batch, steps)

    TimedCheckpoints.seconds = []
    with tempfile.TemporaryDirectory() as workdir:
        loop.train(config, Path(workdir), SimpleNamespace(patches=patches), devices=jax.local_devices()[:1])
    # Two batches are on their way to the device ahead of the first step, which begins without a new one.
    begins = np.array(begins[1:])  # [k]: of step k, from 0 on
    saved = 2 * half - 1 + 2 * half * np.arange(rounds)
    first, second = (begins[at + half] - begins[at] for at in (saved, saved + half))  # [rounds, 2]
    seconds, processor = np.median(first - second, axis=0)
    waits = statistics.median(TimedCheckpoints.seconds[1 : rounds + 1])
    return np.median(second[:, 0]) / half, seconds, waits, processor


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="checkpoints that are timed")
    options = parser.parse_args()
    loop.Checkpoints = TimedCheckpoints
    logging.getLogger("absl").setLevel(logging.ERROR)
    print(f"{'':8}{'state':>10}{'step':>11}{'checkpoint':>13}{'save':>11}{'CPU':>11}{f'at every {EVERY} steps':>22}")
    for name, case in CASES.items():
        step, *costs = run(*case, options.rounds)
        print(f"{name:8}{TimedCheckpoints.size / 1e6:7.1f} MB{1000 * step:8.1f} ms", end="  ")
        print("".join(f"{1000 * cost:8.1f} ms" for cost in costs), end="")
        print(f"{100 * costs[0] / (EVERY * step):21.2f}%", flush=True)
    print(f"aim: below {AIM}%")


if __name__ == "__main__":
    main()
