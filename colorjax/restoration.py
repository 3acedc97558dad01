"""Denoise and colorize images of any size: the public functions. Files are read and written by `colorjax.pictures`.

Images are uint8 or uint16 sRGB, `[H, W, 1]` (gray) or `[H, W, 3]`. The results have the same dtype. No noise is added.
Memory besides the image and the result is bounded, because large images go through the networks in parts
(`colorjax.inference`).

`weights` is the name of a bundled network or a file, as for `colorjax.weights.load`. `progress` is called with the
finished share of the work, from 0 to 1.
"""

import functools
from collections.abc import Callable

import numpy as np

from colorjax.color.gray import color_gray, gray_levels
from colorjax.color.spaces import rgb2lab
from colorjax.errors import UserError, nearest
from colorjax.inference.colorizing import colorize_pixels
from colorjax.inference.saturated import keep_saturated
from colorjax.inference.tiled_network import restore as restore_in_tiles
from colorjax.methods.guidance import palette_of_image, reduced_hints
from colorjax.methods.hint_strokes import HintStrokes
from colorjax.methods.method import Hints, Observation
from colorjax.methods.network import NetworkMethod
from colorjax.methods.pretrained import network_method
from colorjax.methods.scribble.method import Scribble
from colorjax.methods.scribble.paint import find_paint
from colorjax.runtime.pixelwise import map_pixels
from colorjax.weights import load

Progress = Callable[[float], None]

DENOISER = "denoise_color"
GRAY_DENOISER = "denoise_gray"
COLORIZER = "colorize"
METHODS = ("network", "scribble")


def ignore(share: float) -> None:
    """Discard progress updates (the default callback)."""


