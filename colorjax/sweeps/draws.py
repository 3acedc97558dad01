"""Distributions of settings, for random draws in a sweep and for the space of a search."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from colorjax.errors import UserError


class Distribution(Protocol):
    """The distribution of a setting's values."""

    def draw(self, random: np.random.Generator) -> Any:
        """Return a random value, of a type that a config can hold."""


@dataclasses.dataclass(frozen=True)
class Numbers:
    """Real numbers from `low` to `high`; they or, if `logarithmic`, their logarithms are uniformly distributed."""

    low: float
    high: float
    logarithmic: bool

    def __post_init__(self):
        if not self.low < self.high or (self.logarithmic and self.low <= 0):
            bounds = "0 < low < high" if self.logarithmic else "low < high"
            raise UserError(f"numbers from {self.low} to {self.high}: needs {bounds}")

    def draw(self, random: np.random.Generator) -> float:
        """Return a random number."""
        if self.logarithmic:
            return math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        return random.uniform(self.low, self.high)

    def __str__(self):
        return f"{self.low:g} to {self.high:g}{', by orders of magnitude' if self.logarithmic else ''}"


@dataclasses.dataclass(frozen=True)
class Integers:
    """Uniformly distributed whole numbers from `low` to `high`, both included."""

    low: int
    high: int

    def __post_init__(self):
        if not self.low < self.high:
            raise UserError(f"whole numbers from {self.low} to {self.high}: needs low < high")

    def draw(self, random: np.random.Generator) -> int:
        """Return a random whole number."""
        return int(random.integers(self.low, self.high, endpoint=True))

    def __str__(self):
        return f"{self.low} to {self.high}, whole numbers"


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of `options`, with equal probabilities."""

    options: tuple

    def __post_init__(self):
        if not self.options:
            raise UserError("choice(): needs at least one option")

    def draw(self, random: np.random.Generator) -> Any:
        """Return a random option."""
        return self.options[int(random.integers(len(self.options)))]

    def __str__(self):
        return " or ".join(map(str, self.options))


def uniform(low: float, high: float) -> Numbers:
    """Return the uniform distribution of real numbers from `low` to `high`.

    Raises:
      UserError: not low < high.
    """
    return Numbers(float(low), float(high), logarithmic=False)


def log_uniform(low: float, high: float) -> Numbers:
    """Return the distribution of numbers from `low` to `high` whose logarithms are uniform, as for learning rates.

    Raises:
      UserError: not 0 < low < high.
    """
    return Numbers(float(low), float(high), logarithmic=True)


def integers(low: int, high: int) -> Integers:
    """Return the uniform distribution of whole numbers from `low` to `high`, both included.

    Raises:
      UserError: not low < high.
    """
    return Integers(low, high)


def choice(*options: Any) -> Choice:
    """Return the distribution that gives each option with equal probability.

    Raises:
      UserError: no option is given.
    """
    return Choice(options)


Space = Mapping[str, Distribution]
