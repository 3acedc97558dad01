"""What restores an image, trained or not: one interface, and all that reaches a method.

Images are float32 sRGB [H, W, 3], clean ones in [0, 1].
"""

import abc
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from colorjax.pictures.images import Photograph
from colorjax.tasks import TASKS

#: What a method may be told besides the image, and what an error or a table calls it.
NEEDS = {
    "noise": "the noise",
    "hints": "true colors",
    "references": "a reference photograph",
}


class Hints(NamedTuple):
    """Colors [H, W, 3] in [0, 1], to be read where mask, bool [H, W], is true."""

    colors: np.ndarray
    mask: np.ndarray


class Observation(NamedTuple):
    """All that a method is given of one image.

    Attributes:
        image: degraded, [H, W, 3], not clipped.
        noise: kind and level, as in `colorjax.noise.NOISES`.
        hints: colors that a person marked.
        references: color images [h, w, 3] in [0, 1] of any sizes.
    """

    image: np.ndarray
    noise: tuple[str, float] | None = None
    hints: Hints | None = None
    references: tuple[np.ndarray, ...] = ()


class Restored(NamedTuple):
    """The restored image [H, W, 3], clipped or not, and a network's own outputs [H, W, Cout] or None.

    The task's loss is that of the outputs, where there are any: they still have what the image lost to sRGB's gamut.
    """

    image: np.ndarray
    outputs: np.ndarray | None = None


class Method(abc.ABC):
    """A method; those in `METHODS` are dataclasses, whose fields are their settings, each with a default.

    Attributes:
        name: what tables call it; that of its entry in `METHODS`.
        tasks: names of the tasks that it can be measured on.
        needs: of `NEEDS`, what an observation must have. It is the one door by which the truth reaches a method:
            evaluation fills in what is named here and nothing else, and the protocol's hash covers it.
        hint_lines: for a method that needs hints: how many straight lines of true color evaluation draws on an image,
            and of how many pixels.
    """

    name: str
    tasks: frozenset[str] = frozenset(TASKS)
    needs: frozenset[str] = frozenset()
    hint_lines: tuple[int, int] = (40, 20)

    def fit(self, photographs: Sequence[Photograph]) -> Self:
        """Learn from the training photographs, once, before anything is restored; the default learns nothing."""
        del photographs
        return self

    @classmethod
    def learns(cls) -> bool:
        """Return whether `fit` does anything, so that training photographs are wanted."""
        return cls.fit is not Method.fit

    @abc.abstractmethod
    def restore(self, observation: Observation) -> Restored:
        """Return the restored image of an observation, which has all that `needs` names."""

    def fingerprint(self) -> dict[str, Any]:
        """Return plain values that tell the content of the files that it reads; {} for none.

        A method with another fingerprint is measured anew.
        """
        return {}
