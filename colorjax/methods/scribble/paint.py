"""Find what a person painted over a copy of a picture, whatever the copy went through.

Images are sRGB in [0, 1]. An exact copy is compared value by value. One that a lossy format or a color-managed program
has changed everywhere is compared in color alone; the limits below hold for JPEG down to quality 75 with halved
chroma, on photographs (tests/test_paint.py).
"""

import cv2
import numpy as np

from colorjax.errors import UserError
from colorjax.methods.method import Hints
from colorjax.methods.scribble.hints import hints_from_marked

# A copy is exact if at least this share of its pixels is as in the picture, and of those that differ at most this share
# differs by so little. (A JPEG that is saved again with the same quality changes only the blocks that were painted on.)
EXACT, MOST_FAINT, FAINT = 0.5, 0.1, 4 / 255

# A pixel of a layer is a stroke if it has at least this share of the layer's largest opacity, but not almost none.
OPAQUE, LEAST_OPACITY = 0.5, 1 / 16

# In a copy that is not, paint differs from the picture's color by this much at least: the range of the differences of
# red, green and blue. Gray that was compressed differs by 0.01.
LEAST_COLOR = 0.06

# Compression spreads a stroke's color: next to a stroke less than this share of its color is no paint ...
NEAR, SHARE_NEAR = 11, 0.85
# ... and farther off, within a block of halved chroma, less than this share.
FAR, SHARE_FAR = 33, 0.2

# More than this share is no scribble.
MOST_PAINT = 0.5


def find_paint(picture: np.ndarray, gray: np.ndarray, marked: np.ndarray, alpha: np.ndarray | None = None) -> Hints:
    """Return the painted pixels of a marked copy.

    Args:
      picture: the picture that was copied, `[H, W, 3]`.
      gray: its gray image, `[H, W, 3]`.
      marked: the copy, or a layer of strokes alone, `[H, W, 3]`.
      alpha: of the copy, `[H, W]`; None if it is opaque. The soft edges of strokes are no paint.

    Raises:
      UserError: nothing is painted, or more than half of the pixels.
    """
    alpha = np.ones(marked.shape[:2], np.float32) if alpha is None else alpha
    opaque = alpha >= max(OPAQUE * float(alpha.max()), LEAST_OPACITY)
    # A pixel must differ from the gray image and from the original one: old photos are rarely exactly gray, so their
    # copies differ from the gray image everywhere.
    differs = hints_from_marked(gray, marked).mask & hints_from_marked(picture, marked).mask
    faint = differs & (np.abs(marked - picture).max(axis=-1) < FAINT)
    is_exact = (~differs | ~opaque).mean() >= EXACT and faint.sum() <= MOST_FAINT * differs.sum()
    if is_exact or opaque.mean() < EXACT:
        candidates = mask = opaque & differs
    else:
        color = _color_beyond(picture, marked)
        candidates = opaque & (color >= _least(color))
        mask = candidates & _not_spread(color)
    if not mask.any():
        raise UserError("the hints are the picture itself: nothing is painted over it")
    if candidates.mean() > MOST_PAINT:
        raise UserError(
            f"{100 * candidates.mean():.0f}% of the pixels of the hints are painted, more than half; paint strokes on "
            "a copy of this very picture, and save it as PNG"
        )
    return Hints(np.asarray(marked, np.float32), mask)


def _color_beyond(picture: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """Return how much a copy differs from the picture in color, not in gray, `[H, W]`."""
    difference = marked.astype(np.float32) - picture.astype(np.float32)
    return difference.max(axis=-1) - difference.min(axis=-1)


def _least(color: np.ndarray) -> float:
    """Return the least color of paint: a toned picture's own color changes a little everywhere."""
    return max(LEAST_COLOR, min(6 * float(np.median(color)), 2 * LEAST_COLOR))


def _not_spread(color: np.ndarray) -> np.ndarray:
    """Return where color is not what compression has spread from a stroke nearby."""
    near, far = (cv2.dilate(color, np.ones((side, side), np.uint8)) for side in (NEAR, FAR))
    return (color >= SHARE_NEAR * near) & (color >= SHARE_FAR * far)
