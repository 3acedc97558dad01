"""The colors of several references, joined for each pixel by the weighted median.

The median is one of the proposed colors, or halfway between two, so that colors which disagree don't mix to gray, and
what a minority of the weight proposes does not count.
Colors are Lab a and b, [h, w, 2]; confidence is from 0 to 1, [h, w].
"""

from collections.abc import Sequence

import numpy as np

from colorjax.methods.by_example.method import Transfer

# Where no reference fits at all, all count alike; elsewhere this is nothing.
_LEAST_WEIGHT = 1e-6


def join(transfers: Sequence[Transfer]) -> Transfer:
    """Return the median of a and of b, weighted by confidence, and the mean confidence.

    Args:
      transfers: one or more, of one shape. A single one is returned as it is.
    """
    if len(transfers) == 1:
        return transfers[0]
    colors = np.stack([transfer.ab for transfer in transfers])
    confidence = np.stack([transfer.confidence for transfer in transfers])
    weights = np.broadcast_to(np.maximum(confidence, _LEAST_WEIGHT)[..., np.newaxis], colors.shape)
    return Transfer(weighted_median(colors, weights), confidence.mean(axis=0))


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted median along the first axis, [...].

    It is the least value up to which half of the weight lies, or, if just half does, halfway to the next value.

    Args:
      values: [k, ...].
      weights: above 0, [k, ...].
    """
    order = np.argsort(values, axis=0, kind="stable")
    values = np.take_along_axis(values, order, axis=0)
    below = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0, dtype=np.float64)
    half = below[-1:] / 2
    # Both differ only where a sum is exactly half; a small tolerance keeps sums of float32 from missing that.
    lower = np.argmax(below >= half * (1 - 1e-6), axis=0, keepdims=True)
    upper = np.argmax(below > half * (1 + 1e-6), axis=0, keepdims=True)
    ends = [np.take_along_axis(values, place, axis=0)[0] for place in (lower, upper)]
    return (ends[0] + ends[1]) / 2
