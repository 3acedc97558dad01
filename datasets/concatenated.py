"""Concatenation of several sequences of photographs."""

import bisect
import itertools
from collections.abc import Sequence

from colorjax.pictures.images import Photograph


def join(sequences: Sequence[Sequence[Photograph]]) -> Sequence[Photograph]:
    """Return the photographs of all `sequences`, one sequence after the other."""
    return sequences[0] if len(sequences) == 1 else Joined(sequences)


class Joined(Sequence):
    """The photographs of several sequences, read on access.

    Attributes:
      sizes: number of photographs in each sequence.
      classes: names of the classes; () unless all sequences that have classes have the same ones.
    """

    def __init__(self, sequences: Sequence[Sequence[Photograph]]):
        self._sequences = tuple(sequences)
        self.sizes = tuple(map(len, sequences))
        self._ends = tuple(itertools.accumulate(self.sizes))
        # A class's number must mean the same in all sequences; otherwise there are no classes.
        found = {getattr(sequence, "classes", ()) for sequence in sequences} - {()}
        self.classes = found.pop() if len(found) == 1 else ()

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        which = bisect.bisect_right(self._ends, position)
        return self._sequences[which][position - (self._ends[which - 1] if which else 0)]

    def __repr__(self) -> str:
        return f"Joined({list(self._sequences)!r})"
