"""Weak scaling of the training step on simulated CPU devices: as much work for each of them, and more of them.

    python benchmarks/weak_scaling.py [--devices 2 4 8] [--batch 1] [--size 128] [--rounds 7]

The U-Net of 7.8 million parameters with Adam, mapped as `colorjax.training.loop` maps it, with `--batch` pictures for
each device. N devices on the same few cores take N times as long whatever one does, so what counts is what they take
beyond the work itself, which is measured in two ways:

- alone: the same N devices and the same step, but no device waits for another: the mean over them is left out, and
  each goes on by its own gradient. The rest is what exchanging gradients costs. This is the peer of the ratios.
- one device: one that takes the whole batch, on all cores by itself. It updates one copy of the weights and not N,
  but it also has to share each operation among the cores.

"2 processes" have N / 2 of the devices each and meet over gloo, as on two nodes but through the loopback interface.

XLA has as many threads as devices, so each N has processes of its own. They take turns, a step each, and wait for
their next turn without using a core; ratios are medians of those within a round. `CPU` is the processor time of all
processes of a side, and its ratio says more on a busy machine.

On 2 CPU cores (AMD EPYC, jax 0.10.2) that others used too, beyond the work alone in processor time: 2 to 18% for 1
process with 2, 4 or 8 devices, and no trend with their number; 33 to 51% for 2 processes, 0.2 to 0.9 s a step. The
latter hardly depends on the work: with 32x32 pixels it is 0.26 s for 2 devices, and 0.23 s with 128x128. It comes with
the 31 MB of gradients of each device. One device with the whole batch takes 12 to 24% less than the work alone.
"""

import argparse
import multiprocessing
import os
import socket
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

MODEL = {"name": "unet", "width": 32, "depth": 4}
TASK = {"name": "denoise", "loss": "squared_error", "noise": {"kind": "gaussian", "level": (0.05, 0.05)}}


def serve(connection, devices, place, batch, size):
    """Answer each question, which kind of step to take, with its seconds of the clock and of the processor.

    Args:
      connection: the other end; a None ends it.
      devices: of this process.
      place: of this process among others, as `colorjax.processes.together` wants it; {} for one alone.
      batch: pictures of a batch, for the devices of this process.
      size: pixels on a side.
    """
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # gloo says there who met whom
    from colorjax import processes

    with processes.together("weak_scaling.py", **place):
        steps = {}
        while kind := connection.recv():
            if kind not in steps:
                steps[kind] = stepper(kind, batch, size)
            begin, begin_cpu = time.perf_counter(), time.process_time()
            steps[kind]()
            connection.send((time.perf_counter() - begin, time.process_time() - begin_cpu))


def stepper(kind, batch, size):
    """Return a function that takes a step and waits for it; `kind` is 'together' or 'alone'."""
    import jax

    from colorjax.config.defaults import run_config
    from colorjax.models import build_model
    from colorjax.objectives import Supervised
    from colorjax.tasks import build_task
    from colorjax.training import parallel
    from colorjax.training.optimizer import build_optimizer
    from colorjax.training.state import create_state
    from colorjax.training.step import make_step

    devices = jax.devices()
    task = build_task(TASK)
    model = build_model(MODEL, task.output_channels, parallel.AXIS)
    optimizer, schedule = build_optimizer(run_config().optimizer, 1000)
    parts = Supervised(model, task), optimizer, schedule, lambda batch, _: batch["picture"], 0, 0.0
    if kind == "alone":
        # Not by `parallel.map_step`, in which the devices exchange requests to stop.
        step = jax.pmap(make_step(*parts), axis_name=parallel.AXIS, devices=devices, donate_argnums=0)
    else:
        step = parallel.map_step(make_step(*parts, parallel.mean), devices)
    shapes = jax.eval_shape(lambda: create_state(0, Supervised(model, task), optimizer, averaged=False))
    # Any weights do, and these need no compiling; those of a new network would.
    state = jax.tree.map(lambda leaf: np.full(leaf.shape, 0.01, leaf.dtype), shapes)
    state = parallel.replicate(state, devices)
    picture = np.random.default_rng(0).uniform(size=(batch, size, size, 3)).astype(np.float32)
    pictures = {"index": np.arange(batch, dtype=np.uint32), "picture": picture}
    pictures = next(parallel.prefetch(iter([pictures]), devices))

    def take():
        nonlocal state
        state, metrics = step(state, pictures, None)
        jax.block_until_ready((state, metrics))

    return take


