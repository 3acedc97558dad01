"""Scribbles: colorization by optimization, from colors that a person marked. Images are float32 sRGB [H, W, 3].

Reference: A. Levin, D. Lischinski and Y. Weiss, "Colorization using optimization", SIGGRAPH 2004.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from colorjax.color.spaces import rgb2yiq, yiq2rgb
from colorjax.errors import UserError, nearest
from colorjax.methods.method import HintDrawing, Method, Observation, Restored
from colorjax.methods.scribble.hints import SHAPES
from colorjax.methods.scribble.levin import propagate
from colorjax.methods.scribble.reduced_size import propagate_reduced
from colorjax.methods.settings import require_at_least
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks import TASKS

# Larger images are solved on a reduced copy. Chosen by the time of the first result and by benchmarks/scribbles.py.
MOST_PIXELS = 512 * 512


@dataclass(frozen=True)
class Scribble(Method):
    """Spreads marked colors over a gray image: its luma Y is kept, and I and Q are computed from the marks.

    Attributes:
      count: number of hints drawn on each image for a measurement, 1 or more.
      length: of each of these lines, pixels, 1 or more; or the side of the squares.
      shape: of these hints: 'lines' or 'squares', as of `HintDrawing`.
      exact: whether images of more than 512x512 pixels are solved at full size, too, and not on a reduced copy whose
        colors are then brought to full size.

    Raises:
      UserError: a setting outside its range.
    """

    count: int = 40
    length: int = 20
    shape: str = "lines"
    exact: bool = False
    name: ClassVar[str] = "scribble"
    tasks: ClassVar[frozenset[str]] = frozenset(name for name, task in TASKS.items() if task.colorizes)
    needs: ClassVar[frozenset[str]] = frozenset({"hints"})

    def __post_init__(self):
        require_at_least(1, self, "count", "length")
        if self.shape not in SHAPES:
            raise UserError(f"method.shape={self.shape!r}; {nearest(self.shape, SHAPES)}")

    @property
    def hint_drawing(self) -> HintDrawing:
        """Return the hints to draw for a measurement."""
        return HintDrawing(self.shape, self.count, self.length)

    def restore(self, observation: Observation) -> Restored:
        """Return the colored image, not clipped. Without any marked pixel the image stays gray.

        Raises:
          UserError: hints of another size, or an image with values that are not finite.
        """
        degraded, hints = np.asarray(observation.image, np.float32), observation.hints
        if hints is None or not hints.mask.any():
            return Restored(degraded)
        if hints.mask.shape != degraded.shape[:2]:
            raise UserError(f"hints of {hints.mask.shape} for a picture of {degraded.shape[:2]}: they must be alike")
        if not np.isfinite(degraded).all():
            raise UserError("the gray picture has values that are not finite")
        luminance = map_pixels(rgb2yiq, degraded)[..., 0]
        chroma = map_pixels(rgb2yiq, hints.colors)[..., 1:]
        if self.exact or luminance.size <= MOST_PIXELS:
            spread = propagate(luminance, chroma, hints.mask)
        else:
            spread = propagate_reduced(luminance, chroma, hints.mask, MOST_PIXELS)
        return Restored(map_pixels(yiq2rgb, np.concatenate([luminance[..., None], spread], axis=-1)))
