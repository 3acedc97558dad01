"""The colors of a picture on the small copy that the network sees, kept for the next tile.

Lightness is float32 [h, w] in 0..100, colors are float32 Lab a and b.
"""

import functools
import math
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from colorjax import restoration
from colorjax.color.gray import gray_levels, lightness_of_levels
from colorjax.color.spaces import rgb2lab
from colorjax.inference.color_upsampling import ColorUpsampling
from colorjax.inference.resizing import resize
from colorjax.methods.guidance import reduced_hints
from colorjax.methods.hint_strokes import HintStrokes, parse_hints
from colorjax.methods.network import NetworkMethod
from colorjax.page.pyramid import level_sizes, read_level
from colorjax.page.recipe import Recipe
from colorjax.pictures.arrays import in_unit_range
from colorjax.restoration_by_hints import by_scribbles
from colorjax.runtime.pixelwise import map_pixels

#: Pixels of the copy on which scribbles are solved for the view; the finished file is solved as by the command.
SCRIBBLE_PIXELS = 200 * 200
_REFERENCE_SIDE = 512


class Source(NamedTuple):
    """A picture as the colors depend on it.

    Attributes:
      folder: of the picture.
      height, width: of the picture, pixels.
      denoised: which denoised copy is blended in, 'gray'; '' for none.
      strength: of the denoising, 0 to 1.
    """

    folder: str
    height: int
    width: int
    denoised: str = ""
    strength: float = 0.0


class Guidance(NamedTuple):
    """What guides the colors; `revision` stands for the hints in the cache."""

    revision: int
    method: str
    vividness: float
    reference: str


class _Hints:
    """The strokes of a revision, parsed once."""

    def __init__(self):
        self._kept: dict[tuple[str, int], HintStrokes | None] = {}

    def of(self, folder: str, revision: int, recipe: Recipe) -> HintStrokes | None:
        if (folder, revision) not in self._kept:
            if len(self._kept) > 50:
                self._kept.clear()
            self._kept[folder, revision] = None if recipe.hints is None else parse_hints(recipe.hints)
        return self._kept[folder, revision]


_hints = _Hints()


def upsampling(source: Source, revision: int, recipe: Recipe, reference: str, level: int) -> ColorUpsampling | None:
    """Return the colors for a level of the picture; None where there are none, as by scribbles without any.

    Args:
      source: the picture.
      revision: of the recipe, but for the sliders; another one for other hints.
      recipe: what is asked for.
      reference: folder of the reference; '' for none.
      level: of the pyramid.
    """
    strokes = _hints.of(source.folder, revision, recipe)
    if recipe.method == "scribble" and strokes is None:
        return None
    guidance = Guidance(revision, recipe.method, recipe.vividness, reference)
    return _upsampling(source, guidance, strokes, level)


@functools.lru_cache(maxsize=32)
def _upsampling(source: Source, guidance: Guidance, strokes: HintStrokes | None, level: int) -> ColorUpsampling:
    small, colors = _colors(source, guidance, strokes)
    return ColorUpsampling(colors, small, *level_sizes(source.height, source.width)[level])


@functools.lru_cache(maxsize=64)
def _colors(source: Source, guidance: Guidance, strokes: HintStrokes | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the lightness of a small copy, and its colors."""
    if guidance.method == "scribble":
        return _by_scribbles(source, strokes)
    network = colorizer(guidance.vividness)
    copy = network.working_copy(source.height, source.width)
    hints = None
    if strokes is not None:
        hints = reduced_hints(strokes.drawn(copy.height, copy.width), copy.height, copy.width)
    small = reduced_lightness(source)
    reference = network.guidance_of(_small_reference(guidance.reference)) if guidance.reference else None
    return small, network.predict(small, copy, hints, reference)[1]


def colorizer(vividness: float) -> NetworkMethod:
    """Return the bundled colorizer."""
    return restoration.check_colorizer("network", "", False, vividness=vividness)


@functools.lru_cache(maxsize=64)
def reduced_lightness(source: Source) -> np.ndarray:
    """Return the lightness of the copy that the network sees."""
    copy = colorizer(0.5).working_copy(source.height, source.width)
    return resize(lightness_of_levels(_gray(source, 4 * copy.height * copy.width)), copy.height, copy.width)


def _gray(source: Source, pixels: int) -> np.ndarray:
    """Return the gray levels, uint8 [h, w], of the smallest level that has so many pixels, denoised as far as asked."""
    sizes = level_sizes(source.height, source.width)
    large_enough = [level for level, (height, width) in enumerate(sizes) if height * width >= pixels]
    level = large_enough[-1] if large_enough else 0
    place = Path(source.folder)
    levels = gray_levels(np.asarray(read_level(place, "before", level)))
    if source.denoised:
        denoised = gray_levels(np.asarray(read_level(place, f"denoised-{source.denoised}", level)))
        levels = blended(levels, denoised, source.strength)
    return levels


def blended(before: np.ndarray, denoised: np.ndarray, strength: float) -> np.ndarray:
    """Return strength * denoised + (1 - strength) * before, uint8, by whole steps of 1 / 256."""
    return cv2.addWeighted(np.ascontiguousarray(denoised), strength, np.ascontiguousarray(before), 1 - strength, 0)


def _by_scribbles(source: Source, strokes: HintStrokes) -> tuple[np.ndarray, np.ndarray]:
    levels = _gray(source, SCRIBBLE_PIXELS)
    scale = min(1.0, math.sqrt(SCRIBBLE_PIXELS / levels.size))
    height, width = (max(1, round(side * scale)) for side in levels.shape)
    levels = cv2.resize(levels, (width, height), interpolation=cv2.INTER_AREA)
    colored = by_scribbles(levels[..., np.newaxis], strokes.drawn(height, width), exact=False)
    return lightness_of_levels(levels), map_pixels(rgb2lab, in_unit_range(colored))[..., 1:]


@functools.lru_cache(maxsize=16)
def _small_reference(folder: str) -> np.ndarray:
    """Return a reference [h, w, 3] in [0, 1], its smallest copy that is large enough for a palette."""
    place, level = Path(folder), 0
    pixels = read_level(place, "before", 0)
    while min(pixels.shape[:2]) >= 2 * _REFERENCE_SIDE:
        level += 1
        pixels = read_level(place, "before", level)
    return in_unit_range(np.asarray(pixels))
