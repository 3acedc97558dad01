"""Write PNG files with 16 bits per channel. Pillow writes only gray ones, and OpenCV writes no metadata.

The code follows the PNG specification (third edition). It writes a band of rows at a time.
"""

import struct
import zlib
from typing import BinaryIO

import numpy as np

# Three times as fast as level 6. Files are rarely a third larger, because low bytes are noise that doesn't compress.
COMPRESSION_LEVEL = 4

BAND_BYTES = 2**22
LARGEST_CHUNK = 2**20
PAETH = 4
COLOR_TYPES = {(1, False): 0, (3, False): 2, (1, True): 4, (3, True): 6}


def write_png_16(file: BinaryIO, pixels: np.ndarray, alpha: np.ndarray | None, chunks: bytes) -> None:
    """Write a PNG file.

    Args:
      file: to write to.
      pixels: uint16 `[H, W, 1 or 3]`.
      alpha: uint16 `[H, W]`, or None.
      chunks: complete chunks to write before the pixels: profile, resolution, EXIF, texts.
    """
    height, width, channels = pixels.shape
    color_type = COLOR_TYPES[channels, alpha is not None]
    file.write(b"\x89PNG\r\n\x1a\n")
    _write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0))
    file.write(chunks)
    compressor = zlib.compressobj(COMPRESSION_LEVEL, strategy=zlib.Z_FILTERED)
    bytes_a_pixel = 2 * (channels + (alpha is not None))
    rows = max(1, BAND_BYTES // (width * bytes_a_pixel))
    above = np.zeros((1, bytes_a_pixel * (width + 1)), np.uint8)
    for top in range(0, height, rows):
        band = pixels[top : top + rows]
        if alpha is not None:
            band = np.concatenate([band, alpha[top : top + rows, :, np.newaxis]], axis=-1)
        data = np.ascontiguousarray(band, ">u2").view(np.uint8).reshape(len(band), -1)
        data = np.pad(data, ((0, 0), (bytes_a_pixel, 0)))
        _write_data(file, compressor.compress(_filtered(np.concatenate([above, data]), bytes_a_pixel)))
        above = data[-1:]
    _write_data(file, compressor.flush())
    _write_chunk(file, b"IEND", b"")


def _filtered(data: np.ndarray, bytes_a_pixel: int) -> np.ndarray:
    """Return rows after the Paeth filter (section 9.4), each with the filter's number before it.

    Args:
      data: uint8 `[1 + rows, bytes_a_pixel + bytes]`: the first row is the one above, the first `bytes_a_pixel` columns
        are zeros to the left.
      bytes_a_pixel: distance of a byte to its left neighbor.
    """
    raw = data.astype(np.int16)
    left, up, corner = raw[1:, :-bytes_a_pixel], raw[:-1, bytes_a_pixel:], raw[:-1, :-bytes_a_pixel]
    to_left, to_up, to_corner = np.abs(up - corner), np.abs(left - corner), np.abs(left + up - 2 * corner)
    nearest = np.where(to_up <= to_corner, up, corner)
    nearest = np.where((to_left <= to_up) & (to_left <= to_corner), left, nearest)
    rows = np.empty((len(nearest), nearest.shape[1] + 1), np.uint8)
    rows[:, 0] = PAETH
    rows[:, 1:] = (raw[1:, bytes_a_pixel:] - nearest).astype(np.uint8)
    return rows


def _write_data(file: BinaryIO, compressed: bytes) -> None:
    for start in range(0, len(compressed), LARGEST_CHUNK):
        _write_chunk(file, b"IDAT", compressed[start : start + LARGEST_CHUNK])


def _write_chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