def denoise(picture: np.ndarray, weights: str = "", progress: Progress = ignore) -> np.ndarray:
    """Return the denoised image, of the shape and dtype of the given one. Saturated regions stay so.

    Args:
      picture: the image, uint8 or uint16 `[H, W, 1]` or `[H, W, 3]`.
      weights: of a denoiser; by default the bundled one for gray if all channels are equal, else the one for color.
      progress: called with the finished share, 0 to 1.

    Raises:
      UserError: an image of another dtype or shape, weights that can't be loaded or are for another task, or weights
        for gray images and an image with colors.
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
    if channels == 3 and gray:  # make the three channels equal again
        result = np.rint(result.mean(axis=-1, keepdims=True, dtype=np.float32)).astype(result.dtype)
    result = result if result.shape == picture.shape else np.repeat(result, picture.shape[2], axis=-1)
    return keep_saturated(picture, result)


def colorize(
    picture: np.ndarray,
    method: str = "",
    weights: str = "",
    hints: np.ndarray | Hints | HintStrokes | None = None,
    reference: np.ndarray | None = None,
    vividness: float | None = None,
    progress: Progress = ignore,
) -> np.ndarray:
    """Return the image in color, `[H, W, 3]` of the same dtype, with exactly the same gray levels.

    If the image has colors, only its lightness is used.

    Args:
      picture: the image, uint8 or uint16 `[H, W, 1]` or `[H, W, 3]`.
      method: 'network' (the default), or 'scribble' (Levin et al. 2004), which needs hints.
      weights: of a colorizer, for the network; by default the bundled one.
      hints: colors of some places: strokes and points (`methods.hint_strokes`), a copy of the image with colors painted
        over it, as for `find_hints`, or what that found.
      reference: an image with the colors that the result shall have, uint8 or uint16 `[h, w, 3]` of any size.
      vividness: from 0, the safe mean of the colors that the network thinks possible, to 1; None for the network's own.
      progress: called with the finished share, 0 to 1; only by the network.

    Raises:
      UserError: an image of another dtype or shape; an unknown method; weights that can't be loaded or are for another
        task; hints of another size, or those that `find_hints` refuses; a gray reference; a vividness outside 0 to 1; a
        reference or a vividness for weights that predict no distribution; for 'scribble' no hints, a reference, a
        vividness, or weights.
    """
    _check(picture)
    network = check_colorizer(method, weights, hints is not None, reference, vividness)
    if isinstance(hints, np.ndarray):
        hints = find_hints(picture, hints)
    height, width = picture.shape[:2]
    if isinstance(hints, HintStrokes):
        require_size((hints.height, hints.width), (height, width))
    if network is None:
        return _scribble(picture, hints.drawn(height, width) if isinstance(hints, HintStrokes) else hints)
    copy = network.working_copy(height, width)
    if isinstance(hints, HintStrokes):
        hints = hints.drawn(copy.height, copy.width)
    reduced = None if hints is None else reduced_hints(hints, copy.height, copy.width)
    palette = None if reference is None else palette_of_image(_in_unit_range(reference))

    def predict(lightness: np.ndarray) -> np.ndarray:
        return network.predict(lightness, copy, reduced, palette)[1]

    return colorize_pixels(picture, predict, (copy.height, copy.width), lambda rows: progress(rows / height))


def restore(picture: np.ndarray, progress: Progress = ignore) -> np.ndarray:
    """Return the image denoised and then colorized, `[H, W, 3]` of the same dtype: the two phases of Sugumar's paper.

    If the image has colors, only its lightness is used.

    Args:
      picture: the image, uint8 or uint16 `[H, W, 1]` or `[H, W, 3]`.
      progress: called with the finished share, 0 to 1.

    Raises:
      UserError: an image of another dtype or shape.
    """
    _check(picture)
    gray = denoise(gray_levels(picture)[..., np.newaxis], progress=lambda share: progress(0.8 * share))
    return colorize(gray, progress=lambda share: progress(0.8 + 0.2 * share))


def check_denoiser(weights: str) -> NetworkMethod:
    """Return the denoiser with these weights ("" for the bundled one for images in color).

    Raises:
      UserError: the weights can't be loaded, or are for another task.
    """
    network = _network(weights or DENOISER)
    if network.task.colorizes:
        raise UserError(f"the weights {network.name!r} are for {network.task.input_kind}; denoising needs a denoiser's")
    return network


def check_colorizer(
    method: str,
    weights: str,
    with_hints: bool,
    reference: np.ndarray | None = None,
    vividness: float | None = None,
) -> NetworkMethod | None:
    """Return the network for `colorize`, or None if the method is 'scribble'.

    Args:
      method: as for `colorize`.
      weights: as for `colorize`.
      with_hints: whether there are hints.
      reference: as for `colorize`.
      vividness: as for `colorize`.

    Raises:
      UserError: as `colorize`, for all but the picture and the hints themselves.
    """
    method = method or METHODS[0]
    if method not in METHODS:
        raise UserError(f"no method of colorizing is named {method!r}; {nearest(method, METHODS)}")
    if method == "scribble":
        others = {"weights": bool(weights), "reference": reference is not None, "vividness": vividness is not None}
        for what, given in others.items():
            if given:
                raise UserError(f"the method scribble has no {what}; leave it out, or use the method network")
        if not with_hints:
            raise UserError("the method scribble needs hints: a copy of the picture with colors painted over it")
        return None
    network = _network(weights or COLORIZER)
    if not network.task.colorizes:
        raise UserError(
            f"the weights {network.name!r} are for {network.task.input_kind}; colorizing needs a colorizer's"
        )
    if reference is not None:
        _check_reference(reference)
    if not network.predicts_distribution:
        for what, given in {"reference": reference is not None, "vividness": vividness is not None}.items():
            if given:
                raise UserError(
                    f"the weights {network.name!r} predict one color for each pixel, between which no {what} can "
                    "choose; use others"
                )
    return network if vividness is None else network.with_vividness(vividness)


def _check_reference(reference: np.ndarray) -> None:
    """Raise a `UserError` unless the image has colors."""
    _check(reference)
    if reference.shape[2] == 1 or is_gray(reference):
        raise UserError("the reference is gray: it has no colors to take over; give a color photograph")


def is_gray(picture: np.ndarray) -> bool:
    """Return whether all channels of an image `[H, W, 1 or 3]` are equal."""
    first = picture[..., :1]
    # Row by row, because most images with colors have some in the first few rows.
    return all(np.all(row == one) for row, one in zip(picture, first, strict=True))


def _check(picture: np.ndarray) -> None:
    if not isinstance(picture, np.ndarray) or picture.dtype not in (np.uint8, np.uint16):
        kind = getattr(picture, "dtype", type(picture).__name__)
        raise UserError(f"a picture is an array of uint8 or uint16, not {kind}")
    if picture.ndim != 3 or picture.shape[2] not in (1, 3) or not picture.size:
        raise UserError(f"a picture is [H, W, 1] or [H, W, 3] of at least one pixel, not {list(picture.shape)}")


def find_hints(picture: np.ndarray, marked: np.ndarray) -> Hints:
    """Return the colors that a person painted over a copy of an image (see `methods.scribble.paint`).

    Args:
      picture: the image, uint8 or uint16 `[H, W, 1]` or `[H, W, 3]`.
      marked: the copy, uint8 or uint16 `[H, W, 1, 3 or 4]`; the fourth channel is alpha. It may also be strokes alone
        on transparency.

    Raises:
      UserError: the two have different sizes, or nothing or more than half of the pixels is painted.
    """
    _check(picture)
    alpha = None
    if isinstance(marked, np.ndarray) and marked.ndim == 3 and marked.shape[2] == 4:
        alpha, marked = _in_unit_range(marked[..., 3]), marked[..., :3]
    _check(marked)
    require_size(marked.shape[:2], picture.shape[:2])
    shape = (*picture.shape[:2], 3)
    gray = np.broadcast_to(_in_unit_range(gray_levels(picture))[..., np.newaxis], shape)
    own, painted = (np.broadcast_to(_in_unit_range(array), shape) for array in (picture, marked))
    return find_paint(own, gray, painted, alpha)


def require_size(hints: tuple[int, int], picture: tuple[int, int]) -> None:
    """Raise a `UserError` unless hints are for a picture of this size; both are height and width."""
    if tuple(hints) != tuple(picture):
        sizes = [f"{width}x{height} pixels" for height, width in (hints, picture)]
        raise UserError(f"the hints are {sizes[0]} and the picture {sizes[1]}: they must be alike")


def _scribble(picture: np.ndarray, hints: Hints) -> np.ndarray:
    levels = gray_levels(picture)
    gray = np.repeat(_in_unit_range(levels)[..., np.newaxis], 3, axis=-1)
    colored = Scribble().restore(Observation(gray, hints=hints)).image
    return color_gray(levels, map_pixels(rgb2lab, np.clip(colored, 0, 1))[..., 1:])


def _in_unit_range(values: np.ndarray) -> np.ndarray:
    return values / np.float32(np.iinfo(values.dtype).max)


# Cached, so that all images of a command share one network and its compiled programs.
@functools.lru_cache(maxsize=4)
def _network(weights: str) -> NetworkMethod:
    return network_method(load(weights))
