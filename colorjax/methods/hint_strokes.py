"""Hints as strokes and points in a picture's own coordinates, and the JSON file that holds them.

    {"format": "colorjax hints", "version": 1, "width": 640, "height": 480,
     "strokes": [{"color": "#b5653a", "width": 9, "points": [[12.5, 30], [80, 31.5]]}],
     "points":  [{"color": "#3a64b5", "size": 7, "x": 300, "y": 200}]}

Coordinates are in pixels of the upright picture, x to the right and y downwards; 0, 0 is the outer corner of the
picture's first pixel, so its center is 0.5, 0.5. A color is sRGB. A stroke is a line through its points of a width in
pixels; a point is a square of a side in pixels. What comes later covers what came before, points cover strokes.
`strokes` or `points` may be missing.
"""

import itertools
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from colorjax.errors import UserError, nearest
from colorjax.methods.method import Hints

FORMAT, VERSION = "colorjax hints", 1
SUFFIX = ".json"

_COLOR = re.compile("#[0-9a-fA-F]{6}")


class Stroke(NamedTuple):
    """A line of one color: its points (x, y), its color in [0, 1], and its width in pixels."""

    points: tuple[tuple[float, float], ...]
    color: tuple[float, float, float]
    width: float


class HintStrokes(NamedTuple):
    """The hints of a picture of `width` x `height` pixels; a point is a stroke with a single point."""

    width: int
    height: int
    strokes: tuple[Stroke, ...]

    def drawn(self, height: int, width: int) -> Hints:
        """Return the hints on a copy of the picture of this size; each stroke covers a pixel at least."""
        colors, mask = np.zeros((height, width, 3), np.float32), np.zeros((height, width), bool)
        scale = np.array([width / self.width, height / self.height])
        for stroke in self.strokes:
            own = np.zeros_like(mask)
            points = np.array(stroke.points) * scale
            size = stroke.width * math.sqrt(scale[0] * scale[1])
            if len(points) == 1:
                half = np.maximum(stroke.width * scale, 1) / 2
                # At least a pixel each way, however small the point is and wherever it lies.
                first = np.clip(np.floor(points[0] - half + 0.5), 0, [width - 1, height - 1]).astype(int)
                last = np.clip(np.floor(points[0] + half + 0.5), first + 1, [width, height]).astype(int)
                own[first[1] : last[1], first[0] : last[0]] = True
            else:
                for start, end in itertools.pairwise(points):
                    _draw_segment(own, start, end, max(size, 1) / 2)
            colors[own] = stroke.color
            mask |= own
        return Hints(colors, mask)


def _draw_segment(mask: np.ndarray, start: np.ndarray, end: np.ndarray, radius: float) -> None:
    """Set the pixels [H, W] whose centers are within `radius` of the line from `start` to `end`, both (x, y)."""
    height, width = mask.shape
    first = np.clip(np.floor(np.minimum(start, end) - radius), 0, [width - 1, height - 1]).astype(int)
    last = np.clip(np.ceil(np.maximum(start, end) + radius), first + 1, [width, height]).astype(int)
    x, y = np.arange(first[0], last[0]) + 0.5, np.arange(first[1], last[1])[:, np.newaxis] + 0.5
    along = end - start
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / max(along @ along, 1e-12)
    share = np.clip(share, 0, 1)
    squares = (x - start[0] - share * along[0]) ** 2 + (y - start[1] - share * along[1]) ** 2
    mask[first[1] : last[1], first[0] : last[0]] |= squares <= max(radius**2, squares.min())


def read_hints(path: str | os.PathLike) -> HintStrokes:
    """Return the hints in a JSON file.

    Raises:
      UserError: one line with the file's name: it can't be read, it is no JSON, of another format or version, or a
        part of it is wrong, which is named by its place in the file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text in UTF-8"
        raise UserError(f"{path}: {reason}") from None
    try:
        return parse_hints(json.loads(text))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: no JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise UserError(f"{path}: no hints: it is nested too deeply") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def parse_hints(content: Any) -> HintStrokes:
    """Return the hints in the parsed content of a file.

    Raises:
      UserError: it is of another format or version, or a part of it is wrong.
    """
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise UserError(f'no hints: they begin {{"format": "{FORMAT}", "version": {VERSION}, ...}}')
    if content.get("version") != VERSION:
        raise UserError(f"hints of version {content.get('version')!r}; this colorjax reads version {VERSION}")
    _require_keys(content, ("format", "version", "width", "height", "strokes", "points"), "the hints")
    width, height = (_number(content, key, "the hints", whole=True) for key in ("width", "height"))
    size = (width, height)
    strokes = [_stroke(item, f"strokes[{i}]", size) for i, item in enumerate(_list(content, "strokes"))]
    points = [_point(item, f"points[{i}]", size) for i, item in enumerate(_list(content, "points"))]
    if not (strokes or points):
        raise UserError("the hints have no color: neither strokes nor points")
    return HintStrokes(width, height, (*strokes, *points))


def _stroke(item: Any, where: str, size: tuple[int, int]) -> Stroke:
    _require_keys(item, ("color", "width", "points"), where)
    points = item.get("points")
    if not isinstance(points, Sequence) or isinstance(points, str) or not points:
        raise UserError(f"{where}.points: needs a list of at least one [x, y]")
    places = []
    for number, point in enumerate(points):
        if not isinstance(point, Sequence) or isinstance(point, str) or len(point) != 2:
            raise UserError(f"{where}.points[{number}]: needs [x, y], not {json.dumps(point)[:40]}")
        places.append(_place(point, f"{where}.points[{number}]", size))
    return Stroke(tuple(places), _color(item, where), _number(item, "width", where))


def _point(item: Any, where: str, size: tuple[int, int]) -> Stroke:
    _require_keys(item, ("color", "size", "x", "y"), where)
    place = _place((item.get("x"), item.get("y")), where, size)
    return Stroke((place,), _color(item, where), _number(item, "size", where))


def _place(point: Sequence[Any], where: str, size: tuple[int, int]) -> tuple[float, float]:
    if not all(_is_number(value) for value in point):
        raise UserError(f"{where}: x and y must be numbers")
    x, y = map(float, point)
    if not (0 <= x <= size[0] and 0 <= y <= size[1]):
        raise UserError(f"{where}: ({x:g}, {y:g}) is outside the picture of {size[0]}x{size[1]} pixels")
    return x, y


def _color(item: Mapping[str, Any], where: str) -> tuple[float, float, float]:
    color = item.get("color")
    if not isinstance(color, str) or not _COLOR.fullmatch(color):
        raise UserError(f'{where}.color: needs a color such as "#b5653a", not {json.dumps(color)[:40]}')
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


def _number(item: Mapping[str, Any], key: str, where: str, whole: bool = False) -> Any:
    value = item.get(key)
    valid = isinstance(value, int) and not isinstance(value, bool) if whole else _is_number(value)
    if not valid or not 0 < value <= 1_000_000:
        kind = "a whole number" if whole else "a number"
        raise UserError(f"{where}: {key} must be {kind} of pixels above 0, not {json.dumps(value)[:40]}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _list(content: Mapping[str, Any], key: str) -> list[Any]:
    found = content.get(key, [])
    if not isinstance(found, list):
        raise UserError(f"{key}: needs a list")
    return found


def _require_keys(item: Any, known: Sequence[str], where: str) -> None:
    if not isinstance(item, Mapping):
        raise UserError(f"{where}: needs an object with {', '.join(known)}")
    for key in item:
        if key not in known:
            raise UserError(f"{where}: unknown key {key!r}; {nearest(key, known)}")
