"""BM3D: patches that look alike are stacked, the stack is transformed and shrunk, and all estimates are averaged.

Images are float32 [H, W, C], C = 1 or 3, of any finite range; white is 1 and `sigma` is in the same unit.

Reference: K. Dabov, A. Foi, V. Katkovnik and K. Egiazarian, "Image Denoising by Sparse 3-D Transform-Domain
Collaborative Filtering", IEEE Transactions on Image Processing 2007: hard thresholding (section III.B.1), Wiener
filtering (III.B.2), aggregation (equations 12 to 14), parameters (table I), color (section V). Different from it:
  patches are 8x8 at all noise levels (the paper: 12 and 11 above 40 of 255), found within 16 pixels instead of 19;
  at all levels they are matched without a threshold of their transform, and more of them are alike;
  the threshold is lower for the luminance (2.4 instead of 2.7), and higher for the differences of colors (2.9).
The last two were chosen on parts of validation photographs of BSDS500: gray with noise of 15, 25 and 50, color with 25.

The work is cut into tiles of `CORE` x `CORE` pixels, of which each has its own patches to match and adds its estimates
to the sums of the whole image. So there is one program to compile for all sizes, and the result is that of one piece.
"""

import dataclasses
import functools
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pywt
import scipy.fft

from colorjax.methods.classical.method import OPPONENT

PATCH = 8  # pixels, the side of a patch
STEP = 3  # pixels between the patches that others are compared with
REACH = 16  # pixels, how far alike patches are looked for
REFERENCES = 16  # of these patches along a tile's side
CORE = STEP * REFERENCES
KAISER = 2.0  # the window's parameter beta

_WINDOW = 2 * REACH + 1
_PLACES = STEP * (REFERENCES - 1) + _WINDOW  # where a patch of a tile may begin, along a side
_TILE = _PLACES + PATCH - 1
_TINY = 1e-12


@dataclasses.dataclass(frozen=True)
class Pass:
    """The settings of a pass.

    Attributes:
      stack: largest number of patches in a stack, a power of two.
      farthest: largest mean squared difference of two patches that are alike.
      thresholds: below them a coefficient is noise, in standard deviations, by channel; () for Wiener filtering by a
        pilot.
    """

    stack: int
    farthest: float
    thresholds: tuple[float, ...] = ()


def bm3d(image: np.ndarray, sigma: float, progress: Callable[[float], None] = lambda share: None) -> np.ndarray:
    """Return the image without its white Gaussian noise of standard deviation `sigma`.

    Args:
      image: [H, W, C], C = 1 or 3, any H and W.
      sigma: above 0.
      progress: called with the share that is done, from 0 to 1.
    """
    height, width, channels = image.shape
    colors = OPPONENT if channels == 3 else np.eye(1)
    noisy = image.astype(np.float64) @ colors.T  # the first channel is the luminance on which patches are matched
    extra = [(0, max(0, PATCH - height)), (0, max(0, PATCH - width)), (0, 0)]
    noisy = np.pad(noisy, extra, mode="symmetric").astype(np.float32)
    # The luminance is the channels' mean times the square root of their number, which its squared differences contain.
    first = Pass(16, 7500 / 255**2 * channels, (2.4, 2.9, 2.9)[:channels])
    second = Pass(32, 1600 / 255**2 * channels)
    # The second pass, with larger stacks, takes about twice as long.
    basic = _filtered(first, noisy, noisy, sigma, lambda share: progress(share / 3))
    final = _filtered(second, noisy, basic, sigma, lambda share: progress((1 + 2 * share) / 3))[:height, :width]
    return (final.astype(np.float64) @ np.linalg.inv(colors).T).astype(np.float32)


