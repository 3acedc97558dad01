"""The scale of a chart's axis on which the values of a setting stand: from 0, the first, to 1, the last."""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator

from colorjax.comparison.results import Comparison
from colorjax.comparison.settings import MISSING, hashable, show

_WIDE = 8  # ratio of the largest to the smallest value from which on the axis may be logarithmic
_LOW = 0.35  # and it is if their median stands below this on a linear one
_FEW = 6  # so many values are marked themselves, in place of round numbers
MOST_KEYS = 12  # settings that are drawn
_MOST_NAMES = 20  # of a setting that is
_LETTERS = 16  # of a name beside an axis


class Scale:
    """Where the values of a setting stand.

    Numbers are on a linear or a logarithmic scale, everything else in equal steps; so are a few numbers that are
    far apart with 0 among them, such as weights of a penalty.

    Args:
      values: of the setting; at least one.
      kind: one of those below, where it is not to be chosen by the values.

    Attributes:
      kind: 'linear', 'log' or 'names'.
      values: those that differ, in their order.
    """

    def __init__(self, values: Iterable[Any], kind: str | None = None):
        different = set(map(hashable, values))
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in different)
        self.values = sorted(different) if numbers else sorted(different, key=lambda value: (str(type(value)), value))
        self.kind = kind or (_kind(self.values) if numbers else "names")

    def fraction(self, value: Any) -> float:
        """Return where between the first (0) and the last value (1) this one stands; 1/2 if there is but one."""
        low, high, at = (self._even(v) for v in (self.values[0], self.values[-1], value))
        return (at - low) / (high - low) if high > low else 0.5

    def marks(self) -> list[tuple[Any, str]]:
        """Return the values to be marked on an axis, with what is written beside them."""
        if self.kind == "names" or len(self.values) <= _FEW:
            return [(value, _cut(show(value))) for value in self.values]
        low, high = self.values[0], self.values[-1]
        for locator in (LogLocator(), LogLocator(subs=(1.0, 3.0))) if self.kind == "log" else (MaxNLocator(5),):
            numbers = [float(v) for v in locator.tick_values(low, high) if low <= v <= high]
            if len(numbers) > 2:
                break
        return [(number, _brief(number)) for number in (numbers if len(numbers) > 1 else (low, high))]

    def _even(self, value: Any) -> float:
        """Return a coordinate that grows as evenly as the axis."""
        if self.kind == "names":
            return float(self.values.index(hashable(value)))
        return math.log(value) if self.kind == "log" else float(value)


def drawn_scales(comparison: Comparison) -> dict[str, Scale]:
    """Return the settings that the charts show, with their scales: those that differ, but for long lists of names."""
    scales = {}
    for key in comparison.keys:
        values = [value for r in comparison.measured if (value := r.settings.get(key, MISSING)) is not MISSING]
        scale = Scale(values) if values else None
        if scale and len(scale.values) > 1 and (scale.kind != "names" or len(scale.values) <= _MOST_NAMES):
            scales[key] = scale
    return dict(itertools.islice(scales.items(), MOST_KEYS))


def spread(places: Sequence[float], width: float) -> np.ndarray:
    """Return places, those that are the same moved apart, in their order, by at most `width` to either side."""
    places = np.array(places, float)
    moved = places.copy()
    for place in np.unique(places):
        (same,) = np.nonzero(places == place)
        if len(same) > 1:
            moved[same] += np.linspace(-width, width, len(same))
    return moved


def _kind(numbers: list[float]) -> str:
    """Return the kind of scale for numbers in ascending order."""
    positive = [number for number in numbers if number > 0]
    if numbers[0] < 0 or len(positive) < 2 or positive[-1] / positive[0] < _WIDE:
        return "linear"
    if numbers[0] == 0:
        return "names" if len(numbers) <= 2 * _FEW else "linear"
    low, middle, high = np.quantile(numbers, [0, 0.5, 1])
    return "log" if middle < low + _LOW * (high - low) else "linear"


def _brief(number: float) -> str:
    """Return a round number in few letters."""
    mantissa, _, exponent = f"{number:.0e}".partition("e")
    return f"{mantissa}e{int(exponent)}" if 0 < abs(number) < 0.01 or abs(number) >= 1e5 else f"{number:g}"


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"
