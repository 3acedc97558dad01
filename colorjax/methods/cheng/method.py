"""The colorizer of Cheng, Yang and Sheng as a method: a network for each cluster of images, and a smoothed result."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy.cluster.vq import kmeans2
from tqdm import tqdm

from colorjax.color.gray import gray_copy
from colorjax.color.spaces import recolor, rgb2lab
from colorjax.errors import UserError
from colorjax.inference.color_upsampling import upsample_colors
from colorjax.inference.resizing import resize
from colorjax.methods import imagenet_features, perceptron
from colorjax.methods.cheng import semantics
from colorjax.methods.cheng.features import LENGTH, SIDE, features
from colorjax.methods.cheng.joint_bilateral import joint_bilateral
from colorjax.methods.cheng.yuv import colors_of, uv_of
from colorjax.methods.method import Method, Observation, Restored
from colorjax.methods.retrieval.descriptor import describe
from colorjax.methods.settings import require_at_least, require_positive
from colorjax.pictures.images import Photograph
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks import TASKS

HIDDEN = (64, 32, 16)  # three hidden layers, each half of the one before; the first half of the inputs (the paper)
SIGMA_SPACE, SIGMA_RANGE = 3.0, 0.1  # of the smoothing of U and V: pixels of the square, and gray in [0, 1]
#: Of the networks, as in `perceptron.train`: on photographs kept out of training the error of U and V was 0.77 of that
#: of gray with it and 1.1 without it, that of the mean 0.79 (70 photographs to learn from, 2026-12-01).
NOISE = 1.0
NEAREST = 2  # clusters that are compared by their semantics
_BIN = 0.05  # side of the bins of U and V over which pixels are drawn more evenly


class Seen(NamedTuple):
    """What is seen of a gray image.

    Attributes:
      gray: [SIDE, SIDE] in [0, 1].
      inputs: of the networks, [SIDE^2, D].
      descriptor: of the whole image.
      histogram: mean of the distribution over classes, [K]; empty without semantics.
    """

    gray: np.ndarray
    inputs: np.ndarray
    descriptor: np.ndarray
    histogram: np.ndarray


class Cluster(NamedTuple):
    """A network, and the means of the descriptors and histograms of the images that it is for."""

    network: perceptron.Perceptron
    descriptor: np.ndarray
    histogram: np.ndarray


@dataclasses.dataclass
class Cheng(Method):
    """Predicts U and V of each pixel from features of three levels (Cheng, Yang and Sheng 2015).

    The paper's: the gray patch of 7x7, DAISY, a distribution over classes; three hidden layers and squared error;
    clusters of images by a global descriptor, with one network each; images that their network colors well leave, the
    rest is clustered again; at test time the nearest clusters by the descriptor, among them the one with the nearest
    semantic histogram; joint bilateral filtering of U and V along gray. This project's, since the authors' program is
    not to be had: the descriptor (that of `retrieval`), the classes (`semantics.py`), widths, numbers, both sigmas, and
    a square of 112 pixels, whose colors are brought to full size along the edges. Whether an image is colored well is
    told by the pixels that its network learned from, which is optimistic; the network of a cluster of which no image is
    stays. The Y that U and V are joined with is the gray copy, whose luminance is that of Lab and not BT.601's.

    Attributes:
      clusters: in each layer, or as many as there are images.
      layers: how many times images are clustered, at most.
      enough: PSNR of U and V, for a peak of 1, above which an image is colored well and leaves, dB.
      semantic: whether there are semantic features; without them no published weights are read.
      pixels: drawn from each photograph.
      steps: of the training of each network.

    Raises:
      UserError: a number out of range.
    """

    clusters: int = 4
    layers: int = 2
    enough: float = 26.0
    semantic: bool = True
    pixels: int = 500
    steps: int = 2000
    name: ClassVar[str] = "cheng"
    tasks: ClassVar[frozenset[str]] = frozenset(name for name, task in TASKS.items() if task.colorizes)

    def __post_init__(self):
        require_at_least(1, self, "clusters", "layers", "pixels", "steps")
        require_positive(self, "enough")
        self._clusters, self._semantics = [], None

    def fit(self, photographs: Sequence[Photograph]) -> Self:
        """Learn the semantic head and the networks from color photographs.

        Raises:
          UserError: there is no photograph, or ImageNet's weights are missing (without them: method.semantic=False).
        """
        if not len(photographs):
            raise UserError("the method cheng learns from training photographs, and there are none")
        if self.semantic:
            imagenet_features.weights()
            lightness = (_lightness(_gray_copy(photograph)) for photograph in photographs)
            self._semantics = semantics.train(lightness, [photograph.label for photograph in photographs])
        random = np.random.default_rng(0)
        inputs, targets, descriptors, histograms = [], [], [], []
        for photograph in tqdm(photographs, desc="features", unit="picture", disable=None, leave=False):
            seen = self._see(_gray_copy(photograph))
            colors = resize(photograph.picture.astype(np.float32) / np.float32(255), SIDE, SIDE)
            uv = map_pixels(uv_of, colors).reshape(-1, 2)
            at = _drawn(random, uv, self.pixels)
            inputs.append(seen.inputs[at])
            targets.append(uv[at])
            descriptors.append(seen.descriptor)
            histograms.append(seen.histogram)
        self._clusters = []
        left = np.arange(len(inputs))
        for layer in range(self.layers):
            last = layer == self.layers - 1
            remaining = []
            for members in _clustered(random, np.array([descriptors[i] for i in left]), self.clusters):
                own = left[members]
                rows = [np.concatenate([values[i] for i in own]) for values in (inputs, targets)]
                network = perceptron.train(*rows, HIDDEN, self.steps, NOISE)
                errors = [np.mean((perceptron.predict(network, inputs[i]) - targets[i]) ** 2) for i in own]
                well = -10 * np.log10(np.maximum(errors, 1e-10)) >= self.enough
                kept = own if last or not well.any() else own[well]
                means = [np.mean([values[i] for i in kept], axis=0) for values in (descriptors, histograms)]
                self._clusters.append(Cluster(network, *means))
                remaining += [] if last else own[~well].tolist()
            left = np.array(remaining, int)
            if not len(left):
                break
        return self

    def restore(self, observation: Observation) -> Restored:
        """Return the colored image, not clipped.

        Raises:
          UserError: `fit` has not been called.
        """
        if not self._clusters:
            raise UserError("the method cheng must learn from training photographs (fit) before it restores pictures")
        gray = observation.image.mean(axis=-1)
        seen = self._see(gray)
        network = self._cluster_of(seen).network
        uv = np.asarray(perceptron.predict(network, seen.inputs)).reshape(SIDE, SIDE, 2)
        uv = joint_bilateral(uv, seen.gray, SIGMA_SPACE, SIGMA_RANGE)
        colors = np.clip(map_pixels(_colored, np.concatenate([seen.gray[..., np.newaxis], uv], axis=-1)), 0, 1)
        lightness = map_pixels(rgb2lab, observation.image)[..., 0]
        ab = upsample_colors(map_pixels(rgb2lab, colors)[..., 1:], resize(lightness, SIDE, SIDE), lightness)
        return Restored(map_pixels(recolor, observation.image, ab))

    def weight_count(self) -> int:
        """Return the number of weights of all networks, of the semantic head and of its features."""
        head = self._semantics.head.count() + imagenet_features.weight_count() if self._semantics else 0
        return head + sum(cluster.network.count() for cluster in self._clusters)

    def fingerprint(self) -> dict[str, Any]:
        """Return the hash of the published weights that the semantic features rest on."""
        return {"features": imagenet_features.fingerprint()} if self.semantic else {}

    def _see(self, gray: np.ndarray) -> Seen:
        """Return what is seen of a gray image [H, W] of any size."""
        small, lightness = np.clip(resize(gray, SIDE, SIDE), 0, 1), _lightness(gray)
        parts = [features(small).reshape(-1, LENGTH)]
        histogram = np.zeros(0, np.float32)
        if self._semantics:
            distribution = self._semantics.distribution(lightness, small)
            parts.append(distribution.reshape(SIDE**2, -1))
            histogram = parts[-1].mean(axis=0)
        return Seen(small, np.concatenate(parts, axis=-1), describe(lightness), histogram)

    def _cluster_of(self, seen: Seen) -> Cluster:
        distances = [np.sum((cluster.descriptor - seen.descriptor) ** 2) for cluster in self._clusters]
        nearest = np.argsort(distances, kind="stable")[: NEAREST if self._semantics else 1]
        histograms = [np.sum((self._clusters[i].histogram - seen.histogram) ** 2) for i in nearest]
        return self._clusters[nearest[int(np.argmin(histograms))]]


def _gray_copy(photograph: Photograph) -> np.ndarray:
    return map_pixels(gray_copy, photograph.picture.astype(np.float32) / np.float32(255))[..., 0]


def _lightness(gray: np.ndarray) -> np.ndarray:
    """Return the lightness of a gray image [H, W], stretched into the square of ImageNet's features."""
    return imagenet_features.lightness_and_ab(np.repeat(gray[..., np.newaxis], 3, axis=-1))[..., 0]


def _colored(luma_and_uv):
    return colors_of(luma_and_uv[..., 0], luma_and_uv[..., 1:])


def _drawn(random: np.random.Generator, uv: np.ndarray, count: int) -> np.ndarray:
    """Return places of `count` pixels, drawn with weights of one over the root of how common their colors are.

    Drawn evenly, most would be nearly gray, and so would the networks' colors be.
    """
    bins = np.floor(uv / _BIN + 0.5).astype(int)
    _, numbers, counts = np.unique(bins, axis=0, return_inverse=True, return_counts=True)
    weights = counts[numbers.ravel()] ** -0.5
    return random.choice(len(uv), count, p=weights / weights.sum())


def _clustered(random: np.random.Generator, descriptors: np.ndarray, count: int) -> list[np.ndarray]:
    """Return the members of each cluster of descriptors [n, D], none empty."""
    _, labels = kmeans2(descriptors.astype(np.float64), min(count, len(descriptors)), minit="++", rng=random)
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]