def _filtered(
    settings: Pass, noisy: np.ndarray, pilot: np.ndarray, sigma: float, progress: Callable[[float], None]
) -> np.ndarray:
    """Return the estimate of one pass, [H, W, C]; patches are matched on the pilot's first channel."""
    height, width, channels = noisy.shape
    tiles = [
        (top, left) for top in range(0, height - PATCH + STEP, CORE) for left in range(0, width - PATCH + STEP, CORE)
    ]
    after = [(REACH, _TILE), (REACH, _TILE), (0, 0)]
    noisy, pilot = (np.pad(values, after) for values in (noisy, pilot))
    places = [(REACH, _TILE)] * 2
    allowed = np.pad(np.ones((height - PATCH + 1, width - PATCH + 1), bool), places)
    sums = np.zeros(noisy.shape, np.float32)
    weights = np.zeros(noisy.shape, np.float32)

    def estimate(tile):
        area = tuple(slice(start, start + _TILE) for start in tile)
        rows, columns = (_references(start, length) for start, length in zip(tile, (height, width), strict=True))
        found = _estimates(
            settings,
            noisy[area],
            pilot[area],
            allowed[tile[0] : tile[0] + _PLACES, tile[1] : tile[1] + _PLACES],
            rows,
            columns,
            np.float32(sigma),
        )
        return area, [np.asarray(values) for values in found]

    with ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as threads:
        for number, (area, (sum_of_tile, weight_of_tile)) in enumerate(threads.map(estimate, tiles), 1):
            sums[area] += sum_of_tile
            weights[area] += weight_of_tile
            progress(number / len(tiles))
    inside = (slice(REACH, REACH + height), slice(REACH, REACH + width))
    return sums[inside] / weights[inside]


def _references(start: int, length: int) -> np.ndarray:
    """Return where a tile's patches begin along a side, from the tile's start, int32 [REFERENCES].

    The last patch of an image ends at its border. What would lie behind it is -1.
    """
    places = start + STEP * np.arange(REFERENCES)
    last = length - PATCH
    within = np.where(places < last + STEP, np.minimum(places, last) - start, -1)
    return within.astype(np.int32)


@functools.partial(jax.jit, static_argnums=0)
def _estimates(settings, noisy, pilot, allowed, rows, columns, sigma):
    """Return the weighted sums of a tile's estimates and the weights, [_TILE, _TILE, C] each."""
    channels = noisy.shape[-1]
    wavelet = bool(settings.thresholds)
    forward, backward = (jnp.asarray(matrix) for matrix in _transform("bior1.5" if wavelet else "dct"))
    noisy_coefficients = _patches(noisy) @ forward.T  # [places, C, 64]
    pilot_coefficients = noisy_coefficients if wavelet else _patches(pilot) @ forward.T

    first = _patches(pilot[..., :1])[:, 0]
    rows, columns = (jnp.broadcast_to(x, (REFERENCES, REFERENCES)).reshape(-1) for x in (rows[:, None], columns[None]))
    real = (rows >= 0) & (columns >= 0)
    rows, columns = jnp.maximum(rows, 0), jnp.maximum(columns, 0)
    chosen, distances = _matches(first, allowed, rows, columns, settings.stack)

    # The number of patches in each stack: those near enough, rounded down to a power of two.
    near = jnp.sum(distances <= settings.farthest * PATCH**2, axis=1)
    sizes, matrices = _haar_transforms(settings.stack)
    size = jnp.searchsorted(sizes, near, side="right") - 1
    haar = jnp.asarray(matrices)[size]  # [references, stack, stack]
    member = (jnp.arange(settings.stack)[None] < jnp.asarray(sizes)[size][:, None]).astype(jnp.float32)

    stack = _along_stacks(haar, noisy_coefficients[chosen])  # [references, stack, C, 64]
    if wavelet:
        thresholds = sigma * jnp.asarray(settings.thresholds).reshape(1, 1, -1, 1)
        kept = (jnp.abs(stack) > thresholds).astype(jnp.float32)
        variance = jnp.maximum(kept.sum(axis=(1, 3)), 1)
    else:
        energy = jnp.square(_along_stacks(haar, pilot_coefficients[chosen]))
        kept = energy / (energy + sigma**2)
        variance = jnp.maximum(jnp.square(kept).sum(axis=(1, 3)), _TINY)
    weight = real[:, None].astype(jnp.float32) / variance  # [references, C]; sigma^2 is the same for all
    estimates = _along_stacks(haar.mT, stack * kept) * (weight[:, None] * member[..., None])[..., None]

    size = _PLACES * _PLACES
    at_places = jnp.zeros((size, channels * (PATCH**2 + 1)), jnp.float32)
    weights = jnp.broadcast_to((weight[:, None] * member[..., None])[..., None], (*estimates.shape[:-1], 1))
    values = jnp.concatenate([estimates, weights], axis=-1).reshape(-1, at_places.shape[1])
    at_places = at_places.at[chosen.reshape(-1)].add(values).reshape(size, channels, PATCH**2 + 1)
    window = jnp.asarray(_window())
    patches = (at_places[..., :-1] @ backward.T) * window.reshape(1, 1, -1)
    weights = at_places[..., -1:] * window.reshape(1, 1, -1)
    return _overlapped(patches), _overlapped(weights)


