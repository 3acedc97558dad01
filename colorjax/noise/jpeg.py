"""JPEG compression: float32 [*b, H, W, C] in [0, 1] to the same shape and range, at 8 bits.

A baseline JPEG as libjpeg (so Pillow) writes and reads it: 8 bits, YCbCr with halved chroma (4:2:0), 8x8 cosine
transforms, the quantization tables of the standard's annex K scaled to a quality, and chroma enlarged by a triangle
filter. An image of one channel has luma alone. Entropy coding loses nothing, so it is left out.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from colorjax.noise.eight_bits import to_8_bits, with_gradient_of

# ITU-T T.81, tables K.1 and K.2.
LUMA_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
CHROMA_TABLE = np.full((8, 8), 99, np.float32)
CHROMA_TABLE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]

# JFIF: Y, Cb - 128 and Cr - 128 of RGB in 0..255, and back.
YCC_FROM_RGB = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]], np.float32
)
RGB_FROM_YCC = np.array([[1, 0, 1.402], [1, -0.344136286, -0.714136286], [1, 1.772, 0]], np.float32)


def _cosines() -> np.ndarray:
    """Return the orthonormal 8x8 cosine transform of a block's 64 values, [64, 64]; each row is a frequency."""
    k, n = np.mgrid[:8, :8]
    one = np.where(k == 0, np.sqrt(1 / 8), 0.5) * np.cos((2 * n + 1) * k * np.pi / 16)
    return np.kron(one, one).astype(np.float32)


COSINES = _cosines()


def jpeg(key: Array, picture: Array, level: Array | float) -> Array:
    """Compress at quality 100 (1 - level), rounded and at least 1; `level` is the share of quality that is lost.

    Level 0 leaves the image as it is, without a file. The gradient is that of the identity.
    """
    del key
    quality = jnp.clip(jnp.rint(100 * (1 - jnp.asarray(level, picture.dtype))), 1, 100)
    return jnp.where(level > 0, with_gradient_of(picture, compress(picture, quality)), picture)


def compress(picture: Array, quality: Array | float) -> Array:
    """Return the image [*b, H, W, C] after it was written and read as a JPEG file of a quality from 1 to 100."""
    height, width = picture.shape[-3:-1]
    values = to_8_bits(picture) * 255
    luma_table, chroma_table = (table_of_quality(table, quality) for table in (LUMA_TABLE, CHROMA_TABLE))
    if picture.shape[-1] != 3:
        planes = jnp.moveaxis(values, -1, -3)
        return jnp.moveaxis(_quantized(planes, luma_table), -3, -1) / 255
    luma, *chroma = (jnp.rint(plane) for plane in _mixed(YCC_FROM_RGB, [values[..., i] for i in range(3)]))
    luma = _quantized(luma, luma_table)
    small = _quantized(_halved(jnp.stack(chroma, axis=-3) + 128), chroma_table) - 128
    chroma = _doubled(small[..., : -(-width // 2)])[..., :height, :width]
    rgb = _mixed(RGB_FROM_YCC, [luma, chroma[..., 0, :, :], chroma[..., 1, :, :]])
    return jnp.rint(jnp.clip(jnp.stack(rgb, axis=-1), 0, 255)) / 255


def table_of_quality(table, quality):
    """Return the quantization table [64] of a quality, as libjpeg's jpeg_quality_scaling makes it."""
    scale = jnp.where(quality < 50, jnp.floor(5000 / quality), 200 - 2 * quality)
    return jnp.clip(jnp.floor((table.reshape(64) * scale + 50) / 100), 1, 255)


def _quantized(planes, table):
    """Return planes [*b, H, W] in 0..255 after their blocks' cosine transforms were quantized by a table [64]."""
    *batch, height, width = planes.shape
    rows, columns = -(-height // 8), -(-width // 8)
    sides = [(0, 0)] * len(batch) + [(0, 8 * rows - height), (0, 8 * columns - width)]
    blocks = jnp.pad(planes - 128, sides, mode="edge").reshape(*batch, rows, 8, columns, 8)
    blocks = jnp.swapaxes(blocks, -3, -2).reshape(*batch, rows, columns, 64)
    frequencies = jnp.rint(8 * jnp.matmul(blocks, COSINES.T, precision="highest")) / 8  # libjpeg has eighths
    table = table.reshape((1,) * (frequencies.ndim - 1) + (64,))
    # Halves are frequent. libjpeg rounds them away from zero here, and up after the transform back.
    frequencies = jnp.trunc(frequencies / table + jnp.copysign(jnp.float32(0.5), frequencies)) * table
    blocks = jnp.matmul(frequencies, COSINES, precision="highest")
    blocks = jnp.swapaxes(blocks.reshape(*batch, rows, columns, 8, 8), -3, -2)
    planes = blocks.reshape(*batch, 8 * rows, 8 * columns)[..., :height, :width]
    # The small number stands for the rounding of the cosines.
    return jnp.clip(jnp.floor(planes + (0.5 + 1e-4)) + 128, 0, 255)


def _halved(planes):
    """Return planes [*b, H, W] at half the size: means of four, rounded up and down in turn from column to column.

    The width is that of whole blocks. libjpeg fills them up on the right before it halves, and below after it.
    """
    *batch, height, width = planes.shape
    rows, columns = -(-height // 2), 8 * -(-width // 16)
    sides = [(0, 0)] * len(batch) + [(0, 2 * rows - height), (0, 2 * columns - width)]
    padded = jnp.pad(planes, sides, mode="edge").reshape(*batch, rows, 2, columns, 2)
    total = padded.sum(axis=(-3, -1))
    turn = np.arange(columns, dtype=np.float32).reshape((1,) * (total.ndim - 1) + (columns,)) % 2
    return jnp.floor((total + 1 + turn) / 4)


def _doubled(planes):
    """Return planes [*b, H, W] at twice the size by libjpeg's "fancy" filter: 3/4 of a pixel and 1/4 of the next."""
    *batch, height, width = planes.shape
    if width <= 2:  # libjpeg then repeats pixels
        return jnp.repeat(jnp.repeat(planes, 2, axis=-2), 2, axis=-1)
    sides = [(0, 0)] * len(batch)
    padded = jnp.pad(planes, [*sides, (1, 1), (0, 0)], mode="edge")
    inner = 3 * padded[..., 1:-1, :]
    planes = jnp.stack([inner + padded[..., :-2, :], inner + padded[..., 2:, :]], axis=-2)
    planes = planes.reshape(*batch, 2 * height, width)
    padded = jnp.pad(planes, [*sides, (0, 0), (1, 1)], mode="edge")
    inner = 3 * padded[..., 1:-1]
    # In sixteenths; libjpeg rounds up and down in turn.
    left = jnp.floor((inner + padded[..., :-2] + 8) / 16)
    right = jnp.floor((inner + padded[..., 2:] + 7) / 16)
    return jnp.stack([left, right], axis=-1).reshape(*batch, 2 * height, 2 * width)


def _mixed(matrix, planes):
    """Return a matrix [3, 3] times three planes, as multiply-adds in full precision."""
    return [sum(float(matrix[i, j]) * planes[j] for j in range(3)) for i in range(3)]
