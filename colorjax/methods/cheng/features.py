"""What Cheng et al. see of a gray image at each place, low and middle level: float32 [SIDE, SIDE, LENGTH].

The high level, a distribution over classes, is in `semantics.py`. Images are stretched into a square.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from skimage.feature import daisy

SIDE = 112  # of the square, pixels: four for each square of ImageNet's features
PATCH = 7  # side of the gray patch (the paper)
#: DAISY of 32 numbers: the middle and three places around it, 8 directions each. The paper says 32, not how.
_RADIUS, _RINGS, _PLACES, _DIRECTIONS = 15, 1, 3, 8
LENGTH = PATCH**2 + (_RINGS * _PLACES + 1) * _DIRECTIONS


def features(gray: np.ndarray) -> np.ndarray:
    """Return the features of a gray image [SIDE, SIDE] in [0, 1]."""
    half = PATCH // 2
    patches = sliding_window_view(np.pad(gray, half, mode="reflect"), (PATCH, PATCH)).reshape(SIDE, SIDE, -1)
    around = np.pad(gray, _RADIUS, mode="reflect")
    descriptors = daisy(
        around, step=1, radius=_RADIUS, rings=_RINGS, histograms=_PLACES, orientations=_DIRECTIONS, normalization="l2"
    )
    return np.concatenate([patches, descriptors], axis=-1).astype(np.float32)
