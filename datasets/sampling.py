"""The random draw of patches: the photograph and the crop of patch i in epoch e are a pure function of (seed, e, i).

All random numbers come from Philox, a counter-based generator. Its key has the seed, its counter the epoch and the
patch. So any patch can be drawn directly, in any order and in any process. A global index j counts the patches of all
epochs: it is patch j % patches_per_epoch of epoch j // patches_per_epoch.

The photographs to draw from may themselves be a random subset (`subset`), which has its own seed.

An epoch goes over all photographs repeatedly. Each such *pass* has its own random order. So within an epoch the
numbers of visits to two photographs differ by at most one. If several data sets have shares of the patches
(`config.data.shares`), this holds within each data set.

Unpaired patches (`config.data.unpaired`): in each epoch the photographs are divided at random into two halves. Patches
with an even number in the epoch are cut from the first half, those with an odd one from the second, each in passes of
its own. So no photograph is on both sides in one epoch.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from colorjax.errors import UserError, nearest
from datasets.crops import draw_crop, samples_for

ZOOM_OF = ("pixels", "fit", "whole")

# Kinds of draws; the second word of the key makes them independent.
_CROPS, _ORDERS, _SUBSETS, _SETS, _HALVES = 0, 1, 2, 3, 4


class Set(NamedTuple):
    """One of several data sets: its number of photographs, and its share of the patches in (0, 1]."""

    photographs: int
    share: float


@dataclasses.dataclass(frozen=True)
class Draws:
    """The rule by which patches are drawn. The fields are those of `config.data`, and the run's seed.

    Raises:
      UserError: a field has an impossible value.
    """

    seed: int
    patch_size: int
    patches_per_epoch: int
    zoom: tuple[float, float]
    zoom_of: str
    rotate: float
    flip: bool
    sets: tuple[Set, ...] = ()  # () where all photographs have equal shares
    unpaired: bool = False

    def __post_init__(self):
        if self.zoom_of not in ZOOM_OF:
            raise UserError(f"config.data.zoom_of={self.zoom_of!r}; {nearest(self.zoom_of, ZOOM_OF)}")
        for key in ("patch_size", "patches_per_epoch"):
            if getattr(self, key) < 1:
                raise UserError(f"config.data.{key} must be at least 1, not {getattr(self, key)}")
        if self.unpaired and self.patches_per_epoch % 2:
            raise UserError(
                f"config.data.patches_per_epoch={self.patches_per_epoch}: must be even with config.data.unpaired=True"
            )
        if self.unpaired and self.sets:
            raise UserError("config.data.unpaired can't be set together with config.data.shares")
        if not 0 < self.zoom[0] <= self.zoom[1]:
            raise UserError(f"config.data.zoom must be (lowest, highest) with 0 < lowest <= highest, not {self.zoom}")

    @classmethod
    def from_config(cls, config: Mapping, seed: int, sizes: Sequence[int] = ()) -> "Draws":
        """Return the rule for a config.

        Args:
          config: `config.data`.
          seed: of the run.
          sizes: number of photographs in each data set.

        Raises:
          UserError: a key has an impossible value.
        """
        if len(config.zoom) != 2:
            raise UserError(f"config.data.zoom must be two numbers (lowest, highest), not {config.zoom}")
        return cls(
            seed=seed,
            patch_size=config.patch_size,
            patches_per_epoch=config.patches_per_epoch,
            zoom=(float(config.zoom[0]), float(config.zoom[1])),
            zoom_of=config.zoom_of,
            rotate=float(config.rotate),
            flip=bool(config.flip),
            sets=_sets(config.shares, sizes),
            unpaired=bool(config.get("unpaired", False)),
        )

    def samples(self, height: int, width: int) -> int:
        """Return how many samples per side `crops.warp_*` needs for a photograph of this size, in pixels."""
        return samples_for((self.zoom[0] * min(self._unit(height, width)), self.zoom[1]))

    def _unit(self, height: int, width: int) -> tuple[float, float]:
        """Return the magnification along the width and the height at zoom 1."""
        if self.zoom_of == "whole":
            return self.patch_size / width, self.patch_size / height
        return (self.patch_size / min(height, width) if self.zoom_of == "fit" else 1.0,) * 2

    def photograph(self, index: int, count: int) -> int:
        """Return the index of the photograph, of `count`, from which the patch with this global index is cut."""
        epoch, patch = divmod(index, self.patches_per_epoch)
        if self.unpaired:
            position, side = divmod(patch, 2)
            half = _halves(self.seed, epoch, count)[side]
            turn, place = divmod(position, len(half))
            return int(half[_order(self.seed, epoch, turn, len(half), 1 + side)[place]])
        if not self.sets:
            return int(_order(self.seed, epoch, patch // count, count)[patch % count])
        numbers, positions = _schedule(self.seed, epoch, self.patches_per_epoch, self.sets)
        number, position = int(numbers[patch]), int(positions[patch])
        size = self.sets[number].photographs
        before = sum(one.photographs for one in self.sets[:number])
        return before + int(_order(self.seed, epoch, position // size, size, number + 1)[position % size])

    def crop(self, index: int, height: int, width: int) -> np.ndarray:
        """Return the matrix, float32 [2, 3], of the patch with this global index (see `crops.draw_crop`).

        Args:
          index: global index of the patch.
          height: of the patch's photograph, in pixels.
          width: of the patch's photograph, in pixels.
        """
        epoch, patch = divmod(index, self.patches_per_epoch)
        random = _random(self.seed, _CROPS, epoch, patch)
        unit = self._unit(height, width)
        zoom = (self.zoom[0] * unit[0], self.zoom[1] * unit[0])
        return draw_crop(random, height, width, self.patch_size, zoom, self.rotate, self.flip, aspect=unit[1] / unit[0])


def check_shares(shares: Sequence[float], sets: int) -> tuple[float, ...]:
    """Return `config.data.shares` as floats; () for equal shares of all photographs.

    Args:
      shares: as in the config.
      sets: number of data sets.

    Raises:
      UserError: there is not one positive number for each data set.
    """
    try:
        numbers = tuple(map(float, shares))
    except (TypeError, ValueError):
        numbers = (math.nan,)
    if not all(0 < number < math.inf for number in numbers):
        raise UserError(f"config.data.shares={tuple(shares)}: each must be a number above 0")
    if numbers and len(numbers) != sets:
        raise UserError(
            f"config.data.shares={tuple(shares)}: give one number for each data set, of which there are {sets}"
        )
    return numbers


def _sets(shares: Sequence[float], sizes: Sequence[int]) -> tuple[Set, ...]:
    """Return the data sets with their shares, which are scaled to the sum 1; () without shares."""
    numbers = check_shares(shares, len(sizes))
    return (
        tuple(Set(size, number / sum(numbers)) for size, number in zip(sizes, numbers, strict=True)) if numbers else ()
    )


def subset(seed: int, number: int, count: int) -> np.ndarray:
    """Return the indices of `number` random photographs of `count`, int64 [number], in random order.

    With the same seed and `count`, a smaller subset is the beginning of a larger one.
    """
    return np.argsort(_random(seed, _SUBSETS, 0, 0).random(count), kind="stable")[:number]


def _random(seed: int, kind: int, epoch: int, number: int, of_set: int = 0) -> np.random.Generator:
    key = np.array([seed % 2**64, kind], np.uint64)
    # Philox itself counts in the first word of the counter; the others are free.
    counter = np.array([0, number, epoch, of_set], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


# With the pass in the cache, an index costs only a look-up. A batch uses few passes, one after the other.
@functools.lru_cache(maxsize=16)
def _order(seed: int, epoch: int, number: int, count: int, of_set: int = 0) -> np.ndarray:
    """Return the random order of `count` photographs in one pass, int64 [count].

    It comes from sorting, because NumPy keeps its stream of uniform numbers between versions, but not `permutation`.

    Args:
      seed: of the run.
      epoch: of the pass.
      number: of the pass within its epoch.
      count: number of photographs.
      of_set: 1 + the number of the data set if data sets have shares; otherwise 0.
    """
    return np.argsort(_random(seed, _ORDERS, epoch, number, of_set).random(count), kind="stable")


@functools.lru_cache(maxsize=4)
def _halves(seed: int, epoch: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the photographs of the even patches of an epoch and those of its odd patches: two random halves."""
    order = np.argsort(_random(seed, _HALVES, epoch, 0).random(count), kind="stable")
    return order[: count // 2], order[count // 2 :]


@functools.lru_cache(maxsize=4)
def _schedule(seed: int, epoch: int, patches: int, sets: tuple[Set, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each patch of an epoch, the number of its data set, and how many earlier patches that set has given.

    Multiples of the golden ratio, from a random start in each epoch, are evenly distributed in [0, 1), even if only a
    few are taken. So each data set has its share in every stretch of an epoch.
    """
    start = _random(seed, _SETS, epoch, 0).random()
    places = (start + np.arange(patches) * (math.sqrt(5) - 1) / 2) % 1
    ends = np.cumsum([one.share for one in sets])[:-1]
    numbers = np.searchsorted(ends, places, side="right")
    positions = np.zeros(patches, np.int64)
    for number in range(len(sets)):
        own = numbers == number
        positions[own] = np.arange(own.sum())
    return numbers, positions
