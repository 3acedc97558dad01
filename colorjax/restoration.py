"""Colorize and restore images of any size: the public functions. Files are read and written by `colorjax.pictures`.

Images are uint8 or uint16 sRGB, `[H, W, 1]` (gray) or `[H, W, 3]`. The results have the same dtype. No noise is added.
Memory besides the image and the result is bounded, because large images go through the networks in parts
(`colorjax.inference`).

`weights` is the name of a bundled network or a file, as for `colorjax.weights.load`. `progress` is called with the
finished share of the work, from 0 to 1.
"""

import os
from collections.abc import Mapping

import numpy as np

from colorjax.color.gray import gray_levels, is_gray
from colorjax.denoising import Progress, denoise, ignore
from colorjax.errors import UserError, nearest
from colorjax.inference.colorizing import colorize_pixels
from colorjax.methods.guidance import reduced_hints
from colorjax.methods.hint_strokes import HintStrokes
from colorjax.methods.method import Hints
from colorjax.methods.network import NetworkMethod
from colorjax.methods.pretrained import loaded_network
from colorjax.methods.retrieval.folder import index_folder
from colorjax.methods.retrieval.method import TRANSFERS, build_transfer
from colorjax.methods.retrieval.search import Search
from colorjax.pictures.arrays import check_image, in_unit_range
from colorjax.restoration_by_example import by_reference, by_references
from colorjax.restoration_by_hints import by_scribbles, find_hints, require_size

COLORIZER = "colorize"
METHODS = ("network", "scribble", *TRANSFERS)
COUNT = 5  # references found in a folder


def colorize(
    picture: np.ndarray,
    method: str = "",
    weights: str = "",
    hints: np.ndarray | Hints | HintStrokes | None = None,
    reference: np.ndarray | None = None,
    vividness: float | None = None,
    progress: Progress = ignore,
    regions: np.ndarray | None = None,
    references: str | os.PathLike | Search | None = None,
    count: int = COUNT,
    exact: bool = False,
) -> np.ndarray:
    """Return the image in color, `[H, W, 3]` of the same dtype, with exactly the same gray levels.

    If the image has colors, only its lightness is used.

    Args:
      picture: the image, uint8 or uint16 `[H, W, 1]` or `[H, W, 3]`.
      method: 'network' (the default), 'scribble' (Levin et al. 2004), which needs hints, or one of the methods by
        example, which need a reference: 'welsh' (the default with `references`), 'irony', 'gupta', 'reinhard', or
        'same_scene' for a reference that shows the very same scene.
      weights: of a colorizer, for the network; by default the bundled one.
      hints: colors of some places: strokes and points (`methods.hint_strokes`), a copy of the image with colors painted
        over it, as for `find_hints`, or what that found.
      reference: an image with the colors that the result shall have, uint8 or uint16 `[h, w, 3]` of any size.
      vividness: from 0, the safe mean of the colors that the network thinks possible, to 1; None for the network's own.
      progress: called with the finished share, 0 to 1; not by 'scribble'.
      regions: for 'irony': which region of the reference each of its pixels belongs to, int `[h, w]`.
      references: a folder of color photographs, in which references are found; or a search in one.
      count: number of references to find.
      exact: for 'scribble': solve the equations for every pixel, however large the image, and not for a reduced copy.

    Raises:
      UserError: an image of another dtype or shape; an unknown method; weights that can't be loaded or are for another
        task; hints of another size, or those that `find_hints` refuses; a gray reference; a vividness outside 0 to 1; a
        reference or a vividness for weights that know none; for 'scribble' no hints, a reference, a
        vividness, or weights; for a method by example no reference, hints, a vividness or weights; regions of another
        size than the reference, or for another method; a folder of references that has none, or a count below 1;
        `exact` for another method.
    """
    check_image(picture)
    with_folder = references is not None
    method = check_method(method, reference is not None, with_folder, regions, exact)
    if method in TRANSFERS:
        check_by_example(method, weights, hints is not None, reference, vividness, regions, with_folder)
        transfer = build_transfer(method)
        if with_folder:
            search = references if isinstance(references, Search) else Search(index_folder(references))
            return by_references(picture, search, transfer, count, progress)[0]
        return by_reference(picture, transfer, reference, regions, progress)[0]
    network = check_colorizer(method, weights, hints is not None, reference, vividness)
    if isinstance(hints, np.ndarray):
        hints = find_hints(picture, hints)
    height, width = picture.shape[:2]
    if isinstance(hints, HintStrokes):
        require_size((hints.height, hints.width), (height, width))
    if network is None:
        hints = hints.drawn(height, width) if isinstance(hints, HintStrokes) else hints
        return by_scribbles(picture, hints, exact)
    copy = network.working_copy(height, width)
    if isinstance(hints, HintStrokes):
        hints = hints.drawn(copy.height, copy.width)
    reduced = None if hints is None else reduced_hints(hints, copy.height, copy.width)
    told = None if reference is None else network.guidance_of(in_unit_range(reference))

    def predict(lightness: np.ndarray) -> np.ndarray:
        return network.predict(lightness, copy, reduced, told)[1]

    return colorize_pixels(picture, predict, (copy.height, copy.width), lambda rows: progress(rows / height))


