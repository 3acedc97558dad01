"""What mapping the training step over one device with `jax.pmap` costs, against a plain `jax.jit` of the same step.

    python benchmarks/pmap_overhead.py [--size 64] [--batch 4] [--width 16] [--depth 2] [--rounds 20]

The step is the whole one (noise on the device, forward, gradient, clipping, Adam, moving average of the weights) of a
denoising U-Net. Both sides donate their state and run in turn, some steps at a time, so that a busy machine slows both;
the host waits for the device after these steps, as training does not wait after each. The table has the median time of
a step over the rounds, and the median of the rounds' ratios; compiling is told apart. At the end both sides must have
the same loss. Aim: less than 2% more.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from colorjax.config.defaults import run_config  # noqa: E402
from colorjax.models import build_model  # noqa: E402
from colorjax.objectives import Supervised  # noqa: E402
from colorjax.tasks import build_task  # noqa: E402
from colorjax.training import parallel  # noqa: E402
from colorjax.training.optimizer import build_optimizer  # noqa: E402
from colorjax.training.state import create_state  # noqa: E402
from colorjax.training.step import make_step  # noqa: E402

AVERAGE = 0.999
TARGET = 1.02


def parts(options, axis_name):
    task = build_task(
        {"name": "denoise", "loss": "squared_error", "noise": {"kind": "gaussian", "level": (0.05, 0.05)}}
    )
    model = {"name": "unet", "width": options.width, "depth": options.depth, "dtype": options.dtype}
    settings = run_config().optimizer
    settings.update({"learning_rate": 1e-4, "schedule": "cosine", "warmup_steps": 10, "clip_norm": 1.0})
    optimizer, schedule = build_optimizer(settings, 10_000)
    return task, build_model(model, task.output_channels, axis_name), optimizer, schedule


def plain(options, batch):
    """Return a function that takes a step and returns its metrics, with nothing but jit."""
    task, model, optimizer, schedule = parts(options, axis_name=None)
    step = make_step(Supervised(model, task), optimizer, schedule, clean, 0, AVERAGE)
    step = jax.jit(step, donate_argnums=0)
    state = jax.device_put(create_state(0, Supervised(model, task), optimizer, averaged=True))
    batch = jax.device_put(batch)

    def take():
        nonlocal state
        state, metrics = step(state, batch, None)
        return metrics

    return take


def mapped(options, batch):
    """Return the same, the way training does it."""
    devices = jax.local_devices()[:1]
    task, model, optimizer, schedule = parts(options, parallel.AXIS)
    step = make_step(Supervised(model, task), optimizer, schedule, clean, 0, AVERAGE, parallel.mean)
    step = parallel.map_step(step, devices)
    state = parallel.replicate(create_state(0, Supervised(model, task), optimizer, averaged=True), devices)
    batch = next(parallel.prefetch(iter([batch]), devices))

    def take():
        nonlocal state
        state, metrics = step(state, batch, None)
        return metrics

    return take


def clean(batch, resident):
    return batch["picture"]


def timed(take, steps):
    begin = time.perf_counter()
    for _ in range(steps):
        metrics = take()
    jax.block_until_ready(metrics)
    return (time.perf_counter() - begin) / steps


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64, help="pixels on a side")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=5, help="steps of each side in a round")
    options = parser.parse_args()

    picture = np.random.default_rng(0).uniform(size=(options.batch, options.size, options.size, 3))
    batch = {"index": np.arange(options.batch, dtype=np.uint32), "picture": picture.astype(np.float32)}
    sides = {"jit": plain(options, batch), "pmap": mapped(options, batch)}
    first = {name: timed(take, 1) for name, take in sides.items()}
    times = {name: [] for name in sides}
    for k in range(options.rounds):
        # Neither side always goes first.
        for name in sorted(sides, reverse=k % 2 == 1):
            times[name].append(timed(sides[name], options.steps))
    ratio = statistics.median(b / a for a, b in zip(times["jit"], times["pmap"], strict=True))
    losses = [float(np.squeeze(take()["loss"])) for take in sides.values()]

    device = jax.local_devices()[0]
    print(f"U-Net, width {options.width}, depth {options.depth}, {options.dtype}, ", end="")
    print(f"{options.batch} x {options.size} x {options.size}, {device.device_kind}")
    print(f"{'':6}{'ms a step':>12}{'compiling, s':>14}")
    for name in sides:
        print(f"{name:6}{1000 * statistics.median(times[name]):12.3f}{first[name]:14.1f}")
    print(f"pmap / jit {ratio:.4f} (aim: below {TARGET}); losses differ by {abs(losses[0] - losses[1]):.1e}")


if __name__ == "__main__":
    main()
