"""A person's own pictures: denoised, colorized, or both. No file is touched here; `colorjax.pictures` reads and writes.

Pictures are uint8 or uint16 sRGB, `[H, W, 1]` (gray) or `[H, W, 3]`, of any size; so are the results, of the same
dtype. No noise is ever added. Memory beside the picture and the result is bounded: large pictures go through the
networks in tiles (`colorjax.inference`).

`weights` is the name of a network that comes with colorjax or a file, as `colorjax.weights.load` takes it.
`progress` is called with the share that is done, from 0 to 1.
"""

import functools
from collections.abc import Callable

import jax
import numpy as np

from colorjax.color.gray import color_gray, gray_levels
from colorjax.color.spaces import rgb2lab
from colorjax.errors import UserError, nearest
from colorjax.inference.colorizing import colorize_pixels
from colorjax.inference.tiled_network import restore as restore_in_tiles
from colorjax.methods.method import Observation
from colorjax.methods.network import NetworkMethod
from colorjax.methods.pretrained import network_method
from colorjax.methods.scribble.hints import hints_from_marked
from colorjax.methods.scribble.method import Scribble
from colorjax.runtime.pixelwise import map_pixels
from colorjax.weights import load

Progress = Callable[[float], None]

DENOISER = "denoise_color"
GRAY_DENOISER = "denoise_gray"
COLORIZER = "colorize"
METHODS = ("network", "scribble")


def ignore(share: float) -> None:
    """Tell nobody about progress."""


def denoise(picture: np.ndarray, weights: str = "", progress: Progress = ignore) -> np.ndarray:
    """Return the picture without its noise, of its shape and dtype.

    Args:
      picture: uint8 or uint16 `[H, W, 1]` or `[H, W, 3]`.
      weights: of a denoiser; by default one for gray pictures where all channels are equal, else one for color.
      progress: see above.

    Raises:
      UserError: a picture of another kind, or weights that are for something else.
    """
    _check(picture)
    gray = is_gray(picture)
    network = check_denoiser(weights or (GRAY_DENOISER if gray else DENOISER))
    channels = network.task.input_channels
    if channels == 1 and not gray:
        raise UserError(f"the weights {network.name!r} are for gray pictures, and this one has colors; use others")
    rows, height = 0, picture.shape[0]

    def finished(pixels: int) -> None:
        nonlocal rows
        rows += pixels / picture.shape[1]
        progress(min(rows / height, 1.0))

    given = picture[..., :1] if channels == 1 else np.broadcast_to(picture, (*picture.shape[:2], 3))
    result = restore_in_tiles(network.model, network.variables, network.task, given, network.tiling, finished)
    if channels == 3 and gray:  # three channels that were one
        result = np.rint(result.mean(axis=-1, keepdims=True, dtype=np.float32)).astype(result.dtype)
    return result if result.shape == picture.shape else np.repeat(result, picture.shape[2], axis=-1)


def colorize(
    picture: np.ndarray,
    method: str = "",
    weights: str = "",
    hints: np.ndarray | None = None,
    progress: Progress = ignore,
) -> np.ndarray:
    """Return the picture in color, `[H, W, 3]` of its dtype; its gray levels stay exactly its own.

    Of a picture with colors only the lightness is used.

    Args:
      picture: uint8 or uint16 `[H, W, 1]` or `[H, W, 3]`.
      method: 'network', or 'scribble' (Levin et al. 2004); by default the one that the hints go with.
      weights: of a colorizer, for the network.
      hints: for scribbles: a copy of the picture, `[H, W, 3]`, with colors painted over it.
      progress: see above.

    Raises:
      UserError: a picture of another kind, hints of another size, for the network or without any paint, no hints for
        scribbles, or weights that are for something else.
    """
    _check(picture)
    network = check_colorizer(method, weights, hints is not None)
    if network is None:
        return _scribble(picture, hints)
    height = picture.shape[0]
    predict = functools.partial(_predict, network)
    return colorize_pixels(picture, predict, network.patch_size, lambda rows: progress(rows / height))


