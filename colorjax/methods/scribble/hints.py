"""Hints: pixels whose colors a person marked. Images are float32 sRGB [H, W, 3] in [0, 1].

Hints come from a copy of a gray image with colors painted over it. For measurements they are drawn from the true
colors by a seeded rule.
"""

import cv2
import numpy as np

from colorjax.errors import UserError
from colorjax.methods.method import HintDrawing, Hints

# In Levin, Lischinski and Weiss's reference program, a pixel is marked above this sum of absolute differences.
MARKED_DIFFERENCE = 0.01


#: Kinds of hints that are drawn for a measurement.
SHAPES = ("lines", "squares")


def hints_from_marked(gray: np.ndarray, marked: np.ndarray) -> Hints:
    """Return the hints in `marked`, a copy of the image `gray` with colors painted over it; both are [H, W, 3].

    Raises:
      UserError: the two have different sizes.
    """
    if gray.shape != marked.shape:
        raise UserError(f"the marked picture is {_size(marked)} and the gray one {_size(gray)}: they must be alike")
    mask = np.abs(marked.astype(np.float64) - gray).sum(-1) > MARKED_DIFFERENCE
    return Hints(marked.astype(np.float32), mask)


def draw_scribbles(truth: np.ndarray, seed: int, count: int, length: int) -> Hints:
    """Return random scribbles with the true colors, a simulation of the hints of a patient person.

    Each scribble is a straight line, one pixel wide. It begins at a uniformly random pixel, runs in a uniformly
    random direction, and ends at the image's border if it gets there. Its pixels have their colors in `truth`.

    Args:
      truth: the clean image, [H, W, 3].
      seed: of the random numbers; the same seed gives the same scribbles.
      count: number of scribbles.
      length: of each scribble, pixels.
    """
    random = np.random.Generator(np.random.Philox(key=seed))
    height, width = truth.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(count):
        start = random.uniform([0, 0], [width, height])
        angle = random.uniform(0, 2 * np.pi)
        end = start + (length - 1) * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(mask, np.int32(np.floor(start)).tolist(), np.int32(np.floor(end)).tolist(), 1)
    return Hints(np.asarray(truth, np.float32), mask.astype(bool))


def draw_squares(truth: np.ndarray, seed: int, count: int, side: int) -> Hints:
    """Return squares at uniformly random places, each with the mean of the true colors that it covers.

    The hints of Zhang et al. 2017 ("Real-Time User-Guided Image Colorization with Learned Deep Priors", section 4.1).
    A larger count with the same seed adds squares to those of a smaller one, and a later square covers earlier ones.

    Args:
      truth: the clean image, [H, W, 3].
      seed: of the random numbers.
      count: number of squares.
      side: of each square, pixels; an image that is smaller limits it.
    """
    random = np.random.Generator(np.random.Philox(key=seed))
    height, width = truth.shape[:2]
    colors, mask = np.zeros(truth.shape, np.float32), np.zeros((height, width), bool)
    for place in random.uniform(size=(count, 2)):
        top, left = (place * np.maximum(np.array([height, width]) - side + 1, 1)).astype(int)
        square = (slice(top, top + side), slice(left, left + side))
        colors[square] = truth[square].mean(axis=(0, 1))
        mask[square] = True
    return Hints(colors, mask)


def draw_hints(truth: np.ndarray, seed: int, drawing: HintDrawing) -> Hints:
    """Return the hints that evaluation draws on the image `truth` [H, W, 3]."""
    draw = {"lines": draw_scribbles, "squares": draw_squares}[drawing.shape]
    return draw(truth, seed, drawing.count, drawing.size)


def means_of_marked(values: np.ndarray, mask: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of marked pixels on a smaller copy of an image.

    Args:
      values: two for each pixel, float32 [H, W, 2], used only where marked.
      mask: bool [H, W], the marked pixels.
      height: of the copy, pixels.
      width: of the copy, pixels.

    Returns:
      For each pixel of the copy the mean of the marked pixels that it covers, [height, width, 2], zero without any; and
      whether it covers any, bool [height, width].
    """
    full = np.where(mask[..., np.newaxis], np.concatenate([values, np.ones_like(values[..., :1])], axis=-1), 0)
    small = cv2.resize(full.astype(np.float32, copy=False), (width, height), interpolation=cv2.INTER_AREA)
    small = small.reshape(height, width, 3)
    count = small[..., 2:]
    covers = count > 0
    return np.where(covers, small[..., :2] / np.where(covers, count, 1), np.float32(0)), covers[..., 0]


def _size(picture):
    return f"{picture.shape[1]}x{picture.shape[0]} pixels"
