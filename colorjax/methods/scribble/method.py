"""Scribbles: colorization by optimization, from colors that a person marked. Pictures are float32 sRGB [H, W, 3].

Reference: A. Levin, D. Lischinski and Y. Weiss, "Colorization using optimization", SIGGRAPH 2004.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from colorjax.color.spaces import rgb2yiq, yiq2rgb
from colorjax.errors import UserError
from colorjax.methods.method import Method, Observation, Restored
from colorjax.methods.scribble.levin import propagate, propagate_directly
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks import TASKS


@dataclass(frozen=True)
class Scribble(Method):
    """Spreads marked colors over a gray picture: its own luma Y stays, I and Q follow from the marks.

    Attributes:
        count, length: how many scribbles are drawn on a picture when it is measured, and how long each is in pixels.
        tolerance: largest error of I and Q against the exact solution, as the solver estimates it. The estimate
            has been a third of the true error at worst, and 1e-4 is a fortieth of a gray level.
        max_iterations: multigrid cycles after which a direct solver takes over, which needs many times as long.
    """

    count: int = 40
    length: int = 20
    tolerance: float = 2e-5
    max_iterations: int = 400
    name: ClassVar[str] = "scribble"
    tasks: ClassVar[frozenset[str]] = frozenset(name for name, task in TASKS.items() if task.colorizes)
    needs: ClassVar[frozenset[str]] = frozenset({"hints"})

    def __post_init__(self):
        for field in ("count", "length", "max_iterations"):
            if getattr(self, field) < 1:
                raise UserError(f"method.{field}={getattr(self, field)}: must be 1 or more")
        if self.tolerance <= 0:
            raise UserError(f"method.tolerance={self.tolerance}: must be above 0")

    @property
    def hint_lines(self) -> tuple[int, int]:
        """Return `count` and `length`."""
        return self.count, self.length

    def restore(self, observation: Observation) -> Restored:
        """Return the colored image, not clipped, of a gray one; without any mark it stays gray.

        Raises:
            UserError: hints of another size, or a picture with values that are not finite.
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
        solution = propagate(luminance, chroma, hints.mask, self.tolerance, self.max_iterations)
        # Regions that hang together by almost nothing can bring the cycles to a halt, in about one photograph of 100.
        x = solution.x if solution.converged else propagate_directly(luminance, chroma, hints.mask)
        spread = np.moveaxis(np.asarray(x), 0, -1)
        return Restored(map_pixels(yiq2rgb, np.concatenate([luminance[..., None], spread], axis=-1)))
