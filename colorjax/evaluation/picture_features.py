"""Features of whole pictures in color, for distances between sets of pictures."""

import functools

import jax
import numpy as np
from jax import Array

from colorjax.inference.resizing import resize
from colorjax.models import efficientnet_weights
from colorjax.models.efficientnet_lite import SIZES, EfficientNetLite, efficientnet_input

#: What the features are, for people; numbers of other features are others.
DECLARED = "EfficientNet-Lite0 trained on ImageNet, means of its stage 7 over the picture stretched to 224x224"


def features(picture: np.ndarray) -> np.ndarray:
    """Return the features of a picture [H, W, 3] in [0, 1], float32 [320].

    Raises:
      UserError: the published weights are missing; the message has the line that installs them.
    """
    side = SIZES[0].side
    square = resize(np.asarray(picture, np.float32), side, side)
    return np.asarray(_features(_weights(), square[np.newaxis]))[0]


@functools.cache
def _weights():
    return efficientnet_weights.load(0).variables


@jax.jit
def _features(variables: dict, pictures: Array) -> Array:
    return EfficientNetLite(0).apply(variables, efficientnet_input(pictures))["stage_7"].mean(axis=(1, 2))
