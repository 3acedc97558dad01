"""Read a photo with all its bits, upright, in sRGB, with its metadata."""

import os
from typing import NamedTuple

import numpy as np

from colorjax.pictures import profiles
from colorjax.pictures.color_spaces import Space
from colorjax.pictures.decoding import decode, read_bytes
from colorjax.pictures.metadata import Metadata, with_srgb
from colorjax.pictures.orientation import MAX_PIXELS


class Photo(NamedTuple):
    """A photo as it was read.

    Attributes:
      pixels: uint8 or uint16, upright, `[H, W, 1]` (gray) or `[H, W, 3]`, in sRGB, unless `read_photo` was told to keep
        the color space of a photo of 16 bits; then in that of `metadata.profile`.
      alpha: of the same dtype, `[H, W]`, not multiplied into the pixels; None if the file has none.
      format: Pillow's name of the file's format: "JPEG", "PNG", "TIFF", ...
      lossless: whether the file's format is lossless; for WebP, whether this file was compressed without loss.
      metadata: of the file, adapted to `pixels`.
      remarks: what was done to the image, in short phrases for the user.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    format: str
    lossless: bool
    metadata: Metadata
    remarks: tuple[str, ...]


def read_photo(path: str | os.PathLike, max_pixels: int = MAX_PIXELS, keep_space: bool = False) -> Photo:
    """Read a photo of any kind that `decoding.decode` knows. If the file has several images, read the first.

    PNG, TIFF, JPEG 2000 and gray PGM files keep their 16 bits. Of other formats 8 bits are read.

    Args:
      path: the file.
      max_pixels: photos with more pixels are refused before they are decoded.
      keep_space: leave a photo of 16 bits in its own color space, for a use that does not look at colors.

    Raises:
      UserError: one line with the name, for a file that is missing, empty, no image, damaged, too large, or of pixels
        whose range it doesn't tell.
    """
    return photo_of(os.fspath(path), read_bytes(path), max_pixels, "; raise the limit with --max-pixels", keep_space)


def in_srgb(photo: Photo) -> Photo:
    """Return a photo that was read with `keep_space` as it is without; its pixels may be converted in place.

    Remarks stay those of the reading.
    """
    if not photo.metadata.profile:
        return photo
    converted = profiles.to_srgb(photo.pixels, Space(photo.metadata.profile))
    metadata = with_srgb(photo.metadata) if converted.changed else photo.metadata
    return photo._replace(pixels=converted.pixels, metadata=metadata._replace(profile=converted.profile))


def photo_of(
    name: str,
    data: bytes,
    max_pixels: int = MAX_PIXELS,
    advice: str = "",
    keep_space: bool = False,
    as_stored: bool = False,
) -> Photo:
    """Return the photo in the bytes of a file.

    Args:
      name: the file's name in errors.
      data: its bytes.
      max_pixels: as for `read_photo`.
      advice: added to the error about too many pixels.
      keep_space: as for `read_photo`.
      as_stored: take gray and RGB for sRGB, whatever the file says.

    Raises:
      UserError: as `read_photo`.
    """
    decoded = decode(name, data, max_pixels, advice)
    is_ink = decoded.pixels.shape[2] == 4
    space = None if as_stored and not is_ink else decoded.space
    if keep_space and decoded.pixels.dtype == np.uint16 and not is_ink:
        profile, remarks = profiles.kept(decoded.pixels.shape[2], space)
        converted = profiles.Converted(decoded.pixels, profile, False, remarks)
    else:
        converted = (profiles.ink_to_srgb if is_ink else profiles.to_srgb)(decoded.pixels, space)
    metadata = with_srgb(decoded.metadata) if converted.changed else decoded.metadata
    return Photo(
        pixels=converted.pixels,
        alpha=decoded.alpha,
        format=decoded.format,
        lossless=decoded.lossless,
        metadata=metadata._replace(profile=converted.profile),
        remarks=decoded.remarks + converted.remarks,
    )
