"""Joint bilateral upsampling: bring the colors of a reduced image to full size along the full image's edges.

The color of a pixel is a weighted mean of the colors of the reduced pixels around it. A reduced pixel weighs more if
it is near and if its lightness is similar to the pixel's, so colors stop at edges of the lightness.
Lightness is float32 L in 0..100, `[H, W]` and `[h, w]`; colors are float32 Lab a and b, `[H, W, 2]` and `[h, w, 2]`.

Reference: J. Kopf, M. Cohen, D. Lischinski and M. Uyttendaele, "Joint bilateral upsampling", SIGGRAPH 2007,
section 3: S_p = sum_q S_q f(|p - q|) g(|I_p - I_q|) / sum_q f(|p - q|) g(|I_p - I_q|), distances in reduced pixels.
The functions here:
  g is a Gaussian as in the paper, plus a small constant for pixels unlike all their neighbors (scratches, grain).
  I_q is the lightness of the reduced image, which the network saw, and not that of one pixel of the full image.
  f is the triangle of bilinear interpolation along either axis. On photographs it is as good as the best Gaussian
    (sigma 0.4) at a fraction of the work, and better than wider ones. Where lightness is flat, it is exact on ramps.
"""

import jax
import jax.numpy as jnp
import numpy as np

from colorjax.inference.resizing import resize
from colorjax.runtime.pixelwise import pad_to_shared_size
from colorjax.runtime.shape_buckets import row_count

# Measured by benchmarks/color_upsampling.py --sweep.
SIGMA_LIGHTNESS = 6.0  # of g, units of L
FLOOR = 0.01  # added to g

BAND = 256  # rows per call of `ColorUpsampling.rows`
TILE = 1024  # columns computed together: few shapes to compile for, and they fit into a processor's cache


class ColorUpsampling:
    """The colors of a reduced image; `rows` returns them at full size, some rows at a time.

    The colors of a row depend on that row alone, so they are the same however rows are grouped into bands.
    """

    def __init__(
        self,
        colors: np.ndarray,
        lightness: np.ndarray,
        height: int,
        width: int,
        sigma_lightness: float = SIGMA_LIGHTNESS,
        floor: float = FLOOR,
    ):
        """Prepare the reduced image for upsampling.

        Args:
          colors: [h, w, 2].
          lightness: of the reduced image, [h, w], or finer if the network gives one color for a square of pixels; it
            is resized to [h, w].
          height: of the full image, pixels. If it is less than h, the reduced image is first resized to this height,
            because choosing among pixels denser than the full image's gains nothing.
          width: of the full image, pixels; treated like the height.
          sigma_lightness: standard deviation of g, in units of L.
          floor: constant added to g.
        """
        if colors.ndim != 3 or colors.shape[2] != 2:
            raise ValueError(f"colors are [h, w, 2], not {list(colors.shape)}")
        small = np.concatenate([resize(lightness, *colors.shape[:2])[..., np.newaxis], colors], axis=-1)
        small = resize(small, min(height, small.shape[0]), min(width, small.shape[1]))
        # Planes [h, 3, w]: the rows of a band are then copied in long contiguous pieces.
        self._planes = np.ascontiguousarray(np.moveaxis(small, -1, 1))
        self._width = width
        self._rows = _window(small.shape[0], height)
        self._columns = _window(small.shape[1], width)
        self._settings = (float(sigma_lightness), float(floor))

    def rows(self, top: int, lightness: np.ndarray) -> np.ndarray:
        """Return the colors [R, W, 2] of R rows from row `top` on; `lightness` is theirs, [R, W]."""
        if lightness.shape[1] != self._width:
            raise ValueError(f"rows of {lightness.shape[1]} pixels for a picture of {self._width}")
        return self.part(top, 0, lightness)

    def part(self, top: int, left: int, lightness: np.ndarray) -> np.ndarray:
        """Return the colors [R, C, 2] of R rows from row `top` and C columns from column `left` on.

        Args:
          top: the first row.
          left: the first column.
          lightness: of this part, [R, C].
        """
        parts = [self._tile(top, left + at, lightness[:, at : at + TILE]) for at in range(0, lightness.shape[1], TILE)]
        return np.concatenate(parts, axis=1)

    def _tile(self, top, left, lightness):
        rows, columns = lightness.shape
        padded = pad_to_shared_size(np.asarray(lightness, np.float32)[..., np.newaxis])[..., 0]
        first, row_weights = (_continued(values[top : top + rows], padded.shape[0]) for values in self._rows)
        start, column_weights = (_continued(values[left : left + columns], padded.shape[1]) for values in self._columns)
        around = self._around(first, start)
        result = _upsampled(around, first - first[0], row_weights, column_weights.T, padded, *self._settings)
        return np.moveaxis(np.asarray(result)[:rows, :, :columns], 1, -1)

    def _around(self, first, start):
        """Return the reduced rows that a tile needs, for each pixel at the two columns around it: [n, 2, 3, W]."""
        height, _, width = self._planes.shape
        count = row_count(int(first[-1] - first[0] + 2))
        planes = self._planes[np.clip(first[0] + np.arange(count), 0, height - 1)]
        return np.stack([planes.take(np.clip(start + tap, 0, width - 1), axis=2) for tap in range(2)], axis=1)


