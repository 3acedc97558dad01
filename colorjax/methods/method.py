"""The interface of everything that restores an image, trained or not, and the data that a method receives.

Images are float32 sRGB [H, W, 3], clean ones in [0, 1].
"""

import abc
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from colorjax.pictures.images import Photograph
from colorjax.tasks import TASKS

#: What a method may receive besides the image, with its name in errors and tables.
NEEDS = {
    "noise": "the noise",
    "hints": "true colors",
    "references": "a reference photograph",
}


class Hints(NamedTuple):
    """Known colors of some pixels: `colors` [H, W, 3] in [0, 1], valid where `mask`, bool [H, W], is true."""

    colors: np.ndarray
    mask: np.ndarray


class HintDrawing(NamedTuple):
    """The hints that evaluation draws on an image from its true colors, for a method that needs hints.

    Attributes:
      shape: 'lines' (straight, one pixel wide, each pixel with its own color) or 'squares' (each with its mean color).
      count: number of lines or squares.
      size: length of the lines or side of the squares, pixels.
    """

    shape: str
    count: int
    size: int


class Observation(NamedTuple):
    """All that a method receives about one image.

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
    """The result of a method.

    Attributes:
      image: restored, [H, W, 3], clipped or not.
      outputs: a network's own outputs, [H, W, Cout], or None. If there are any, the task's loss is computed from them,
        because they still contain what the image lost to sRGB's gamut.
    """

    image: np.ndarray
    outputs: np.ndarray | None = None


class Method(abc.ABC):
    """The base class of all methods. Those in `METHODS` are dataclasses; their fields are settings with defaults.

    Attributes:
      name: its name in tables and in `METHODS`.
      tasks: names of the tasks that it can be measured on.
      needs: the names from `NEEDS` that an observation must have. This is the only way by which information about the
        clean image reaches a method: evaluation fills in what is named here and nothing else, and the protocol's hash
        covers it.
      hint_drawing: for a method that needs hints: those that evaluation draws on an image.
    """

    name: str
    tasks: frozenset[str] = frozenset(TASKS)
    needs: frozenset[str] = frozenset()
    hint_drawing: HintDrawing = HintDrawing("lines", 40, 20)

    def fit(self, photographs: Sequence[Photograph]) -> Self:
        """Learn from the training photographs and return self. Called once, before `restore`; the default does nothing.

        Raises:
          UserError: the method can't learn from these photographs.
        """
        del photographs
        return self

    def check_training(self, photographs: Sequence[Photograph]) -> None:
        """Look quickly whether `fit` can learn from these photographs; the default asks for nothing.

        Raises:
          UserError: it can't.
        """
        del photographs

    @classmethod
    def learns(cls) -> bool:
        """Return whether the class defines a `fit` and so needs training photographs."""
        return cls.fit is not Method.fit

    @abc.abstractmethod
    def restore(self, observation: Observation) -> Restored:
        """Return the restored image. The observation must have everything that `needs` names."""

    def remark(self, noise: tuple[str, float]) -> str:
        """Return what a person should know of results under noise of this kind and level, one line; "" for nothing."""
        del noise
        return ""

    def weight_count(self) -> int:
        """Return the number of weights that the results rest on, learned here or published; 0 for an algorithm."""
        return 0

    def fingerprint(self) -> dict[str, Any]:
        """Return plain values that identify the content of the files that the method reads; {} if there are none.

        It does not depend on `fit`. If it changes, or the photographs that `fit` learns from, the method is fitted and
        measured again.
        """
        return {}
