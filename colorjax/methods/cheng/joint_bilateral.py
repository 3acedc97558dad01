"""The joint bilateral filter: means of near pixels that look alike in a guide.

G. Petschnigg et al., "Digital Photography with Flash and No-Flash Image Pairs", SIGGRAPH 2004, equation 3.
"""

import numpy as np


def joint_bilateral(values: np.ndarray, guide: np.ndarray, sigma_space: float, sigma_range: float) -> np.ndarray:
    """Return the filtered values, float32 [H, W, C].

    Args:
      values: [H, W, C].
      guide: [H, W].
      sigma_space: standard deviation of the weights over places, pixels; pixels up to twice as far count.
      sigma_range: standard deviation of the weights over differences of the guide, in its units.
    """
    reach = max(1, round(2 * sigma_space))
    height, width = guide.shape
    around = np.pad(np.asarray(values, np.float32), ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    guides = np.pad(np.asarray(guide, np.float32), reach, mode="symmetric")
    total, weights = np.zeros(values.shape, np.float32), np.zeros((height, width, 1), np.float32)
    for y in range(2 * reach + 1):
        for x in range(2 * reach + 1):
            there = np.s_[y : y + height, x : x + width]
            near = ((y - reach) ** 2 + (x - reach) ** 2) / (2 * sigma_space**2)
            alike = np.square((guides[there] - guide) / np.float32(sigma_range)) / 2
            weight = np.exp(-alike - np.float32(near))[..., np.newaxis]
            total += weight * around[there]
            weights += weight
    return total / weights
