"""The filters of LEARCH: 56 of a chroma map, 28 of each channel, and a bank of Leung and Malik's for grey.

Responses are convolutions with reflection at the edges. Kinds, numbers and scales are those of the authors' released
program (identity; six principal components of patches of two sizes; at the scales 1, 3 and 5 three bars, a Laplacian
and a Gaussian); sizes of the patches, wavelengths and the cut at `HALF` pixels are this project's.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

HALF = 7  # pixels from the middle to the edge of the kernels
SIDE = 2 * HALF + 1
SCALES = (1.0, 3.0, 5.0)  # standard deviations, pixels
PATCH_HALVES = (2, 5)  # of the patches whose principal components are filters
COMPONENTS = 6
OF_A_CHANNEL = 1 + COMPONENTS * len(PATCH_HALVES) + 5 * len(SCALES)
COUNT = 2 * OF_A_CHANNEL


def kernels(components: np.ndarray) -> np.ndarray:
    """Return the kernels of the filters of chroma, float32 [SIDE, SIDE, 2, COUNT], the two identities first.

    Args:
      components: as `patch_components` returns them, [2, COMPONENTS * 2, SIDE, SIDE].
    """
    fixed = [kernel for scale in SCALES for kernel in (*_bars(scale), _laplacian(scale), _gaussian(scale))]
    result = np.zeros((SIDE, SIDE, 2, COUNT), np.float32)
    for channel in range(2):
        own = [_identity(), *components[channel], *fixed]
        for number, kernel in enumerate(own):
            # The identities of both channels are the filters 0 and 1.
            place = channel if number == 0 else 2 + channel * (OF_A_CHANNEL - 1) + number - 1
            result[:, :, channel, place] = kernel
    return result


def patch_components(chroma: np.ndarray, count: int = 4000, seed: int = 0) -> np.ndarray:
    """Return the leading principal components of patches of each channel, as kernels [2, COMPONENTS * 2, SIDE, SIDE].

    Args:
      chroma: maps [n, H, W, 2] with sides of `SIDE` or more.
      count: number of patches to draw.
      seed: of the draw.
    """
    random = np.random.default_rng(seed)
    images, height, width, _ = chroma.shape
    place = random.integers(0, (images, height - SIDE + 1, width - SIDE + 1), (count, 3))
    patches = np.stack([chroma[image, y : y + SIDE, x : x + SIDE] for image, y, x in place])
    found = np.zeros((2, COMPONENTS * len(PATCH_HALVES), SIDE, SIDE), np.float32)
    for channel in range(2):
        for number, half in enumerate(PATCH_HALVES):
            inner = slice(HALF - half, HALF + half + 1)
            rows = patches[:, inner, inner, channel].reshape(count, -1).astype(np.float64)
            _, vectors = np.linalg.eigh(np.cov(rows, rowvar=False))
            leading = vectors[:, ::-1][:, :COMPONENTS].T
            leading = leading * np.where(leading.sum(axis=1, keepdims=True) < 0, -1, 1)  # a sign that does not change
            places = slice(number * COMPONENTS, (number + 1) * COMPONENTS)
            found[channel, places, inner, inner] = leading.reshape(COMPONENTS, 2 * half + 1, 2 * half + 1)
    return found


def spectra(kernels: Array, height: int, width: int) -> Array:
    """Return the spectra of kernels [SIDE, SIDE, C, N] for `apply` to maps of this size, complex64 [h, w, C, N]."""
    size = (height + 2 * HALF, width + 2 * HALF)
    return jnp.conj(jnp.fft.rfft2(kernels, size, axes=(0, 1)))


def apply(maps: Array, spectra: Array) -> Array:
    """Return the responses [B, H, W, N] of maps [B, H, W, C]; linear in the maps.

    By Fourier transforms: on a CPU a convolution within a loop, such as the solver's, takes a hundred times as long.
    """
    height, width = maps.shape[1:3]
    padded = jnp.pad(maps, ((0, 0), (HALF, HALF), (HALF, HALF), (0, 0)), mode="reflect")
    products = jnp.einsum("bhwc,hwcn->bhwn", jnp.fft.rfft2(padded, axes=(1, 2)), spectra, precision="highest")
    responses = jnp.fft.irfft2(products, (height + 2 * HALF, width + 2 * HALF), axes=(1, 2))
    return responses[:, :height, :width]


def responses(maps: Array, kernels: Array) -> Array:
    """Return the responses [B, H, W, N] of maps [B, H, W, C], H and W above `HALF`, to kernels [SIDE, SIDE, C, N]."""
    return apply(maps, spectra(kernels, *maps.shape[1:3]))


@jax.jit
def leung_malik(grey: Array) -> Array:
    """Return the responses [B, H, W, 48] of grey maps [B, H, W] to the filters of Leung and Malik.

    T. Leung and J. Malik, "Representing and Recognizing the Visual Appearance of Materials using Three-dimensional
    Textons", IJCV 2001: edges and bars in 6 directions at 3 scales, 8 Laplacians and 4 Gaussians.
    """
    return responses(grey[..., None], jnp.asarray(_leung_malik()))


@functools.cache
def _leung_malik() -> np.ndarray:
    y, x = np.mgrid[-HALF : HALF + 1, -HALF : HALF + 1].astype(np.float64)
    bank = []
    for scale in (1.0, np.sqrt(2), 2.0):
        for direction in np.arange(6) * np.pi / 6:
            along, across = x * np.cos(direction) + y * np.sin(direction), y * np.cos(direction) - x * np.sin(direction)
            envelope = np.exp(-(across**2) / (2 * scale**2) - along**2 / (2 * (3 * scale) ** 2))
            bank += [_zero_mean(-across * envelope), _zero_mean((across**2 / scale**2 - 1) * envelope)]
    bank += [_laplacian(scale) for scale in (1.0, np.sqrt(2), 2.0, 2 * np.sqrt(2), 3.0, 3 * np.sqrt(2), 4.0, 5.0)]
    bank += [_gaussian(scale) for scale in (1.0, np.sqrt(2), 2.0, 2 * np.sqrt(2))]
    return np.stack(bank, axis=-1)[:, :, np.newaxis].astype(np.float32)


def _identity() -> np.ndarray:
    kernel = np.zeros((SIDE, SIDE))
    kernel[HALF, HALF] = 1
    return kernel


def _gaussian(scale: float) -> np.ndarray:
    line = np.exp(-(np.arange(-HALF, HALF + 1) ** 2) / (2 * scale**2))
    kernel = np.outer(line, line)
    return kernel / kernel.sum()


def _laplacian(scale: float) -> np.ndarray:
    square = sum(axis**2 for axis in np.mgrid[-HALF : HALF + 1, -HALF : HALF + 1].astype(np.float64))
    return _zero_mean((square / scale**2 - 2) * np.exp(-square / (2 * scale**2)))


def _bars(scale: float) -> list[np.ndarray]:
    """Return even Gabor filters in three directions, with a wavelength of three times the scale."""
    y, x = np.mgrid[-HALF : HALF + 1, -HALF : HALF + 1].astype(np.float64)
    envelope = np.exp(-(x**2 + y**2) / (2 * scale**2))
    directions = np.arange(3) * np.pi / 3
    phases = [2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / (3 * scale) for turn in directions]
    return [_zero_mean(envelope * np.cos(phase)) for phase in phases]


def _zero_mean(kernel: np.ndarray) -> np.ndarray:
    """Return the kernel without its mean, and with absolute values of the sum 1."""
    kernel = kernel - kernel.mean()
    return kernel / np.abs(kernel).sum()
