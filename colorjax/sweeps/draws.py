"""What a setting is drawn from, for random draws in a sweep and for the space of a search."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from colorjax.errors import UserError


class Distribution(Protocol):
    """Where a setting's values come from."""

    def draw(self, random: np.random.Generator) -> Any:
        """Return a value, in a type that a config holds."""


@dataclasses.dataclass(frozen=True)
class Numbers:
    """Real numbers from `low` to `high`, evenly spread, or their logarithms are."""

    low: float
    high: float
    logarithmic: bool

    def __post_init__(self):
        if not self.low < self.high or (self.logarithmic and self.low <= 0):
            bounds = "0 < low < high" if self.logarithmic else "low < high"
            raise UserError(f"numbers from {self.low} to {self.high}: needs {bounds}")

    def draw(self, random: np.random.Generator) -> float:
        """Return a number."""
        if self.logarithmic:
            return math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        return random.uniform(self.low, self.high)

    def __str__(self):
        return f"{self.low:g} to {self.high:g}{', by orders of magnitude' if self.logarithmic else ''}"


@dataclasses.dataclass(frozen=True)
class Integers:
    """Whole numbers from `low` to `high`, both among them."""

    low: int
    high: int

    def __post_init__(self):
        if not self.low < self.high:
            raise UserError(f"whole numbers from {self.low} to {self.high}: needs low < high")

    def draw(self, random: np.random.Generator) -> int:
        """Return a whole number."""
        return int(random.integers(self.low, self.high, endpoint=True))

    def __str__(self):
        return f"{self.low} to {self.high}, whole numbers"


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of `options`, each as likely."""

    options: tuple

    def __post_init__(self):
        if not self.options:
            raise UserError("choice(): needs at least one option")

    def draw(self, random: np.random.Generator) -> Any:
        """Return an option."""
        return self.options[int(random.integers(len(self.options)))]

    def __str__(self):
        return " or ".join(map(str, self.options))


def uniform(low: float, high: float) -> Numbers:
    """Return the numbers from `low` to `high`, each as likely."""
    return Numbers(float(low), float(high), logarithmic=False)


def log_uniform(low: float, high: float) -> Numbers:
    """Return the numbers from `low` to `high`, each order of magnitude as likely; for learning rates and the like."""
    return Numbers(float(low), float(high), logarithmic=True)


def integers(low: int, high: int) -> Integers:
    """Return the whole numbers from `low` to `high`, both among them."""
    return Integers(low, high)


def choice(*options: Any) -> Choice:
    """Return the options, each as likely."""
    return Choice(options)


Space = Mapping[str, Distribution]
