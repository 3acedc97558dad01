"""Write TIFF files of 8 and 16 bits, compressed without loss, with metadata.

Pillow writes no 16-bit color, and OpenCV no metadata. The code follows TIFF 6.0 and its technical note on Deflate. It
writes a strip at a time; Pillow packs the directory.
"""

import errno
import itertools
import zlib
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin, TiffTags

from colorjax.pictures.metadata import IPTC_TAG, Metadata

STRIP_BYTES = 2**20
HEADER = b"II\x2a\x00\x08\x00\x00\x00"  # little endian, the directory follows
ADOBE_DEFLATE = 8
HORIZONTAL_DIFFERENCES = 2
UNASSOCIATED_ALPHA = 2
INCH = 2
XMP, ICC_PROFILE = 700, 34675


def write_tiff(file: BinaryIO, pixels: np.ndarray, alpha: np.ndarray | None, metadata: Metadata) -> None:
    """Write a TIFF file.

    Args:
      file: to write to; it must be seekable.
      pixels: uint8 or uint16 `[H, W, 1 or 3]`.
      alpha: of the same dtype, `[H, W]`, or None.
      metadata: its EXIF, XMP, IPTC, resolution and profile are written; TIFF has no place for texts and comments.

    Raises:
      OSError: the file can't be written, or exceeds 4 GB, the limit of its offsets.
    """
    height, width, channels = pixels.shape
    samples = channels + (alpha is not None)
    rows = max(1, STRIP_BYTES // (width * samples * pixels.itemsize))
    strips = -(-height // rows)
    directory = _described(metadata)
    entries = {
        TiffImagePlugin.IMAGEWIDTH: width,
        TiffImagePlugin.IMAGELENGTH: height,
        TiffImagePlugin.BITSPERSAMPLE: (8 * pixels.itemsize,) * samples,
        TiffImagePlugin.COMPRESSION: ADOBE_DEFLATE,
        TiffImagePlugin.PHOTOMETRIC_INTERPRETATION: 1 if channels == 1 else 2,
        TiffImagePlugin.STRIPOFFSETS: (0,) * strips,  # known only at the end; zeros reserve the space
        TiffImagePlugin.SAMPLESPERPIXEL: samples,
        TiffImagePlugin.ROWSPERSTRIP: rows,
        TiffImagePlugin.STRIPBYTECOUNTS: (0,) * strips,
        TiffImagePlugin.PLANAR_CONFIGURATION: 1,
        TiffImagePlugin.PREDICTOR: HORIZONTAL_DIFFERENCES,
    }
    if alpha is not None:
        entries[TiffImagePlugin.EXTRASAMPLES] = (UNASSOCIATED_ALPHA,)
    for tag, value in entries.items():
        directory[tag] = value

    file.write(HEADER)
    file.write(bytes(len(directory.tobytes(len(HEADER)))))
    lengths = []
    for top in range(0, height, rows):
        strip = pixels[top : top + rows]
        if alpha is not None:
            strip = np.concatenate([strip, alpha[top : top + rows, :, np.newaxis]], axis=-1)
        differences = strip.astype(strip.dtype.newbyteorder("<"))  # a copy
        differences[:, 1:] -= strip[:, :-1]
        data = zlib.compress(differences.tobytes())
        lengths.append(len(data))
        file.write(data)
    if file.tell() >= 2**32:
        raise OSError(errno.EFBIG, "more than the 4 GB that a TIFF file can have; write a PNG file")
    # Pillow counts the strips from the end of the directory.
    directory[TiffImagePlugin.STRIPOFFSETS] = tuple(itertools.accumulate(lengths[:-1], initial=0))
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(lengths)
    file.seek(len(HEADER))
    file.write(directory.tobytes(len(HEADER)))


def _described(metadata: Metadata) -> TiffImagePlugin.ImageFileDirectory_v2:
    """Return a directory with the metadata."""
    directory = TiffImagePlugin.ImageFileDirectory_v2(HEADER)
    if metadata.exif:
        exif = Image.Exif()
        exif.load(metadata.exif)
        for tag, value in exif.items():
            directory[tag] = value
        for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            if inner := dict(exif.get_ifd(tag)):
                if ExifTags.IFD.Interop in inner:
                    inner[ExifTags.IFD.Interop] = dict(exif.get_ifd(ExifTags.IFD.Interop))
                directory[tag] = inner
    if metadata.resolution:
        directory[TiffImagePlugin.X_RESOLUTION], directory[TiffImagePlugin.Y_RESOLUTION] = metadata.resolution
        directory[TiffImagePlugin.RESOLUTION_UNIT] = INCH
    blocks = {XMP: metadata.xmp, IPTC_TAG: metadata.iptc, ICC_PROFILE: metadata.profile}
    for tag, block in blocks.items():
        if block:
            directory.tagtype[tag] = TiffTags.BYTE if tag == XMP else TiffTags.UNDEFINED
            directory[tag] = block
    return directory
