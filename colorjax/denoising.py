"""Denoise images of any size: the public function, for the command, the page and `restoration.restore`.

Images are uint8 or uint16 sRGB, `[H, W, 1]` (gray) or `[H, W, 3]`. The results have the same dtype. No noise is added.
"""

from collections.abc import Callable

import numpy as np

from colorjax.color.gray import is_gray
from colorjax.errors import UserError, nearest
from colorjax.inference.clipped import noise_before_clipping, undo_clipped_mean
from colorjax.inference.saturated import keep_saturated
from colorjax.inference.tiled_network import restore as restore_in_tiles
from colorjax.inference.white_noise import is_white, middle
from colorjax.methods import DENOISERS
from colorjax.methods.classical.method import Denoiser
from colorjax.methods.classical.noise_level import estimate_noise
from colorjax.methods.network import NetworkMethod
from colorjax.methods.pretrained import loaded_network
from colorjax.pictures.arrays import check_image

Progress = Callable[[float], None]

# For the noise of people's photographs, and for white noise in color, on which the former is 1 dB worse.
DENOISER = "denoise_photo"
GRAY_DENOISER = "denoise_photo_gray"
WHITE_NOISE_DENOISER = "denoise_color"
_BAND_PIXELS = 2**20  # that are blended at once


def ignore(share: float) -> None:
    """Discard progress updates (the default callback)."""


def ignore_remark(line: str) -> None:
    """Discard a remark (the default callback)."""


def denoise(
    picture: np.ndarray,
    weights: str = "",
    progress: Progress = ignore,
    method: str = "",
    noise_level: float | None = None,
    remark: Callable[[str], None] = ignore_remark,
    strength: float = 1.0,
) -> np.ndarray:
    """Return the denoised image, of the shape and dtype of the given one. Saturated regions stay so.

    What a blind network for Gaussian noise returns is corrected for the noise that the file's black and white have cut
    off (`colorjax.inference.clipped`).

    Args:
      picture: the image, uint8 or uint16 `[H, W, 1]` or `[H, W, 3]`.
      weights: of a denoiser; by default the bundled one for photographs, for gray if all channels are equal, else for
        color, where noise that is white (`colorjax.inference.white_noise`) is left to `WHITE_NOISE_DENOISER`.
      progress: called with the finished share, 0 to 1.
      method: 'network' (the default), or one of `colorjax.methods.DENOISERS`, such as 'bm3d'.
      noise_level: standard deviation of the noise, of 255, for the latter and for networks with a map of it; None to
        estimate it. Other networks, such as the bundled ones, find it by themselves.
      remark: called with a line on a noise level that was estimated for a network, or is above those of its training.
      strength: share of the denoised image in the result, from 0 to 1; the rest is the given image.

    Raises:
      UserError: an image of another dtype or shape, weights that can't be loaded or are for another task, weights for
        gray images and an image with colors, an unknown method, weights for one that has none, or a noise level for one
        that takes none, or outside 1 to 255 (0 stands for none), or a strength outside 0 to 1.
    """
    check_image(picture)
    check_strength(strength)
    gray = is_gray(picture)
    own = "" if method in DENOISERS else (GRAY_DENOISER if gray else DENOISER)
    network = check_denoiser(weights or own, method, noise_level)
    if isinstance(network, Denoiser):
        return blended(picture, _filtered(picture, network, progress), strength)
    if network.task.output_channels == 1 and not gray:
        raise UserError(f"the weights {network.name!r} are for gray pictures, and this one has colors; use others")
    rows, height = 0, picture.shape[0]

    def finished(pixels: int) -> None:
        nonlocal rows
        rows += pixels / picture.shape[1]
        progress(min(rows / height, 1.0))

    if own == DENOISER and not weights:
        part = middle(picture)
        if is_white(part, _by_network(network, part)):
            network = loaded_network(WHITE_NOISE_DENOISER)
    result = _by_network(network, picture, finished, noise_level, remark)
    return blended(picture, keep_saturated(picture, result), strength)


