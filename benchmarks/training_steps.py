"""Training steps that take turns, for benchmarks that compare what two of them cost; random images on the device."""

import argparse
import time
from collections.abc import Callable, Mapping

import jax
import numpy as np
from optax import GradientTransformation

from colorjax.objectives import Objective
from colorjax.training.state import create_state
from colorjax.training.step import Step


def parse_arguments(description: str) -> argparse.Namespace:
    """Return the command line's options: rounds, and the network's and the batch's sizes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=96, help="pixels on a side")
    return parser.parse_args()


def timed(
    step: Step, objective: Objective, optimizer: GradientTransformation, batch: int, size: int, averaged: bool = True
) -> Callable[[], float]:
    """Return a function that takes a step and returns its seconds; the first call compiles.

    `averaged` says whether the step keeps an average of the weights.
    """
    step = jax.jit(step, donate_argnums=0)
    state = jax.jit(lambda: create_state(0, objective, optimizer, averaged=averaged))()
    images = np.random.default_rng(0).uniform(size=(batch, size, size, 3)).astype(np.float32)
    images = jax.device_put({"index": np.arange(batch, dtype=np.uint32), "picture": images})

    def take() -> float:
        nonlocal state
        begin = time.perf_counter()
        state, metrics = step(state, images, None)
        jax.block_until_ready(metrics)
        return time.perf_counter() - begin

    return take


def take_turns(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Return each side's seconds in every round. A busy machine slows all sides of a round alike."""
    for take in sides.values():
        take()  # compiles
    times = {name: [] for name in sides}
    for number in range(rounds):
        for name in sorted(sides, reverse=number % 2 == 1):  # neither side always goes first
            times[name].append(sides[name]())
    return times
