"""The direct solution of the systems of `colorjax.methods.multigrid`: slow, but for every picture.

Where a picture falls into regions that hang together by almost nothing, the multigrid cycles stop getting nearer.
"""

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from colorjax.methods.multigrid import OFFSETS


def solve_directly(weights: np.ndarray, absorption: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return x [R, H, W], float64, with A x = right, for weights [8, H, W], absorption [H, W] and right [R, H, W]."""
    weights, absorption, right = (np.asarray(array, np.float64) for array in (weights, absorption, right))
    height, width = absorption.shape
    number = np.arange(height * width).reshape(height, width)
    rows, columns, values = [number.ravel()], [number.ravel()], [(absorption + weights.sum(0)).ravel()]
    for weight, (dy, dx) in zip(weights, OFFSETS, strict=True):
        # A neighbor outside the picture has no weight.
        y, x = np.nonzero(weight)
        rows.append(number[y, x])
        columns.append(number[y + dy, x + dx])
        values.append(-weight[y, x])
    matrix = scipy.sparse.csc_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(number.size,) * 2
    )
    solution = scipy.sparse.linalg.splu(matrix).solve(right.reshape(len(right), -1).T)
    return solution.T.reshape(right.shape)
