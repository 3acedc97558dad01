"""Image files for tests: by Pillow, and packed by hand from the specifications."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, TiffImagePlugin

from colorjax.errors import UserError
from colorjax.pictures.read import read_photo


def saved(path, image, **options):
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, **options)
    return path


def opened(path):
    """A Pillow image that leaves no file open."""
    return Image.open(io.BytesIO(path.read_bytes()))


def read_exif(photo):
    exif = Image.Exif()
    if photo.metadata.exif:
        exif.load(photo.metadata.exif)
    return exif


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def deep_png(path, pixels, *chunks):
    """Write a 16-bit PNG file of `[H, W, C]` from the specification."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    body = png_chunk(b"IHDR", header) + b"".join(chunks) + png_chunk(b"IDAT", zlib.compress(rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body + png_chunk(b"IEND", b""))
    return path


def deep_tiff(path, pixels, tags):
    """Write an uncompressed 16-bit TIFF file of `[H, W, C]`."""
    data = pixels.astype("<u2").tobytes()
    head = b"II*\0\x08\0\0\0"
    directory = TiffImagePlugin.ImageFileDirectory_v2(head)
    channels = pixels.shape[2]
    fields = {
        256: pixels.shape[1],
        257: pixels.shape[0],
        258: (16,) * channels,
        259: 1,
        277: channels,
        278: len(pixels),
    }
    fields |= {262: 1 if channels == 1 else 2, 273: (0,), 279: (len(data),)} | tags
    for tag, value in fields.items():
        directory[tag] = value
    path.write_bytes(head + directory.tobytes(8) + data)
    return path


def assert_whole_or_one_line(path, pixels):
    """Check that a file that was cut or changed gives all of its pixels or a `UserError` of one line."""
    try:
        found = read_photo(path).pixels
    except UserError as error:
        line = str(error)
        if not line.startswith(f"{path}: ") or "\n" in line:
            raise AssertionError(f"not one line with the file's name: {line!r}") from error
    else:
        np.testing.assert_array_equal(found, pixels)