def restore(picture: np.ndarray, progress: Progress = ignore, strength: float = 1.0) -> np.ndarray:
    """Return the image denoised and then colorized, `[H, W, 3]` of the same dtype: the two phases of Sugumar's paper.

    If the image has colors, only its lightness is used.

    Args:
      picture: the image, uint8 or uint16 `[H, W, 1]` or `[H, W, 3]`.
      progress: called with the finished share, 0 to 1.
      strength: of the denoising, as for `denoise`; it has no part in the colors.

    Raises:
      UserError: an image of another dtype or shape, or a strength outside 0 to 1.
    """
    check_image(picture)
    levels = gray_levels(picture)[..., np.newaxis]
    gray = denoise(levels, progress=lambda share: progress(0.8 * share), strength=strength)
    return colorize(gray, progress=lambda share: progress(0.8 + 0.2 * share))


def check_method(
    method: str, with_reference: bool, with_folder: bool, regions: np.ndarray | None, exact: bool = False
) -> str:
    """Return the name of the method of `colorize`; the arguments are those of `colorize`.

    Raises:
      UserError: an unknown method; regions for another than 'irony'; a reference and a folder of them, or a folder for
        a method that takes none; `exact` for another than 'scribble'.
    """
    method = method or ("welsh" if with_folder else METHODS[0])
    if method not in METHODS:
        raise UserError(f"no method of colorizing is named {method!r}; {nearest(method, METHODS)}")
    if with_folder and with_reference:
        raise UserError("one reference and a folder of references: give one of them")
    if with_folder and method not in TRANSFERS:
        raise UserError(f"the method {method} takes no folder of references; use {', '.join(TRANSFERS)}")
    if regions is not None and method != "irony":
        raise UserError(f"the method {method} learns no regions; leave them out, or use the method irony")
    if regions is not None and with_folder:
        raise UserError("regions are of one reference, not of a folder of them")
    if exact and method != "scribble":
        raise UserError(f"the method {method} has no exact solution; leave --exact out, or use the method scribble")
    return method


def check_by_example(
    method: str,
    weights: str,
    with_hints: bool,
    reference: np.ndarray | None,
    vividness: float | None,
    regions: np.ndarray | None,
    with_folder: bool = False,
) -> None:
    """Raise a `UserError` unless a method by example can do with these arguments, which are those of `colorize`."""
    _refuse(method, {"weights": bool(weights), "hints": with_hints, "vividness": vividness is not None})
    if with_folder:
        return
    if reference is None:
        raise UserError(f"the method {method} needs a reference: a color photograph, or a folder of them")
    _check_reference(reference)
    if regions is not None and regions.shape != reference.shape[:2]:
        sizes = [f"{width}x{height} pixels" for height, width in (regions.shape, reference.shape[:2])]
        raise UserError(f"the regions are {sizes[0]} and the reference {sizes[1]}: they must be alike")


def _refuse(method: str, given: Mapping[str, bool]) -> None:
    """Raise a `UserError` for the first thing that is given and that the method has not."""
    for what, there in given.items():
        if there:
            raise UserError(f"the method {method} has no {what}; leave it out, or use the method network")


def check_colorizer(
    method: str,
    weights: str,
    with_hints: bool,
    reference: np.ndarray | None = None,
    vividness: float | None = None,
) -> NetworkMethod | None:
    """Return the network for `colorize`, or None if the method is 'scribble'.

    Args:
      method: 'network' or 'scribble'; "" for the network.
      weights: as for `colorize`.
      with_hints: whether there are hints.
      reference: as for `colorize`.
      vividness: as for `colorize`.

    Raises:
      UserError: as `colorize`, for all but the picture and the hints themselves.
    """
    if method == "scribble":
        others = {"weights": bool(weights), "reference": reference is not None, "vividness": vividness is not None}
        _refuse(method, others)
        if not with_hints:
            raise UserError("the method scribble needs hints: a copy of the picture with colors painted over it")
        return None
    network = loaded_network(weights or COLORIZER)
    if not network.task.colorizes:
        raise UserError(
            f"the weights {network.name!r} are for {network.task.input_kind}; colorizing needs a colorizer's"
        )
    if reference is not None:
        _check_reference(reference)
    if reference is not None and not network.takes_references:
        raise UserError(f"the weights {network.name!r} know no references; use others, or a method by example")
    if vividness is not None and not network.predicts_distribution:
        raise UserError(
            f"the weights {network.name!r} predict one color for each pixel, between which no vividness can choose; "
            "use others"
        )
    return network if vividness is None else network.with_vividness(vividness)


def _check_reference(reference: np.ndarray) -> None:
    """Raise a `UserError` unless the image has colors."""
    check_image(reference)
    if reference.shape[2] == 1 or is_gray(reference):
        raise UserError("the reference is gray: it has no colors to take over; give a color photograph")
