"""Lists of runs for `sweep(add)`. Each function returns a list with one dict of overrides per run, keyed by setting.

For example, a config file defines

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
    """Return every combination of the values of all keys; the last key changes fastest."""
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def zipped(values: Mapping[str, Sequence]) -> Runs:
    """Return runs made of the first value of every key, then of the second value of every key, and so on.

    Raises:
      UserError: the keys have different numbers of values.
    """
    counts = {key: len(options) for key, options in values.items()}
    if len(set(counts.values())) > 1:
        raise UserError(f"zipped: needs as many values of each key, not {counts}")
    return [dict(zip(values, chosen, strict=True)) for chosen in zip(*values.values(), strict=True)]


def seeds(count: int, first: int = 0) -> Runs:
    """Return `count` runs that differ only in their seed: `first`, `first` + 1 and so on."""
    return [{"seed": seed} for seed in range(first, first + count)]


def random_draws(count: int, space: Space, seed: int = 0) -> Runs:
    """Return `count` runs with each key drawn independently.

    Args:
      count: number of runs. A smaller count gives the first runs of a larger one.
      space: key -> distribution.
      seed: of the draws.
    """
    # Each run has its own generator, so that the number of runs and of keys does not change the other runs.
    generators = [np.random.Generator(np.random.Philox(key=[seed, index])) for index in range(count)]
    return [{key: drawn.draw(random) for key, drawn in space.items()} for random in generators]


def product(*lists: Runs) -> Runs:
    """Return every combination of one run from each list, merged into one run; the last list changes fastest.

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