def upsample_colors(colors: np.ndarray, lightness: np.ndarray, full_lightness: np.ndarray, **settings) -> np.ndarray:
    """Return the colors [H, W, 2] of a whole image.

    Args:
      colors: of the reduced image, [h, w, 2].
      lightness: of the reduced image, [h, w] or finer.
      full_lightness: of the full image, [H, W].
      settings: as for `ColorUpsampling`.
    """
    upsampling = ColorUpsampling(colors, lightness, *full_lightness.shape, **settings)
    tops = range(0, full_lightness.shape[0], BAND)
    return np.concatenate([upsampling.rows(top, full_lightness[top : top + BAND]) for top in tops])


def _window(reduced: int, full: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the reduced pixels around each pixel of a line, and their weights f.

    Returns:
      For each of `full` pixels, the index of the first of the two reduced pixels around it, [full], and the weights
      f of the two, [full, 2]. At the ends of the line one of the two is outside the image; its f is 0.
    """
    place = (np.arange(full) + 0.5) * (reduced / full) - 0.5
    first = np.floor(place).astype(np.int32)
    pixel = first[:, np.newaxis] + np.arange(2)
    weights = 1.0 - np.abs(pixel - place[:, np.newaxis])
    weights[(pixel < 0) | (pixel >= reduced)] = 0.0
    return first, weights.astype(np.float32)


def _continued(values: np.ndarray, length: int) -> np.ndarray:
    """Return `values` [n, ...] extended to [length, ...] by repeating the last one."""
    return np.pad(values, [(0, length - len(values)), *[(0, 0)] * (values.ndim - 1)], mode="edge")


@jax.jit
def _upsampled(around, first, row_weights, column_weights, lightness, sigma, floor):
    """Return the colors [R, 2, W]. The loop over rows lets every operation work on long, contiguous rows."""
    steepness = -0.5 / (sigma * sigma)

    def row(index):
        own = jax.lax.dynamic_index_in_dim(lightness, index, keepdims=False)
        window = jax.lax.dynamic_slice_in_dim(around, first[index], 2)
        total, a, b = (jnp.zeros_like(own) for _ in range(3))
        for y in range(2):
            for x in range(2):
                there, there_a, there_b = window[y, x]
                likeness = jnp.exp(steepness * jnp.square(there - own)) + floor
                weight = row_weights[index, y] * column_weights[x] * likeness
                total, a, b = total + weight, a + weight * there_a, b + weight * there_b
        return jnp.stack([a / total, b / total])

    return jax.lax.map(row, jnp.arange(lightness.shape[0]))