class Side:
    """One or several processes that take a step in common.

    Args:
      processes: how many.
      devices: of all of them together.
      batch: pictures of a batch, for all of them together.
      size: pixels on a side.
    """

    def __init__(self, processes, devices, batch, size):
        spawn = multiprocessing.get_context("spawn")
        port = free_port()
        self._connections = []
        self._processes = []
        for k in range(processes):
            place = {"coordinator": f"localhost:{port}", "processes": processes, "process": k} if processes > 1 else {}
            ours, theirs = spawn.Pipe()
            setting = (theirs, devices // processes, place, batch // processes, size)
            process = spawn.Process(target=serve, args=setting, daemon=True)
            process.start()
            theirs.close()  # so that recv tells when the process has ended
            self._connections.append(ours)
            self._processes.append(process)

    def ask(self, kind):
        """Have a step taken; several that are asked for are taken one after the other."""
        for connection in self._connections:
            connection.send(kind)

    def answer(self):
        """Return the seconds of the earliest step not yet answered for: of the clock, and of all processors."""
        answers = [connection.recv() for connection in self._connections]
        return max(clock for clock, _ in answers), sum(processor for _, processor in answers)

    def end(self):
        """End the processes."""
        for connection in self._connections:
            connection.send(None)
        for process in self._processes:
            process.join()


def free_port():
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


def measure(devices, options):
    """Return, for each side, its [rounds, 2] seconds of a step: of the clock, and of all processors."""
    batch = devices * options.batch
    one, several = Side(1, 1, batch, options.size), Side(1, devices, batch, options.size)
    two = Side(2, devices, batch, options.size)
    turns = {
        "alone": (several, "alone"),
        "1 process": (several, "together"),
        "2 processes": (two, "together"),
        "one device": (one, "together"),
    }
    for side, kind in turns.values():  # compiling, all at the same time
        side.ask(kind)
    for side, _ in turns.values():
        side.answer()
    times = {name: [] for name in turns}
    for k in range(options.rounds):
        # Nobody always comes after the same one.
        for name in sorted(turns, reverse=k % 2 == 1):
            side, kind = turns[name]
            side.ask(kind)
            times[name].append(side.answer())
    for side in (one, several, two):
        side.end()
    return {name: np.array(of_side) for name, of_side in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, nargs="+", default=[2, 4, 8], help="even numbers")
    parser.add_argument("--batch", type=int, default=1, help="pictures for each device")
    parser.add_argument("--size", type=int, default=128, help="pixels on a side")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(f"U-Net of width 32 and depth 4, {options.batch}x{options.size}x{options.size} for each device, ", end="")
    print(f"{len(os.sched_getaffinity(0))} cores, medians of {options.rounds} rounds")
    print(f"{'devices':9}{'':13}{'step':>9}{'beyond the work alone':>26}{'CPU':>11}{'beyond alone':>15}")
    for devices in options.devices:
        times = measure(devices, options)
        work = times["alone"]
        for name, of_side in times.items():
            clock, processor = 1000 * np.median(of_side, axis=0)
            row = f"{devices:<9}{name:13}{clock:6.0f} ms"
            if name == "alone":
                row += f"{'':26}{processor:8.0f} ms"
            else:
                more, more_processor = 100 * (np.median(of_side / work, axis=0) - 1)
                milliseconds = 1000 * statistics.median((of_side - work)[:, 0])
                row += f"{milliseconds:14.0f} ms{more:8.1f}%{processor:8.0f} ms{more_processor:14.1f}%"
            print(row, flush=True)


if __name__ == "__main__":
    main()
