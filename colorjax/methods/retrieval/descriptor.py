"""The descriptor of an image for finding similar ones. It is made of lightness alone.

A gray target has no colors, so a color photograph must not be found by its own: both are described by their lightness,
float32 L in 0..100, [h, w] of any size, stretched into a square. A descriptor is one vector of four blocks, float32
[LENGTH]; `BLOCKS` has their places. The first three hold values of each cell of a grid of `GRID` x `GRID` cells:
  gabor       mean energy of Gabor filters, 8 orientations at 3 scales: GIST, after A. Oliva and A. Torralba, "Modeling
              the shape of the scene", IJCV 2001, with their filters of local contrast
  gradients   histogram of the gradients' orientations: HOG, N. Dalal and B. Triggs, CVPR 2005, without their blocks
  tones       histogram of lightness
  thumbnail   the image at 16 x 16 pixels, with a mean of zero and a norm of one
"""

import functools

import cv2
import numpy as np
import scipy.fft

from colorjax.inference.resizing import resize

SIDE = 128  # of the square into which an image is stretched, pixels
GRID = 4
ORIENTATIONS = 8
SCALES = 3
TONES = 10
THUMBNAIL = 16  # side, pixels

_MARGIN = 16  # pixels of reflection around the square, because the Fourier transform is periodic
_CONTRAST = 8.0  # pixels, standard deviation of the Gaussian within which contrast is local
_LEAST_CONTRAST = 5.0  # units of L; weaker contrast, such as grain in a sky, is not raised to full strength


def _places(**lengths: int) -> dict[str, slice]:
    ends = np.cumsum([0, *lengths.values()]).tolist()
    return {name: slice(*pair) for name, pair in zip(lengths, zip(ends, ends[1:], strict=False), strict=True)}


BLOCKS = _places(
    gabor=GRID**2 * ORIENTATIONS * SCALES,
    gradients=GRID**2 * ORIENTATIONS,
    tones=GRID**2 * TONES,
    thumbnail=THUMBNAIL**2,
)
LENGTH = BLOCKS["thumbnail"].stop


def describe(lightness: np.ndarray) -> np.ndarray:
    """Return the descriptor of an image, float32 [LENGTH].

    Args:
      lightness: [h, w], 0..100.
    """
    square = resize(lightness, SIDE, SIDE)
    even = _of_even_contrast(square)
    small = resize(square, THUMBNAIL, THUMBNAIL).reshape(-1)
    small = small - small.mean()
    norm = np.linalg.norm(small)
    thumbnail = small / norm if norm > 1e-3 * THUMBNAIL else np.zeros_like(small)  # an image of one tone has no norm
    parts = [_gabor_energies(even), _gradients(even), _tones(square), thumbnail]
    return np.concatenate([part.reshape(-1) for part in parts]).astype(np.float32)


def cells(descriptors: np.ndarray, block: str) -> np.ndarray:
    """Return one of the first three blocks of descriptors [n, LENGTH] cell by cell, [n, GRID, GRID, K]."""
    return descriptors[:, BLOCKS[block]].reshape(len(descriptors), GRID, GRID, -1)


def _of_even_contrast(square: np.ndarray) -> np.ndarray:
    """Return lightness [SIDE, SIDE] less its local mean, divided by its local contrast."""
    detail = square - cv2.GaussianBlur(square, (0, 0), _CONTRAST, borderType=cv2.BORDER_REFLECT_101)
    energy = cv2.GaussianBlur(np.square(detail), (0, 0), _CONTRAST, borderType=cv2.BORDER_REFLECT_101)
    return detail / (np.sqrt(energy) + np.float32(_LEAST_CONTRAST))


def _gabor_energies(even: np.ndarray) -> np.ndarray:
    """Return the mean magnitude of each filter's response in each cell, [GRID, GRID, ORIENTATIONS * SCALES]."""
    spectrum = scipy.fft.fft2(np.pad(even, _MARGIN, mode="reflect"))
    responses = np.abs(scipy.fft.ifft2(spectrum * _filters()))[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return _mean_of_cells(np.moveaxis(responses, 0, -1))


@functools.cache
def _filters() -> np.ndarray:
    """Return the Gabor filters' transfer functions, float32 [ORIENTATIONS * SCALES, S, S] for a padded square.

    Each is a Gaussian in the logarithm of frequency and in the angle, on one side of the origin, so that the magnitude
    of the complex response is the energy of both phases.
    """
    frequency = np.fft.fftfreq(SIDE + 2 * _MARGIN)
    radius = np.hypot(frequency[:, np.newaxis], frequency)
    angle = np.arctan2(frequency[:, np.newaxis], frequency)
    filters = []
    for scale in range(SCALES):
        center = 0.3 / 2**scale  # cycles a pixel
        # One octave wide at 0.6 of the height, and nothing at frequency zero.
        band = np.exp(-0.5 * np.square(np.log2(np.maximum(radius, 1e-9) / center) / 0.5))
        for number in range(ORIENTATIONS):
            off = np.angle(np.exp(1j * (angle - np.pi * number / ORIENTATIONS)))
            filters.append(band * np.exp(-0.5 * np.square(off / (np.pi / ORIENTATIONS / 1.5))))
    return np.asarray(filters, np.float32)


def _gradients(even: np.ndarray) -> np.ndarray:
    """Return each cell's histogram of orientations, of norm below one, [GRID, GRID, ORIENTATIONS].

    A gradient counts by its magnitude, and for the two orientations next to it. Orientations half a turn apart are
    one, because dark on light and light on dark are.
    """
    down, right = np.gradient(even)
    place = np.arctan2(down, right) * (ORIENTATIONS / np.pi) % ORIENTATIONS
    magnitude = np.hypot(down, right)
    histogram = _mean_of_cells(_shared_out(place, ORIENTATIONS, is_periodic=True) * magnitude[..., np.newaxis])
    # Flat cells have no orientation; without the constant their noise would have one.
    return histogram / np.sqrt(np.square(histogram).sum(axis=-1, keepdims=True) + 0.02**2)


def _tones(square: np.ndarray) -> np.ndarray:
    """Return each cell's histogram of lightness, of sum one, [GRID, GRID, TONES]."""
    place = np.clip(square * (TONES / 100) - 0.5, 0, TONES - 1)
    return _mean_of_cells(_shared_out(place, TONES, is_periodic=False))


def _shared_out(place: np.ndarray, count: int, is_periodic: bool) -> np.ndarray:
    """Return the weight of each pixel for the bins on both sides of its place in 0..count, [h, w, count]."""
    distance = np.abs(place[..., np.newaxis] - np.arange(count, dtype=np.float32))
    if is_periodic:
        distance = np.minimum(distance, count - distance)
    return np.maximum(1 - distance, 0)


def _mean_of_cells(values: np.ndarray) -> np.ndarray:
    """Return values [SIDE, SIDE, K] averaged over the cells, [GRID, GRID, K]."""
    side = SIDE // GRID
    return values.reshape(GRID, side, GRID, side, -1).mean(axis=(1, 3))
