"""Noise: degradations of an image that run on the device and inside jit.

A kind of noise is a pure function `noise(key, picture, level)`. It takes a float32 sRGB image [*b, H, W, C] in [0, 1],
one typed random key and one number, traced or not, and returns a float32 image of the same shape. A level is never
negative; a larger level degrades more, and 0 leaves the image as it is. The result is NOT clipped to [0, 1], because
denoising is measured without clipping. (Salt and pepper and clipping stay inside by definition, camera shake up to
rounding.) The kinds that model files are: `clipped_gaussian`, `jpeg` and `photograph` give 8 bits, `camera` is clipped.

    kind             level
    none             not read
    gaussian         standard deviation (0.05 in Sugumar; 25 / 255 is the usual "sigma = 25")
    poisson          standard deviation at white, 1 / sqrt(photons at white); 0.1 is 100 photons
    speckle          standard deviation of the factor 1 + n that multiplies each value
    salt_and_pepper  share of the pixels that become white or black, half each, in all channels at once
    clipped_whites   share of the range [0, 1] that is lost to white: all above 1 - level becomes 1
    clipped_blacks   share of the range [0, 1] that is lost to black: all below level becomes 0
    camera_shake     length of the motion in pixels, in a direction drawn at random
    mixture          level of the kind drawn for the image: gaussian, poisson, speckle or salt_and_pepper
    clipped_gaussian standard deviation before clipping and rounding to 8 bits
    camera           standard deviation at white of the shot noise in raw linear light; 0.1 is 100 photons
    film_grain       standard deviation at middle gray
    jpeg             share of the quality that is lost: quality 100 (1 - level)
    photograph       strength of a chain of these, from 0 to 1

To add a kind: write the function in its own file here, add one line to `NOISES`, and test it in tests/test_noise.py.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
from jax import Array

from colorjax.errors import UserError, nearest
from colorjax.noise.camera import camera_noise
from colorjax.noise.camera_shake import MAX_LENGTH, shake_camera
from colorjax.noise.clipped_gaussian import clipped_gaussian_noise
from colorjax.noise.clipping import clip_blacks, clip_whites
from colorjax.noise.film_grain import film_grain
from colorjax.noise.gaussian import gaussian_noise
from colorjax.noise.jpeg import jpeg
from colorjax.noise.mixture import mixture_noise
from colorjax.noise.photograph import photograph_noise
from colorjax.noise.poisson import poisson_noise
from colorjax.noise.salt_and_pepper import salt_and_pepper_noise
from colorjax.noise.speckle import speckle_noise


class Noise(NamedTuple):
    """A kind of noise.

    Attributes:
      function: `(key, picture, level) -> picture`, as in the module's docstring.
      unit: the quantity that the level measures, for error messages.
      maximum: the largest level for which the noise is defined.
      share_of_white: whether the level is in units of white, so that a number above 1 was meant for white at 255.
    """

    function: Callable[[Array, Array, Array | float], Array]
    unit: str
    maximum: float = math.inf
    share_of_white: bool = False


def no_noise(key: Array, picture: Array, level: Array | float) -> Array:
    """Return the image as it is."""
    del key, level
    return picture


NOISES: dict[str, Noise] = {
    "none": Noise(no_noise, "not read"),
    "gaussian": Noise(gaussian_noise, "standard deviation, white is 1", share_of_white=True),
    "poisson": Noise(poisson_noise, "standard deviation at white, 1 / sqrt(photons at white)", share_of_white=True),
    "speckle": Noise(speckle_noise, "standard deviation of the factor", share_of_white=True),
    "salt_and_pepper": Noise(salt_and_pepper_noise, "share of the pixels", 1.0),
    "clipped_whites": Noise(clip_whites, "share of the range lost to white", 0.99),
    "clipped_blacks": Noise(clip_blacks, "share of the range lost to black", 0.99),
    "camera_shake": Noise(shake_camera, "length of the motion in pixels", float(MAX_LENGTH)),
    "mixture": Noise(mixture_noise, "that of the kind drawn", 1.0, share_of_white=True),
    "clipped_gaussian": Noise(clipped_gaussian_noise, "standard deviation, white is 1", share_of_white=True),
    "camera": Noise(camera_noise, "standard deviation at white, 1 / sqrt(photons at white)", share_of_white=True),
    "film_grain": Noise(film_grain, "standard deviation at middle gray, white is 1", share_of_white=True),
    "jpeg": Noise(jpeg, "share of the quality lost", 0.99),
    "photograph": Noise(photograph_noise, "strength, from 0 to 1", 1.0),
}


def add_noise(keys: Array, pictures: Array, kind: str, level: tuple[float, float]) -> Array:
    """Add noise to each image with its own key and its own level, so that the result does not depend on the batch.

    Args:
      keys: typed random keys [*b], one for each image.
      pictures: images, float32 [*b, H, W, C] in [0, 1].
      kind: name in `NOISES`; static under jit.
      level: (low, high) as `check_noise` returns it. Each image's level is drawn uniformly between the two ("blind"
        denoising); it is fixed if they are equal.

    Returns:
      float32 [*b, H, W, C], not clipped.
    """
    low, high = level
    function = NOISES[kind].function

    def one(key: Array, picture: Array) -> Array:
        key_of_level, key_of_noise = jax.random.split(key)
        drawn = jax.random.uniform(key_of_level, (), picture.dtype, low, high)
        return function(key_of_noise, picture, drawn)

    for _ in keys.shape:
        one = jax.vmap(one)
    return one(keys, pictures)


def check_noise(kind: str, level, where: str = "config.task.noise") -> tuple[str, tuple[float, float]]:
    """Return (kind, (low, high)) as plain values for `add_noise`.

    Args:
      kind: name in `NOISES`.
      level: pair of numbers (low, high).
      where: place in the config, with which an error message begins.

    Raises:
      UserError: the kind is unknown, or the level is not a pair of finite numbers with 0 <= low <= high <= the kind's
        maximum.
    """
    if kind not in NOISES:
        raise UserError(f"{where}.kind: no noise is named {kind!r}; {nearest(kind, NOISES)}")
    noise, place = NOISES[kind], f"{where}.level = {level!r}"
    try:
        low, high = map(float, level)
    except (TypeError, ValueError):
        raise UserError(f"{place}: give two numbers (low, high), the same twice for a fixed level") from None
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UserError(f"{place}: both numbers must be finite")
    if low > high:
        raise UserError(f"{place}: low is above high; did you mean {(high, low)}?")
    if noise.share_of_white and high > 1:
        guess = (low / 255, high / 255)
        meant = f"{guess[1]:.3g} ({high:g}/255)" if low == high else f"({guess[0]:.3g}, {guess[1]:.3g}) ({level} / 255)"
        raise UserError(f"{place}: a level of {kind} ({noise.unit}) above 1 leaves nothing; did you mean {meant}?")
    if low < 0 or high > noise.maximum:
        reach = f"between 0 and {noise.maximum:g}" if math.isfinite(noise.maximum) else "not below 0"
        raise UserError(f"{place}: a level of {kind} ({noise.unit}) is {reach}")
    # All levels of "none" become one value, so that equal tasks compare equal and compile once.
    return kind, (0.0, 0.0) if kind == "none" else (low, high)
