"""Lay tiles over an image, and compute a function of the image tile by tile in bounded memory.

Tiles begin at multiples of the network's stride, so that its downsampling falls on the same pixels as it would on the
whole image. Neighboring tiles overlap. The outer quarters of an overlap are context only, because a network's results
are worse near a tile's edge. Over the middle half, the weight of one tile falls as that of the other rises.

All lengths are in pixels. Images are NumPy arrays [H, W, C]; a band is some rows of one, float32 [rows, W, C].
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
    """The tiles along one side of an image.

    Attributes:
      length: of the side, padded to a multiple of the stride.
      tile: length of each tile; it exceeds `length` only if there is one tile.
      starts: position where each tile begins.
      blend: length of the middle part of each overlap, where two tiles are blended.
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
        """Return each tile's weight at each of its positions, float32 [tiles, tile].

        At every position of the image, the weights of the tiles there sum to 1.
        """
        positions = np.arange(self.tile) + 0.5
        weights = np.ones((len(self.starts), self.tile))
        for index, middle in enumerate(self.middles()):
            for tile, sign in ((index, -1), (index + 1, 1)):
                distance = sign * (self.starts[tile] + positions - middle)
                rise = np.clip(distance / self.blend + 0.5, 0.0, 1.0)
                weights[tile] *= np.sin(np.pi / 2 * rise) ** 2
        return weights.astype(np.float32)

    def finished(self) -> tuple[int, ...]:
        """Return for each tile the first position of the image that later tiles still add to."""
        return (*(math.floor(middle - self.blend / 2 + 0.5) for middle in self.middles()), self.length)

    def middles(self) -> list[float]:
        """Return the middle of each overlap of two neighboring tiles."""
        return [(start + self.tile + after) / 2 for start, after in zip(self.starts, self.starts[1:], strict=False)]


def lay_out(side: int, largest: int, overlap: int, stride: int) -> Side:
    """Return the fewest tiles along a side that are no longer than `largest` and overlap by `overlap` or more.

    The tiles are as short as possible for their number. Their length is one of few values, because each value is a
    shape to compile for. `largest` is rounded up to a multiple of the stride, and further if two tiles would
    otherwise begin at the same place.

    Args:
      side: length of the image's side.
      largest: length of the longest tile allowed.
      overlap: least overlap of neighboring tiles.
      stride: tiles begin at multiples of it, and their lengths are multiples of it.
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
    """Return one tile of an image; beyond the image it is filled with the reflection.

    Args:
      picture: the image, [H, W, C].
      top: row where the tile begins.
      left: column where the tile begins.
      height: of the tile.
      width: of the tile.

    Returns:
      [height, width, C].
    """
    return pad_reflected(picture[top : top + height, left : left + width], height, width)


def bands(
    picture: np.ndarray,
    rows: Side,
    columns: Side,
    function: Callable[[np.ndarray], np.ndarray],
    at_work: int,
) -> Iterator[np.ndarray]:
    """Yield the result of `function` in bands from top to bottom: float32 [rows, W, D].

    Args:
      picture: the image, [H, W, C] of any dtype.
      rows: the tiles along its height.
      columns: the tiles along its width.
      function: takes a tile [h, w, C], returns float32 [h, w, D]; several threads call it.
      at_work: number of tiles computed at the same time; more than one pays off because XLA's convolutions with few
        channels use one core each.
    """
    height, width = picture.shape[:2]
    row_weights, column_weights = rows.weights()[:, :, None, None], columns.weights()[:, None, :, None]
    with ThreadPoolExecutor(at_work) as pool:
        corners = itertools.product(rows.starts, columns.starts)
        results = _in_order(pool, lambda at: function(cut(picture, *at, rows.tile, columns.tile)), corners, at_work)
        begun, start = None, 0  # the partial sums of unfinished rows, and the first of these rows
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
    """Yield the results of the jobs in order; one extra job is kept queued so that no thread idles."""
    futures = deque()
    for job in jobs:
        futures.append(pool.submit(function, job))
        if len(futures) > at_work:
            yield futures.popleft().result()
    while futures:
        yield futures.popleft().result()
