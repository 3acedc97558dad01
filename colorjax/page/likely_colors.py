"""The colors that the network thinks likely for one spot, for a person to choose from.

After the suggestions of Zhang et al., "Real-Time User-Guided Image Colorization with Learned Deep Priors", SIGGRAPH
2017, section 3.4: the modes of the predicted distribution at that spot.
"""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from colorjax.color import ab_bins
from colorjax.color.gray import gray_levels, lightness_of_levels
from colorjax.page.predicted import Source, colorizer, reduced_lightness
from colorjax.page.pyramid import read_level

MOST_COLORS = 6
_APART = 22.0  # units of ab between two suggestions
_AROUND = 3  # pixels, the side of the square whose lightness counts
# The distribution is raised to this power, as for the network's own choice of a color (temperature 0.38), but less.
_SHARPNESS = 1.5


def likely_colors(progress: Callable[[float], None], folder: str, height: int, width: int, x: float, y: float) -> dict:
    """Return 'lightness' at a spot, 0..100, and 'colors', the likely ones as [a, b, share], the likeliest first.

    Args:
      progress: not called.
      folder: of the picture.
      height: of the picture, pixels.
      width: of the picture, pixels.
      x: of the spot, pixels from the picture's left edge.
      y: of the spot, pixels from the picture's upper edge.
    """
    del progress
    row, column = min(int(max(y, 0)), height - 1), min(int(max(x, 0)), width - 1)
    reach = _AROUND // 2
    around = read_level(Path(folder), "before", 0)[
        max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1
    ]
    lightness = float(np.median(lightness_of_levels(gray_levels(np.asarray(around)))))
    logits = _outputs(Source(folder, height, width))
    at = logits[
        min(int(row / height * logits.shape[0]), logits.shape[0] - 1),
        min(int(column / width * logits.shape[1]), logits.shape[1] - 1),
    ]
    return {"lightness": lightness, "colors": [[float(v) for v in color] for color in modes(at)]}


def modes(logits: np.ndarray) -> list[tuple[float, float, float]]:
    """Return up to `MOST_COLORS` colors (a, b, share) that are apart, of logits [bins], the likeliest first."""
    weights = np.exp(_SHARPNESS * (logits - logits.max()).astype(np.float64))
    weights /= weights.sum()
    centers, left, found = ab_bins.centers(), weights.copy(), []
    while len(found) < MOST_COLORS and left.max() > 1e-4:
        near = np.sum((centers - centers[left.argmax()]) ** 2, axis=-1) < _APART**2
        share = left[near].sum()
        a, b = (left[near, np.newaxis] * centers[near]).sum(axis=0) / share
        found.append((float(a), float(b), float(share)))
        left[near] = 0
    return found


@functools.lru_cache(maxsize=4)
def _outputs(source: Source) -> np.ndarray:
    network = colorizer(0.5)
    copy = network.working_copy(source.height, source.width)
    return network.predict(reduced_lightness(source), copy)[0]
