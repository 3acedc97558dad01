"""Tell white noise from the noise of photographs, by what a denoiser took away.

White noise is that of experiments: Gaussian, say, drawn for each value on its own. In photographs the noise of
neighbors is alike, since cameras compute two of three values of a pixel from its neighbors, and files keep blocks of
8x8 pixels. A denoiser takes less of the low frequencies than of the high ones, for these it can't tell from the
picture. So neighboring values of what it took are correlated by less than zero if the noise was white, and by more if
it was not. The bounds were chosen on 8 photographs of CBSD68 and checked on the 32 of BSDS500's validation, with white
noise and eight others: no other was taken for white, and weak white noise is sometimes left.
"""

import numpy as np

#: Weaker noise than this, of 255, is left alone: what is taken away is then as much texture and rounding as noise.
LEAST_LEVEL = 6.0
#: Correlations between neighbors, and between channels, up to which noise counts as white.
NEIGHBORS, CHANNELS = 0.01, 0.06
#: Pixels on a side of the square that is looked at.
SIDE = 256
_LEAST_SIDE = 64
_RIM = 0.02  # of white; nearer to black and white noise is cut off
_LEAST_SHARE = 0.05  # of a channel's values that must be inside


def middle(picture: np.ndarray) -> np.ndarray:
    """Return the square in the middle of an image [H, W, C], of `SIDE` pixels or less."""
    (height, width), side = picture.shape[:2], SIDE
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    return picture[top : top + side, left : left + side]


def is_white(picture: np.ndarray, denoised: np.ndarray) -> bool:
    """Return whether noise was taken away that is as strong as `LEAST_LEVEL` or stronger, and white.

    Correlations are those beyond the one between values two pixels apart, which is that of slow changes.

    Args:
      picture: uint8 or uint16 [H, W, 3]. Of one with fewer than 64 pixels on a side, or with a channel that is nearly
        all black and white, nothing can be said, so False.
      denoised: of the same shape and dtype, by a denoiser for the noise of photographs.
    """
    if min(picture.shape[:2]) < _LEAST_SIDE:
        return False
    white = float(np.iinfo(picture.dtype).max)
    values = picture / white
    noise = values - denoised / white
    inside = (values > _RIM) & (values < 1 - _RIM)
    if np.min(np.mean(inside, axis=(0, 1))) < _LEAST_SHARE:
        return False
    noise = np.where(inside, noise - np.mean(noise, axis=(0, 1), where=inside), 0.0)
    variance = np.mean(noise**2, axis=(0, 1))
    if np.sqrt(np.mean(variance)) < LEAST_LEVEL / 255 or not np.all(variance):
        return False
    noise /= np.sqrt(variance)

    def correlation(apart: int) -> float:
        return (np.mean(noise[apart:] * noise[:-apart]) + np.mean(noise[:, apart:] * noise[:, :-apart])) / 2

    far = correlation(2)
    channels = np.mean([np.mean(noise[..., i] * noise[..., j]) for i, j in ((0, 1), (0, 2), (1, 2))])
    return bool(correlation(1) - far <= NEIGHBORS and channels - far <= CHANNELS)
