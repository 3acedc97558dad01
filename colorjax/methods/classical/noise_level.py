"""The standard deviation of white Gaussian noise, estimated from the noisy image alone.

Patches of an image without noise vary in few directions; in all others their variance is that of the noise. So the
smallest eigenvalues of the covariance of the patches lie around it, and large ones are left out until mean and median
agree: G. Chen, F. Zhu and P. A. Heng, "An efficient statistical method for image noise level estimation", ICCV 2015,
algorithm 1. It is applied to patches without texture alone, chosen by turns with the estimate: X. Liu, M. Tanaka and
M. Okutomi, "Single-image noise level estimation for blind denoising", IEEE Transactions on Image Processing 2013,
section III.B.
"""

import functools

import numpy as np
from scipy.special import gammaincinv

SIDE = 7  # pixels, of a patch
CONFIDENCE = 0.99  # share of the patches of pure noise that count as without texture
LEAST_PATCHES = 500
_STEP = 2  # pixels between patches
_TURNS = 6
_MOST_PIXELS = 1 << 18  # of an image; of a larger one that many are looked at
_CROP = 128


def estimate_noise(image: np.ndarray) -> float:
    """Return the standard deviation of the noise, the same for all channels, in units of the image.

    It contains the noise that the photograph itself has. Noise that was clipped to black and white, or blurred, looks
    weaker than it was. An image smaller than two patches gives 0.

    Args:
      image: [H, W, C], floating or whole numbers of any finite range.
    """
    if min(image.shape[:2]) < 2 * SIDE:
        return 0.0
    return float(np.sqrt(np.mean([_variance(_crops(image[..., channel])) for channel in range(image.shape[2])])))


def _variance(crops: list[np.ndarray]) -> float:
    """Return the variance of the noise of one channel, of which some squares [h, w] are given."""
    views = [np.lib.stride_tricks.sliding_window_view(crop, (SIDE, SIDE))[::_STEP, ::_STEP] for crop in crops]
    patches = np.concatenate([view.reshape(-1, SIDE**2) for view in views])
    texture = np.concatenate([_texture(crop)[::_STEP, ::_STEP].reshape(-1) for crop in crops])
    variance = noise_eigenvalue(_eigenvalues(patches))
    for _ in range(_TURNS):
        flat = texture < _texture_of_noise() * variance
        if np.sum(flat) < LEAST_PATCHES:
            break
        before, variance = variance, noise_eigenvalue(_eigenvalues(patches[flat]))
        if abs(variance - before) < 1e-3 * before:
            break
    return variance


def noise_eigenvalue(eigenvalues: np.ndarray) -> float:
    """Return the mean of the smallest eigenvalues, as many as have it for their median; they are sorted upwards."""
    for count in range(len(eigenvalues), 1, -1):
        rest = eigenvalues[:count]
        mean = rest.mean()
        if np.sum(rest > mean) >= np.sum(rest < mean):
            return max(float(mean), 0.0)
    return max(float(eigenvalues[0]), 0.0)


def _eigenvalues(patches):
    centered = patches - patches.mean(axis=0)
    return np.linalg.eigvalsh((centered.T @ centered).astype(np.float64) / max(1, len(patches) - 1))


def _texture(crop):
    """Return the sum of squared differences across two pixels, along both axes, of each patch of a square [h, w]."""
    down, across = (np.square((crop[2:] - crop[:-2]) / 2), np.square((crop[:, 2:] - crop[:, :-2]) / 2))
    return _box_sums(down, SIDE - 2, SIDE) + _box_sums(across, SIDE, SIDE - 2)


def _box_sums(values, height, width):
    sums = np.pad(np.cumsum(np.cumsum(values.astype(np.float64), axis=0), axis=1), [(1, 0), (1, 0)])
    return sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]


@functools.cache
def _texture_of_noise() -> float:
    """Return the texture below which the share `CONFIDENCE` of the patches of noise of variance 1 lies.

    The texture is a quadratic form of normal numbers; Liu et al. (equation 12) take it for a Gamma distribution.
    """
    images = np.eye(SIDE**2).reshape(-1, SIDE, SIDE)
    down = (images[:, 2:] - images[:, :-2]).reshape(SIDE**2, -1) / 2
    across = (images[:, :, 2:] - images[:, :, :-2]).reshape(SIDE**2, -1) / 2
    form = down @ down.T + across @ across.T
    rank, trace = np.linalg.matrix_rank(form), np.trace(form)
    return float(gammaincinv(rank / 2, CONFIDENCE) * 2 * trace / rank)  # the gamma distribution's quantile


def _crops(channel: np.ndarray) -> list[np.ndarray]:
    """Return the channel [H, W], or squares spread over a large one, as float32."""
    height, width = channel.shape
    if height * width <= _MOST_PIXELS:
        return [channel.astype(np.float32)]
    along = int(np.sqrt(_MOST_PIXELS)) // _CROP
    tops, lefts = (np.linspace(0, max(0, side - _CROP), along).astype(int) for side in (height, width))
    return [channel[top : top + _CROP, left : left + _CROP].astype(np.float32) for top in tops for left in lefts]
