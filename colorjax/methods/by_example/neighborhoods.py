"""What methods of coloring by example compare: lightness fitted to another image's, and statistics of neighborhoods.

Lightness is L in 0..100, [h, w], of any size. Windows are squares with an odd side, and the image continues beyond its
edges by reflection without repeating the edge ("reflect" in NumPy, "mirror" in SciPy).
"""

import numpy as np
import scipy.ndimage


def remapped(lightness: np.ndarray, target: np.ndarray, part: np.ndarray | None = None) -> np.ndarray:
    """Return lightness with the mean and the standard deviation of `target`'s.

    L' = (deviation of target / deviation) (L - mean) + mean of target. Constant lightness becomes target's mean.

    Args:
      lightness: [*b].
      target: of any shape.
      part: bool [*b]: the pixels that the mean and the deviation of `lightness` are taken of; None for all.

    Returns:
      float64 [*b].

    Reference: A. Hertzmann et al., "Image analogies", SIGGRAPH 2001 (luminance remapping).
    """
    values, target = np.asarray(lightness, np.float64), np.asarray(target, np.float64)
    own = values if part is None else values[part]
    deviation = own.std()
    # A deviation of rounding errors is none.
    scale = target.std() / deviation if deviation > 1e-6 else 0.0
    return (values - own.mean()) * scale + target.mean()


def mean_and_deviation(lightness: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation in the window around each pixel, float64 [h, w] each."""
    values = np.asarray(lightness, np.float64)
    mean = scipy.ndimage.uniform_filter(values, side, mode="mirror")
    squares = scipy.ndimage.uniform_filter(values * values, side, mode="mirror")
    # On flat lightness rounding makes the difference negative.
    return mean, np.sqrt(np.maximum(squares - mean * mean, 0.0))


def windows(lightness: np.ndarray, side: int) -> np.ndarray:
    """Return the window around each pixel, [h, w, side, side]: a view, not a copy of each window."""
    padded = np.pad(lightness, side // 2, mode="reflect")
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side))
