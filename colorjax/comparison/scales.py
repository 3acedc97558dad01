"""Scales that place the values of a setting on a chart's axis, from 0 (the first value) to 1 (the last)."""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator

from colorjax.comparison.results import Comparison
from colorjax.comparison.settings import MISSING, hashable, show

_WIDE = 8  # the axis may be logarithmic if the ratio of the largest to the smallest value is at least this
_LOW = 0.35  # and is logarithmic if the median's position on a linear axis is below this
_FEW = 6  # up to this number the values themselves are marked, above it round numbers
MOST_KEYS = 12  # most settings that are drawn
_MOST_NAMES = 20  # most names of a setting that is drawn
_LETTERS = 16  # longest name beside an axis


class Scale:
    """The positions of a setting's values on an axis.

    Numbers have a linear or a logarithmic scale, all other values equal steps. Equal steps also serve for a few numbers
    that are far apart and include 0, such as the weights of a penalty.

    Args:
      values: of the setting; at least one.
      kind: one of the kinds below; None to choose it from the values.

    Attributes:
      kind: 'linear', 'log' or 'names'.
      values: the distinct values, sorted.
    """

    def __init__(self, values: Iterable[Any], kind: str | None = None):
        different = set(map(hashable, values))
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in different)
        self.values = sorted(different) if numbers else sorted(different, key=lambda value: (str(type(value)), value))
        self.kind = kind or (_kind(self.values) if numbers else "names")

    def fraction(self, value: Any) -> float:
        """Return the position of a value between the first (0) and the last one (1); 1/2 if there is only one value."""
        low, high, at = (self._even(v) for v in (self.values[0], self.values[-1], value))
        return (at - low) / (high - low) if high > low else 0.5

    def marks(self) -> list[tuple[Any, str]]:
        """Return the values to mark on an axis, with their labels."""
        if self.kind == "names" or len(self.values) <= _FEW:
            return [(value, _cut(show(value))) for value in self.values]
        low, high = self.values[0], self.values[-1]
        for locator in (LogLocator(), LogLocator(subs=(1.0, 3.0))) if self.kind == "log" else (MaxNLocator(5),):
            numbers = [float(v) for v in locator.tick_values(low, high) if low <= v <= high]
            if len(numbers) > 2:
                break
        return [(number, _brief(number)) for number in (numbers if len(numbers) > 1 else (low, high))]

    def _even(self, value: Any) -> float:
        """Return the coordinate of a value before scaling: its rank, logarithm or value."""
        if self.kind == "names":
            return float(self.values.index(hashable(value)))
        return math.log(value) if self.kind == "log" else float(value)


def drawn_scales(comparison: Comparison) -> dict[str, Scale]:
    """Return setting -> scale for the settings that the charts show.

    These are the first `MOST_KEYS` settings that differ, without those that have very many names.
    """
    scales = {}
    for key in comparison.keys:
        values = [value for r in comparison.measured if (value := r.settings.get(key, MISSING)) is not MISSING]
        scale = Scale(values) if values else None
        if scale and len(scale.values) > 1 and (scale.kind != "names" or len(scale.values) <= _MOST_NAMES):
            scales[key] = scale
    return dict(itertools.islice(scales.items(), MOST_KEYS))


def spread(places: Sequence[float], width: float) -> np.ndarray:
    """Return `places` with equal ones moved apart by at most `width` to either side, in their order."""
    places = np.array(places, float)
    moved = places.copy()
    for place in np.unique(places):
        (same,) = np.nonzero(places == place)
        if len(same) > 1:
            moved[same] += np.linspace(-width, width, len(same))
    return moved


def _kind(numbers: list[float]) -> str:
    """Return the kind of scale for numbers that are sorted in ascending order."""
    positive = [number for number in numbers if number > 0]
    if numbers[0] < 0 or len(positive) < 2 or positive[-1] / positive[0] < _WIDE:
        return "linear"
    if numbers[0] == 0:
        return "names" if len(numbers) <= 2 * _FEW else "linear"
    low, middle, high = np.quantile(numbers, [0, 0.5, 1])
    return "log" if middle < low + _LOW * (high - low) else "linear"


def _brief(number: float) -> str:
    """Return a short text for a round number."""
    mantissa, _, exponent = f"{number:.0e}".partition("e")
    return f"{mantissa}e{int(exponent)}" if 0 < abs(number) < 0.01 or abs(number) >= 1e5 else f"{number:g}"


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"
