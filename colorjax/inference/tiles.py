"""A network on a picture of any size: in tiles that overlap, with the memory of a few of them.

Pictures are NumPy arrays [H, W, C]; a band is some of a picture's rows, float32 [rows, W, C].
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from colorjax.inference.layout import Side
from colorjax.patches import pad_reflected


def cut(picture: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    """Return a tile of `picture` [H, W, C], [height, width, C]; beyond the picture it goes on with its reflection."""
    return pad_reflected(picture[top : top + height, left : left + width], height, width)


def bands(
    picture: np.ndarray,
    rows: Side,
    columns: Side,
    function: Callable[[np.ndarray], np.ndarray],
    at_work: int,
) -> Iterator[np.ndarray]:
    """Yield bands of the result, from top to bottom: [rows, W, D].

    Args:
      picture: [H, W, C] of any dtype.
      rows: the tiles along its height.
      columns: those along its width.
      function: takes a tile [h, w, C], returns float32 [h, w, D]; called by several threads.
      at_work: as many tiles are worked on at the same time. XLA's convolutions of few channels use one core each.
    """
    height, width = picture.shape[:2]
    row_weights, column_weights = rows.weights()[:, :, None, None], columns.weights()[:, None, :, None]
    with ThreadPoolExecutor(at_work) as pool:
        corners = itertools.product(rows.starts, columns.starts)
        results = _in_order(pool, lambda at: function(cut(picture, *at, rows.tile, columns.tile)), corners, at_work)
        begun, start = None, 0  # the sum so far of rows that are not finished, and the first of them
        for index, top in enumerate(rows.starts):
            band = None
            for left, weights in zip(columns.starts, column_weights, strict=True):
                result = next(results)
                if band is None:
                    band = np.zeros((rows.tile, width, result.shape[-1]), np.float32)
                right = min(left + columns.tile, width)
                band[:, left:right] += (result * weights)[:, : right - left]
            band *= row_weights[index]
            if begun is not None:
                band[start - top : start - top + len(begun)] += begun
            end = min(rows.finished()[index], height)
            yield band[start - top : end - top]
            begun, start = band[end - top : height - top], end


def _in_order(pool, function, jobs: Iterable, at_work: int):
    """Yield the results of the jobs in their order; one more than is worked on is begun, lest a thread waits."""
    futures = deque()
    for job in jobs:
        futures.append(pool.submit(function, job))
        if len(futures) > at_work:
            yield futures.popleft().result()
    while futures:
        yield futures.popleft().result()