def _matches(patches, allowed, rows, columns, count):
    """Return the `count` patches most like each reference, and their squared distances, [references, count] each.

    Args:
      patches: [places, 64].
      allowed: where a patch lies within the image, bool [_PLACES, _PLACES].
      rows: of the references, relative to the tile's first one, [references].
      columns: the same.
      count: number of patches.
    """
    own = patches[(rows + REACH) * _PLACES + columns + REACH]
    squares = jnp.sum(jnp.square(patches), axis=1)
    squares = jnp.where(allowed.reshape(-1), squares, jnp.inf)
    all_distances = squares[None] - 2 * own @ patches.T
    all_distances = all_distances.reshape(-1, _PLACES, _PLACES)

    def around(distances, row, column):
        return jax.lax.dynamic_slice(distances, (row, column), (_WINDOW, _WINDOW))

    near = jax.vmap(around)(all_distances, rows, columns).reshape(-1, _WINDOW * _WINDOW)
    # A patch is always in its own stack, also where many are equal to it, so that each pixel gets an estimate.
    near = near.at[:, _WINDOW * REACH + REACH].set(-jnp.inf)
    negative, place = jax.lax.top_k(-near, count)
    distances = jnp.maximum(jnp.sum(jnp.square(own), axis=1)[:, None] - negative, 0)
    y, x = place // _WINDOW + rows[:, None], place % _WINDOW + columns[:, None]
    return y * _PLACES + x, distances


def _patches(image):
    """Return all patches of an image [_TILE, _TILE, C], [places, C, 64]."""
    rows = jnp.stack([image[y : y + _PLACES] for y in range(PATCH)], axis=-1)
    patches = jnp.stack([rows[:, x : x + _PLACES] for x in range(PATCH)], axis=-1)
    return patches.reshape(_PLACES**2, image.shape[-1], PATCH**2)


def _overlapped(patches):
    """Return the sum of patches [places, C, 64] where they lie, [_TILE, _TILE, C]."""
    channels = patches.shape[1]
    patches = patches.reshape(_PLACES, _PLACES, channels, PATCH, PATCH)
    rows = sum(jnp.pad(patches[..., y, :], [(y, PATCH - 1 - y), (0, 0), (0, 0), (0, 0)]) for y in range(PATCH))
    return sum(jnp.pad(rows[..., x], [(0, 0), (x, PATCH - 1 - x), (0, 0)]) for x in range(PATCH))


def _along_stacks(matrices, stacks):
    """Return the products of matrices [references, n, n] with stacks of patches [references, n, C, 64]."""
    return (matrices @ stacks.reshape(*stacks.shape[:2], -1)).reshape(stacks.shape)


@functools.cache
def _haar_transforms(largest: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the powers of two up to the largest, n of them, and Haar's orthonormal transforms of so many entries.

    The transforms are [n, largest, largest], and 0 in the rows and columns behind their number of entries.
    """
    matrices = [np.ones((1, 1))]
    while len(matrices[-1]) < largest:
        means, differences = np.kron(matrices[-1], [1, 1]), np.kron(np.eye(len(matrices[-1])), [1, -1])
        matrices.append(np.concatenate([means, differences]) / math.sqrt(2))
    padded = [np.pad(matrix, (0, largest - len(matrix))) for matrix in matrices]
    return 2 ** np.arange(len(matrices)), np.array(padded, np.float32)


@functools.cache
def _transform(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices [64, 64] of a separable transform of patches, with rows of length 1, and of its inverse."""
    if name == "dct":
        line = scipy.fft.dct(np.eye(PATCH), norm="ortho", axis=0)
    else:
        line = np.stack([_wavelet_coefficients(one, name) for one in np.eye(PATCH)], axis=1)
        line /= np.linalg.norm(line, axis=1, keepdims=True)
    forward = np.kron(line, line)
    return forward.astype(np.float32), np.linalg.inv(forward).astype(np.float32)


def _wavelet_coefficients(line, name):
    """Return the coefficients of a whole decomposition of a line [PATCH], periodic, [PATCH]."""
    parts = []
    while len(line) > 1:
        line, details = pywt.dwt(line, name, "periodization")
        parts.insert(0, details)
    return np.concatenate([line, *parts])


@functools.cache
def _window() -> np.ndarray:
    """Return the weights of a patch's pixels, [64]: Kaiser's window along both sides."""
    line = np.kaiser(PATCH, KAISER)
    return np.outer(line, line).reshape(-1).astype(np.float32)
