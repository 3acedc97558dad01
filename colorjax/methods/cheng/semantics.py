"""A distribution over classes for each place of a gray image: the high-level features of Cheng et al.

The paper has a scene parser of 46 or so classes. Here a linear head on EfficientNet-Lite0's features tells the class of
the photograph from each of its 28x28 squares, and the distribution is smoothed along the edges of the gray image, as
the paper does. Photographs without classes get clusters of their features as classes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.cluster.vq import kmeans2

from colorjax.methods import imagenet_features, perceptron
from colorjax.methods.cheng.joint_bilateral import joint_bilateral

SQUARES = 49  # drawn from each photograph
STEPS = 1000  # of the training of the head
CLUSTERS = 12  # classes of photographs without classes
SIGMA_SPACE, SIGMA_RANGE = 2.0, 0.1  # of the smoothing: pixels, and gray in [0, 1]


class Semantics(NamedTuple):
    """The linear head.

    Attributes:
      head: from features of a square [D] to scores of the classes [K], by squared error to 1 and 0.
      classes: K.
      are_labels: whether the classes are those of the photographs, or clusters.
    """

    head: perceptron.Perceptron
    classes: int
    are_labels: bool

    def distribution(self, lightness: np.ndarray, gray: np.ndarray) -> np.ndarray:
        """Return the distribution at each place, float32 [S, S, K], with the sum 1.

        Args:
          lightness: of the stretched image, 0..100, [imagenet_features.SIDE] * 2.
          gray: of the stretched image, [S, S] in [0, 1], S a multiple of 28.
        """
        squares, _ = imagenet_features.features(lightness)
        scores = np.asarray(perceptron.predict(self.head, squares.reshape(-1, squares.shape[-1])))
        positive = np.maximum(scores, 1e-3).reshape(*squares.shape[:2], self.classes)
        times = gray.shape[0] // squares.shape[0]
        spread = np.repeat(np.repeat(positive / positive.sum(axis=-1, keepdims=True), times, axis=0), times, axis=1)
        return joint_bilateral(spread, gray, SIGMA_SPACE, SIGMA_RANGE)


def train(lightness: Sequence[np.ndarray], labels: Sequence[int]) -> Semantics:
    """Return the head trained on photographs.

    Args:
      lightness: of each photograph, as for `Semantics.distribution`; read one at a time.
      labels: the number of each photograph's class, -1 for none.
    """
    random = np.random.default_rng(0)
    rows = []
    for one in lightness:
        squares, _ = imagenet_features.features(one)
        squares = squares.reshape(-1, squares.shape[-1])
        rows.append(squares[random.choice(len(squares), SQUARES, replace=False)])
    labels = np.asarray(labels)
    are_labels = len(np.unique(labels[labels >= 0])) > 1
    if are_labels:
        known = labels >= 0
        inputs, classes = np.concatenate([row for row, there in zip(rows, known, strict=True) if there]), labels[known]
        numbers = np.repeat(classes, SQUARES)
        count = int(labels.max()) + 1
    else:
        inputs = np.concatenate(rows)
        scaled = (inputs - inputs.mean(axis=0)) / np.maximum(inputs.std(axis=0), 1e-6)
        count = min(CLUSTERS, len(inputs))
        _, numbers = kmeans2(scaled.astype(np.float64), count, minit="++", rng=random)
    return Semantics(perceptron.train(inputs, np.eye(count)[numbers], (), STEPS), count, are_labels)
