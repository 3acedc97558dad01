"""Lists of runs for `sweep(add)`: each function returns a list of overrides, one dict a run, keys as in the config.

A config file has

    def sweep(add):
        for run in grid({"optimizer.learning_rate": (1e-4, 1e-3), "seed": (0, 1, 2)}):
            add(**run)
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from colorjax.errors import UserError
from colorjax.sweeps.draws import Space

Runs = list[dict[str, Any]]


def grid(values: Mapping[str, Sequence]) -> Runs:
    """Return every combination of the values of each key, the last key changing fastest."""
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def zipped(values: Mapping[str, Sequence]) -> Runs:
    """Return the first value of every key as one run, the second of every key as the next, and so on.

    Raises:
      UserError: the keys have different numbers of values.
    """
    counts = {key: len(options) for key, options in values.items()}
    if len(set(counts.values())) > 1:
        raise UserError(f"zipped: needs as many values of each key, not {counts}")
    return [dict(zip(values, chosen, strict=True)) for chosen in zip(*values.values(), strict=True)]


def seeds(count: int, first: int = 0) -> Runs:
    """Return `count` runs that differ in their seed alone."""
    return [{"seed": seed} for seed in range(first, first + count)]


def random_draws(count: int, space: Space, seed: int = 0) -> Runs:
    """Return `count` runs, each key of which is drawn on its own; of one seed, fewer are the first of more."""
    # A generator of its own for each run, so that another key or another run changes nothing of the others.
    generators = [np.random.Generator(np.random.Philox(key=[seed, index])) for index in range(count)]
    return [{key: drawn.draw(random) for key, drawn in space.items()} for random in generators]


def product(*lists: Runs) -> Runs:
    """Return every combination of one run of each list, put together, the last list changing fastest.

    Raises:
      UserError: two lists set the same key.
    """
    runs = []
    for parts in itertools.product(*lists):
        keys = [key for part in parts for key in part]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise UserError(f"product: two lists set {', '.join(sorted(twice))}")
        runs.append({key: value for part in parts for key, value in part.items()})
    return runs
