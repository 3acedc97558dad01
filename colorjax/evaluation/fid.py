"""Features for FID, the Fréchet distance between pooled features of Inception (Heusel et al. 2017): float32 [2048].

Programs differ in how they bring pictures to Inception's 299x299, which changes FID (Parmar, Zhang and Zhu, "On Aliased
Resizing and Surprising Subtleties in GAN Evaluation", CVPR 2022). Here it is done in two manners:

- `clean`, as clean-fid's mode "clean": Pillow's bicubic, which is antialiased, for each channel in float32; cut off at
  0 and 255 but not rounded; (x - 128) / 128.
- `pytorch`, as pytorch-fid: bilinear between four pixels, not antialiased, of values in [0, 1]; 2x - 1.

Pictures are [H, W, 3] in [0, 1], of any size, one at a time. `metrics/frechet.py` has the distance.
"""

import functools

import jax
import numpy as np
from PIL import Image

from colorjax.inference.resizing import resize
from colorjax.models import inception_v3_weights
from colorjax.models.inception_v3 import SIZE, InceptionV3

#: manner -> the program that does so
PROGRAMS = {"clean": "clean-fid", "pytorch": "pytorch-fid"}


def require_weights() -> None:
    """Raise a `UserError` that says what to do if the weights of FID's Inception are missing or damaged."""
    inception_v3_weights.load()


def features(picture: np.ndarray, manner: str) -> np.ndarray:
    """Return the features of a picture.

    Args:
      picture: [H, W, 3] in [0, 1].
      manner: a key of `PROGRAMS`.

    Raises:
      UserError: as `require_weights`.
    """
    return np.asarray(_features(_variables(), inception_input(picture, manner)[np.newaxis]))[0]


def inception_input(picture: np.ndarray, manner: str) -> np.ndarray:
    """Return Inception's input for a picture: float32 [299, 299, 3] in [-1, 1].

    Args:
      picture: [H, W, 3] in [0, 1].
      manner: a key of `PROGRAMS`.
    """
    picture = np.asarray(picture, np.float32)
    if manner == "pytorch":
        return 2 * resize(picture, SIZE, SIZE, antialias=False) - 1
    planes = [Image.fromarray(plane) for plane in np.moveaxis(255 * picture, -1, 0)]
    resized = np.stack([np.asarray(plane.resize((SIZE, SIZE), Image.Resampling.BICUBIC)) for plane in planes], axis=-1)
    return (resized.clip(0, 255) - 128) / 128


@functools.cache
def _variables():
    return jax.device_put(inception_v3_weights.load().variables)


@jax.jit
def _features(variables: dict, inputs: jax.Array) -> jax.Array:
    return InceptionV3().apply(variables, inputs)["pooled"]
