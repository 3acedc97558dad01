"""A random subset of the training photographs: `config.data.photographs` of them, chosen by their own seed."""

import functools
from collections.abc import Sequence

import numpy as np

from colorjax.errors import UserError
from colorjax.pictures.images import Photograph
from datasets import sampling


def choose(photographs: Sequence[Photograph], config) -> Sequence[Photograph]:
    """Return the training photographs that `config.data` chooses: all of them, or a `Subset`.

    Raises:
      UserError: `config.photographs` is below 0, larger than the number of photographs, or combined with shares.
    """
    wanted, there = config.photographs, len(photographs)
    if wanted < 0:
        raise UserError(f"config.data.photographs must be 0 (all training photographs) or more, not {wanted}")
    if wanted > there:
        raise UserError(
            f"config.data.photographs={wanted}: {config.name} has {there} training photographs; "
            f"use {there} at most, or 0 for all"
        )
    if wanted and config.shares:
        raise UserError("config.data.photographs and config.data.shares don't go together: set one of them")
    return Subset(photographs, wanted, config.photographs_seed) if wanted else photographs


class Subset(Sequence):
    """`count` photographs of a sequence, chosen and ordered by a seed, and read on access.

    Pickling stores the arguments and not the list of positions, which may be long.
    """

    def __init__(self, photographs: Sequence[Photograph], count: int, seed: int):
        self._photographs = photographs
        self._count = count
        self._seed = seed
        self.classes = photographs.classes

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._photographs[int(self._positions[range(len(self))[index]])]

    def __repr__(self) -> str:
        return f"Subset({self._photographs!r}, {self._count}, {self._seed})"

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key != "_positions"}

    @functools.cached_property
    def _positions(self) -> np.ndarray:
        return sampling.subset(self._seed, self._count, len(self._photographs))
