"""LEARCH as a method: it learns a quadratic objective from training photographs, and minimizes it for a gray image."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Self

import numpy as np
from scipy.cluster.vq import kmeans2
from tqdm import tqdm

from colorjax.color.gray import gray_copy
from colorjax.color.spaces import recolor, rgb2lab
from colorjax.errors import UserError
from colorjax.inference.color_upsampling import upsample_colors
from colorjax.inference.resizing import resize
from colorjax.methods import perceptron
from colorjax.methods.learch import filters, histogram, objective
from colorjax.methods.learch.chroma import LIMIT, chroma_of, colors_of_gray_copy
from colorjax.methods.learch.features import LENGTH, SIDE, features
from colorjax.methods.method import Method, Observation, Restored
from colorjax.methods.retrieval.descriptor import describe
from colorjax.methods.retrieval.index import index_photographs, require_references
from colorjax.methods.retrieval.search import Search
from colorjax.methods.settings import require_at_least
from colorjax.pictures.images import Photograph
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks import TASKS

HIDDEN = (64, 32)
#: Of the regressions, as in `perceptron.train`: on photographs kept out of training the error of b was 0.87 of that of
#: zero with it and 1.17 without it, that of the mean 0.86 (70 photographs to learn from, 2026-12-01).
NOISE = 1.0


class _Scene(NamedTuple):
    """What was learned of one kind of scene: the regression of b, and the mixture of its chroma."""

    regression: perceptron.Perceptron
    means: np.ndarray
    weights: np.ndarray


@dataclasses.dataclass
class Learch(Method):
    """Colors by a learned quadratic objective over filtered chroma (Deshpande, Rock and Forsyth 2015).

    The paper's: the objective and its solution, one regression for each kind of scene, chroma of the nine most similar
    training images among the features, the correction of the histogram. The released program's: chroma, the kinds of
    filters, the constants in `objective.py` and, but for what is named there, `histogram.py`. This project's: kinds of
    scenes are clusters of the descriptor of `retrieval`, which also finds the similar images (the paper's scenes are
    labels, and its descriptor is not known); a perceptron in place of boosted trees; 88 features in place of 232;
    squares of 64 pixels, whose colors are brought to full size along the edges; components of a Gaussian mixture in a
    fixed number.

    Attributes:
      scenes: number of kinds of scenes, or as many as there are photographs.
      matches: number of similar training images whose chroma is a feature.
      pixels: drawn from each photograph.
      steps: of the training of each regression.
      histogram: whether the histogram is corrected.

    Raises:
      UserError: a number below 1.
    """

    scenes: int = 4
    matches: int = 9
    pixels: int = 500
    steps: int = 2000
    histogram: bool = True
    name: ClassVar[str] = "learch"
    tasks: ClassVar[frozenset[str]] = frozenset(name for name, task in TASKS.items() if task.colorizes)

    def __post_init__(self):
        require_at_least(1, self, "scenes", "matches", "pixels", "steps")
        self._search = None

    def check_training(self, photographs: Sequence[Photograph]) -> None:
        """See `Method.check_training`.

        Raises:
          UserError: fewer than two photographs have colors.
        """
        require_references(photographs, 2, self.name)

    def fit(self, photographs: Sequence[Photograph]) -> Self:
        """Learn filters, projection, regressions and mixtures from color photographs.

        Raises:
          UserError: fewer than two different photographs have colors.
        """
        self.check_training(photographs)
        index = index_photographs(photographs)
        if len(index.hashes) < 2:
            raise UserError("the method learch learns from two photographs or more, and all are copies of one")
        self._search = Search(index)
        lab, self._chroma = [], []
        for number in range(len(index.hashes)):
            square = resize(index.read(number).astype(np.float32) / np.float32(255), SIDE, SIDE)
            lab.append(map_pixels(rgb2lab, square)[..., 0])
            self._chroma.append(np.clip(map_pixels(chroma_of, square), -LIMIT, LIMIT))
        self._chroma = np.stack(self._chroma)

        kernels = filters.kernels(filters.patch_components(self._chroma))
        random = np.random.default_rng(0)
        rows = random.integers(0, SIDE**2, (len(lab), self.pixels))
        responses = [
            _rows(filters.responses(one[np.newaxis], kernels)[0], at)
            for one, at in zip(self._chroma, rows, strict=True)
        ]
        projection = objective.projection(np.concatenate(responses))
        self._kernels = objective.projected_kernels(kernels, projection)
        targets = [one @ projection.T for one in responses]

        inputs = []
        for number, at in enumerate(tqdm(rows, desc="features", unit="picture", disable=None, leave=False)):
            seen = self._features(_grey_of(index.read(number)), lab[number], index.hashes[number])
            inputs.append(_rows(seen, at))
        self._find_scenes(index.descriptors)
        labels = np.array([self._scene_of(one) for one in index.descriptors])
        self._scenes = {}
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            regression = perceptron.train(
                np.concatenate([inputs[i] for i in members]),
                np.concatenate([targets[i] for i in members]),
                HIDDEN,
                self.steps,
                NOISE,
            )
            colors = np.concatenate([_rows(self._chroma[i], rows[i]) for i in members])
            self._scenes[label] = _Scene(regression, *histogram.mixture(colors))
        return self

    def restore(self, observation: Observation) -> Restored:
        """Return the colored image, not clipped.

        Raises:
          UserError: `fit` has not been called.
        """
        if self._search is None:
            raise UserError("the method learch must learn from training photographs (fit) before it restores pictures")
        lightness = map_pixels(rgb2lab, observation.image)[..., 0]
        small, grey = (resize(values, SIDE, SIDE) for values in (lightness, observation.image.mean(axis=-1)))
        scene = self._scenes[self._scene_of(describe(small))]
        seen = self._features(grey, small)
        b = np.asarray(perceptron.predict(scene.regression, seen.reshape(-1, LENGTH))).reshape(SIDE, SIDE, -1)
        chroma = objective.solve(b, self._kernels)
        if self.histogram:
            chroma = histogram.correct(chroma, b, self._kernels, scene.means, scene.weights)
        chroma = np.clip(np.asarray(chroma), -LIMIT, LIMIT)
        colors = np.clip(map_pixels(_colored, np.concatenate([chroma, grey[..., np.newaxis]], axis=-1)), 0, 1)
        ab = upsample_colors(map_pixels(rgb2lab, colors)[..., 1:], small, lightness)
        return Restored(map_pixels(recolor, observation.image, ab))

    def weight_count(self) -> int:
        """Return the number of weights of all regressions."""
        return sum(scene.regression.count() for scene in self._scenes.values())

    def _features(self, grey: np.ndarray, lightness: np.ndarray, content: str = "") -> np.ndarray:
        """Return the features of an image [SIDE, SIDE]; a training photograph is not among its own matches."""
        try:
            found = [match.number for match in self._search.nearest(lightness, self.matches, content).found]
        except UserError:  # all others are copies of it
            found = [number for number, one in enumerate(self._search.index.hashes) if one != content]
        return features(grey, self._chroma[found])

    def _find_scenes(self, descriptors: np.ndarray) -> None:
        count = min(self.scenes, len(descriptors))
        random = np.random.default_rng(0)
        centers, labels = kmeans2(descriptors.astype(np.float64), count, minit="++", rng=random)
        self._centers = centers[np.unique(labels)]  # a cluster may have lost all its members

    def _scene_of(self, descriptor: np.ndarray) -> int:
        return int(np.argmin(np.sum((self._centers - descriptor) ** 2, axis=-1)))


def _grey_of(picture: np.ndarray) -> np.ndarray:
    """Return the gray copy of a photograph, uint8 [H, W, 3], as [SIDE, SIDE] in [0, 1]."""
    return resize(map_pixels(gray_copy, picture.astype(np.float32) / np.float32(255))[..., 0], SIDE, SIDE)


def _colored(chroma_and_grey):
    return colors_of_gray_copy(chroma_and_grey[..., :2], chroma_and_grey[..., 2])


def _rows(maps: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the values of maps [SIDE, SIDE, C] at the places `at` [n], [n, C]."""
    return np.asarray(maps).reshape(SIDE**2, -1)[at]
