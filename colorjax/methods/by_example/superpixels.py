"""Superpixels of a gray image: small connected parts of similar lightness, their neighbors and their features.

Lightness is L in 0..100, [h, w]; parts are numbered 0 to n - 1; features have a row for each part, float64 [n, D].
"""

from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.sparse
from skimage import feature, segmentation  # these load their functions when they are first used

from colorjax.methods.by_example.neighborhoods import mean_and_deviation

#: Of SLIC, for lightness in [0, 1]: how much the place of a pixel counts against its lightness.
COMPACTNESS = 0.1

#: The Gabor bank: wavelengths in pixels, half an octave apart, and the number of orientations in half a turn.
WAVELENGTHS = 4.0 * 2.0 ** (np.arange(5) / 2)
ORIENTATIONS = 8

#: Standard deviation of a filter's Gaussian over its frequency, for a bandwidth of one octave.
BANDWIDTH = 1 / 3 / np.sqrt(2 * np.log(2))

#: The image is continued this far for the Gabor bank and for DAISY, pixels.
MARGIN = 24
RADIUS = 15

#: Side of the window of the local deviation, pixels.
WINDOW = 5


class Superpixels(NamedTuple):
    """The superpixels of an image.

    Attributes:
      labels: each pixel's superpixel, int [h, w].
      means: takes values of pixels [h * w, D] to their means over superpixels [n, D], a sparse matrix.
      touching: 1 for each pair of superpixels with a common edge, else 0, a sparse matrix [n, n]; 0 on the diagonal.
    """

    labels: np.ndarray
    means: scipy.sparse.csr_array
    touching: scipy.sparse.csr_array


def superpixels(lightness: np.ndarray, area: int) -> Superpixels:
    """Return superpixels of about `area` pixels, found by SLIC."""
    count = max(1, round(lightness.size / area))
    parts = segmentation.slic(
        lightness / 100, n_segments=count, compactness=COMPACTNESS, channel_axis=None, start_label=0
    )
    labels = np.unique(parts, return_inverse=True)[1].reshape(lightness.shape)
    sizes = np.bincount(labels.ravel())
    shape = (len(sizes), labels.size)
    means = scipy.sparse.csr_array((1 / sizes[labels.ravel()], (labels.ravel(), np.arange(labels.size))), shape=shape)
    down, across = (labels[:-1], labels[1:]), (labels[:, :-1], labels[:, 1:])
    first, second = (np.concatenate([a.ravel(), b.ravel()]) for a, b in zip(down, across, strict=True))
    pairs = np.unique(np.stack([first, second])[:, first != second], axis=1)
    both = (np.concatenate(pairs), np.concatenate(pairs[::-1]))
    touching = scipy.sparse.csr_array((np.ones(len(both[0])), both), shape=(len(sizes), len(sizes)))
    touching.data[:] = 1.0  # a pair found in both orders was added up
    return Superpixels(labels, means, touching)


def described(lightness: np.ndarray, parts: Superpixels) -> list[np.ndarray]:
    """Return the features of superpixels, in blocks: Gabor [n, 40], DAISY [n, 104], intensity [n, 2], neighbors [n, 2].

    Intensity is the mean lightness and the mean local deviation; neighbors are the means of both over the superpixels
    that touch it, or its own if there are none.
    """
    pixels = [gabor(lightness), texture(lightness), np.stack(mean_and_deviation(lightness, WINDOW), axis=-1)]
    blocks = [parts.means @ values.reshape(lightness.size, -1) for values in pixels]
    count = parts.touching.sum(axis=1)[:, None]
    around = (parts.touching @ blocks[-1]) / np.maximum(count, 1)
    return [*blocks, np.where(count > 0, around, blocks[-1])]


def gabor(lightness: np.ndarray) -> np.ndarray:
    """Return the magnitudes of the responses to a bank of Gabor filters, of 5 wavelengths times 8 orientations.

    The filters are Gaussians in the frequency domain, with a bandwidth of an octave. Returns float32 [h, w, 40].
    """
    values = np.asarray(lightness - lightness.mean(), np.float32)
    height, width = lightness.shape
    shape = [scipy.fft.next_fast_len(side + 2 * MARGIN) for side in (height, width)]
    rest = [(MARGIN, full - side - MARGIN) for full, side in zip(shape, (height, width), strict=True)]
    spectrum = scipy.fft.fft2(np.pad(values, rest, mode="reflect"))
    vertical, horizontal = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])
    responses = []
    for wavelength in WAVELENGTHS:
        for angle in np.arange(ORIENTATIONS) * (np.pi / ORIENTATIONS):
            squares = (horizontal - np.cos(angle) / wavelength) ** 2 + (vertical - np.sin(angle) / wavelength) ** 2
            filtered = spectrum * np.exp(-squares * (wavelength / BANDWIDTH) ** 2 / 2).astype(np.float32)
            response = np.abs(scipy.fft.ifft2(filtered))
            responses.append(response[MARGIN : MARGIN + height, MARGIN : MARGIN + width])
    return np.stack(responses, axis=-1)


def texture(lightness: np.ndarray) -> np.ndarray:
    """Return DAISY descriptors, histograms of gradients on two rings of six places around each pixel, [h, w, 104]."""
    padded = np.pad(np.asarray(lightness, np.float64) / 100, RADIUS, mode="reflect")
    return feature.daisy(padded, step=1, radius=RADIUS, rings=2, histograms=6, orientations=8)