def _by_network(
    network: NetworkMethod,
    picture: np.ndarray,
    finished: Callable[[int], None] = ignore,
    noise_level: float | None = None,
    remark: Callable[[str], None] = ignore_remark,
) -> np.ndarray:
    """Return the image denoised by a network, of the same shape and dtype; `finished` is called with pixels."""
    channels = network.task.output_channels
    given = picture[..., :1] if channels == 1 else np.broadcast_to(picture, (*picture.shape[:2], 3))
    told = _told(network, given, noise_level, remark) if network.task.takes_noise_level else ()
    result = restore_in_tiles(network.model, network.variables, network.task, given, network.tiling, finished, told)
    if network.task.noise_kind == "gaussian" and not told:  # for it the mean of noise is 0, which a file's is not
        result = undo_clipped_mean(result, noise_before_clipping(given, result))
    if channels == 3 and is_gray(picture):  # make the three channels equal again
        result = np.rint(result.mean(axis=-1, keepdims=True, dtype=np.float32)).astype(result.dtype)
    return result if result.shape == picture.shape else np.repeat(result, picture.shape[2], axis=-1)


def check_strength(strength: float) -> None:
    """Raise a `UserError` unless it is a strength of denoising."""
    if not 0 <= strength <= 1:
        raise UserError(f"strength {strength:g}: it is from 0 (the picture as it is) to 1 (denoised)")


def blended(picture: np.ndarray, denoised: np.ndarray, strength: float) -> np.ndarray:
    """Return strength * denoised + (1 - strength) * picture, rounded; in place in `denoised`, in bands of rows.

    Args:
      picture: as it was, uint8 or uint16 [H, W, C].
      denoised: of the same shape and dtype; changed.
      strength: from 0 to 1.
    """
    if strength == 1:
        return denoised
    share, rest = np.float32(strength), np.float32(1 - strength)
    rows = max(1, _BAND_PIXELS // picture.shape[1])
    for top in range(0, len(picture), rows):
        band = slice(top, top + rows)
        denoised[band] = np.rint(share * denoised[band] + rest * picture[band]).astype(picture.dtype)
    return denoised


def _told(
    network: NetworkMethod, picture: np.ndarray, noise_level: float | None, remark: Callable[[str], None]
) -> tuple[np.float32]:
    """Return the noise level that a network is told, where white is 1, and remark on it."""
    if noise_level is not None:
        level = noise_level / 255
    else:
        level = estimate_noise(picture) / float(np.iinfo(picture.dtype).max)
        remark(f"no noise level was given; it is estimated as {level * 255:.3g}")
    if line := network.above_training(("gaussian", level)):
        remark(line)
    return (np.float32(level),)


def _filtered(picture: np.ndarray, denoiser: Denoiser, progress: Progress) -> np.ndarray:
    """Return the image denoised by a classical method, in bands of rows."""
    gray = is_gray(picture)
    shown = picture[..., :1] if gray else picture
    scale = np.float32(np.iinfo(picture.dtype).max)
    sigma = denoiser.level / 255 if denoiser.level >= 0 else estimate_noise(shown) / float(scale)
    result, row = np.empty_like(picture), 0
    for band in denoiser.in_bands(lambda rows: shown[rows] / scale, picture.shape[0], sigma, progress):
        result[row : row + len(band)] = np.rint(np.clip(band, 0, 1) * scale).astype(picture.dtype)
        row += len(band)
    return keep_saturated(picture, result)


def check_denoiser(weights: str, method: str = "", noise_level: float | None = None) -> NetworkMethod | Denoiser:
    """Return the denoiser of `denoise`; the arguments are its own, "" for the bundled weights for images in color.

    Raises:
      UserError: as `denoise`, for all but the picture.
    """
    names = ("network", *DENOISERS)
    if method and method not in names:
        raise UserError(f"no method of denoising is named {method!r}; {nearest(method, names)}")
    if method in DENOISERS:
        if weights:
            raise UserError(f"the method {method} has no weights; leave them out, or use the method network")
        if noise_level is None:
            return DENOISERS[method]()
        _check_level(noise_level)
        return DENOISERS[method](level=float(noise_level))
    network = loaded_network(weights or DENOISER)
    if network.task.colorizes:
        raise UserError(f"the weights {network.name!r} are for {network.task.input_kind}; denoising needs a denoiser's")
    if noise_level is not None:
        if not network.task.takes_noise_level:
            raise UserError(
                f"the network {network.name!r} finds the noise level by itself; a level is for networks with a map of "
                f"it, and for {', '.join(DENOISERS)}"
            )
        _check_level(noise_level)
    return network


def _check_level(level: float) -> None:
    """Raise a `UserError` unless it is a noise level of 255."""
    if not (level == 0 or 1 <= level <= 255):
        raise UserError(f"noise level {level:g}: it is of 255, so from 1 to 255 (25 is strong noise)")