def restore(picture: np.ndarray, progress: Progress = ignore) -> np.ndarray:
    """Return the picture denoised and then colorized, `[H, W, 3]` of its dtype: the two phases of Sugumar's paper.

    Of a picture with colors only the lightness is used.

    Args:
      picture: uint8 or uint16 `[H, W, 1]` or `[H, W, 3]`.
      progress: see above.

    Raises:
      UserError: a picture of another kind.
    """
    _check(picture)
    gray = denoise(gray_levels(picture)[..., np.newaxis], progress=lambda share: progress(0.8 * share))
    return colorize(gray, progress=lambda share: progress(0.8 + 0.2 * share))


def check_denoiser(weights: str) -> NetworkMethod:
    """Return the network of these weights ("" for the one that comes with colorjax for pictures in color).

    Raises:
      UserError: they can't be had, or are for something else.
    """
    network = _network(weights or DENOISER)
    if network.task.colorizes:
        raise UserError(f"the weights {network.name!r} are for {network.task.input_kind}; denoising needs a denoiser's")
    return network


def check_colorizer(method: str, weights: str, with_hints: bool) -> NetworkMethod | None:
    """Return the network that is to color, or None for scribbles; arguments and errors as for `colorize`."""
    method = method or ("scribble" if with_hints else "network")
    if method not in METHODS:
        raise UserError(f"no method of colorizing is named {method!r}; {nearest(method, METHODS)}")
    if method == "scribble":
        if weights:
            raise UserError("the method scribble has no weights; leave them out")
        if not with_hints:
            raise UserError("the method scribble needs hints: a copy of the picture with colors painted over it")
        return None
    if with_hints:
        raise UserError("hints are for the method scribble, not for the network; leave out one of the two")
    network = _network(weights or COLORIZER)
    if not network.task.colorizes:
        raise UserError(
            f"the weights {network.name!r} are for {network.task.input_kind}; colorizing needs a colorizer's"
        )
    return network


def is_gray(picture: np.ndarray) -> bool:
    """Return whether all channels of a picture `[H, W, 1 or 3]` are equal."""
    first = picture[..., :1]
    # Row by row, because most pictures with colors show them in the first few.
    return all(np.all(row == one) for row, one in zip(picture, first, strict=True))


def _check(picture: np.ndarray) -> None:
    if not isinstance(picture, np.ndarray) or picture.dtype not in (np.uint8, np.uint16):
        kind = getattr(picture, "dtype", type(picture).__name__)
        raise UserError(f"a picture is an array of uint8 or uint16, not {kind}")
    if picture.ndim != 3 or picture.shape[2] not in (1, 3) or not picture.size:
        raise UserError(f"a picture is [H, W, 1] or [H, W, 3] of at least one pixel, not {list(picture.shape)}")


def _scribble(picture: np.ndarray, hints: np.ndarray) -> np.ndarray:
    _check(hints)
    if hints.shape[:2] != picture.shape[:2]:
        sizes = [f"{array.shape[1]}x{array.shape[0]} pixels" for array in (hints, picture)]
        raise UserError(f"the hints are {sizes[0]} and the picture {sizes[1]}: they must be alike")
    levels = gray_levels(picture)
    gray = np.repeat((levels / np.float32(np.iinfo(levels.dtype).max))[..., np.newaxis], 3, axis=-1)
    marked = np.broadcast_to(hints / np.float32(np.iinfo(hints.dtype).max), gray.shape)
    found = hints_from_marked(gray, marked)
    # Of a picture that is not quite gray, as most old ones are, a copy differs from the gray one everywhere.
    own = np.broadcast_to(picture / np.float32(np.iinfo(picture.dtype).max), gray.shape)
    mask = found.mask & hints_from_marked(own, marked).mask
    if not mask.any():
        raise UserError("the hints are the picture itself: nothing is painted over it")
    colored = Scribble().restore(Observation(gray, hints=found._replace(mask=mask))).image
    return color_gray(levels, map_pixels(rgb2lab, np.clip(colored, 0, 1))[..., 1:])


# A network and what is compiled for it serve all pictures of a command.
@functools.lru_cache(maxsize=4)
def _network(weights: str) -> NetworkMethod:
    return network_method(load(weights))


def _predict(network, lightness: np.ndarray) -> np.ndarray:
    inputs = (lightness / 50 - 1)[np.newaxis, ..., np.newaxis]
    return np.asarray(_colors(network.model, network.task, network.variables, network.frozen, inputs))[0]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _colors(model, task, variables, frozen, inputs):
    return task.colors(model.apply(variables, inputs, train=False, **model.conditioning(frozen, inputs)))
