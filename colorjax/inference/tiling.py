"""Tiles: where they lie on a picture, and a function of a picture computed tile by tile in bounded memory.

A network sees a picture as it is only where tiles begin at multiples of its stride: there its halvings fall on the
same pixels. Neighbors overlap; of the overlap the outer quarters are context alone, for what a network makes near
a tile's edge is worse, and over the middle half one tile's weight falls as the other's rises.

All lengths are in pixels. Pictures are NumPy arrays [H, W, C]; a band is some of their rows, float32 [rows, W, C].
"""

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from colorjax.runtime.pixelwise import pad_reflected
from colorjax.runtime.shape_buckets import round_up, tile_side


class Side(NamedTuple):
    """The tiles along one side of a picture.

    Attributes:
      length: of the side, padded to a multiple of the stride.
      tile: of each tile; longer than `length` only where there is one tile.
      starts: of the tiles.
      blend: length of the middle part of each overlap.
    """

    length: int
    tile: int
    starts: tuple[int, ...]
    blend: int

    @property
    def filled(self) -> int:
        """Return how much of a tile lies within `length`."""
        return min(self.tile, self.length)

    def weights(self) -> np.ndarray:
        """Return each tile's weight at each of its positions, float32 [tiles, tile]; at any place they sum to 1."""
        positions = np.arange(self.tile) + 0.5
        weights = np.ones((len(self.starts), self.tile))
        for index, middle in enumerate(self.middles()):
            for tile, sign in ((index, -1), (index + 1, 1)):
                distance = sign * (self.starts[tile] + positions - middle)
                rise = np.clip(distance / self.blend + 0.5, 0.0, 1.0)
                weights[tile] *= np.sin(np.pi / 2 * rise) ** 2
        return weights.astype(np.float32)

    def finished(self) -> tuple[int, ...]:
        """Return for each tile where the first position lies that a later tile still adds to."""
        return (*(math.floor(middle - self.blend / 2 + 0.5) for middle in self.middles()), self.length)

    def middles(self) -> list[float]:
        """Return where one tile gives over to the next: the middles of their overlaps."""
        return [(start + self.tile + after) / 2 for start, after in zip(self.starts, self.starts[1:], strict=False)]


def lay_out(side: int, largest: int, overlap: int, stride: int) -> Side:
    """Return the fewest tiles along a side that are no longer than `largest` and overlap by `overlap` or more.

    They are as short as they can be, of few different lengths, because each is a shape to be compiled. `largest` is
    rounded up to a multiple of the stride, and further where it would leave no step between two tiles.
    """
    largest = round_up(max(largest, overlap + stride), stride)
    length = round_up(side, stride)

    def count(tile):
        return 1 + math.ceil(max(0, length - tile) / _round_down(tile - overlap, stride))

    fewest = count(largest)
    if fewest == 1:
        return Side(length, min(tile_side(length, stride), largest), (0,), 1)
    shortest = math.ceil((length + (fewest - 1) * overlap) / fewest)
    tile = tile_side(max(shortest, overlap + stride), stride)
    while tile < largest and count(tile) > fewest:
        tile = tile_side(tile + 1, stride)
    tile = min(tile, largest)
    starts = tuple(_round_down(start, stride) for start in np.linspace(0, length - tile, fewest))
    steps = np.diff(starts)
    return Side(length, tile, starts, int(max(1, min((tile - steps.max()) // 2, steps.min()))))


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


def _round_down(value: float, multiple: int) -> int:
    return math.floor(value / multiple) * multiple


def _in_order(pool, function, jobs: Iterable, at_work: int):
    """Yield the results of the jobs in their order; one more than is worked on is begun, lest a thread waits."""
    futures = deque()
    for job in jobs:
        futures.append(pool.submit(function, job))
        if len(futures) > at_work:
            yield futures.popleft().result()
    while futures:
        yield futures.popleft().result()
