"""Read a photo with all its bits, upright, in sRGB, with its metadata."""

import os
import struct
from typing import NamedTuple

import numpy as np
from PIL import Image

from colorjax.errors import UserError
from colorjax.pictures import decoding, profiles
from colorjax.pictures.decoding import MAX_PIXELS, Depth, upright
from colorjax.pictures.metadata import Metadata, read_metadata, with_srgb

# Pixels are copied out of Pillow, which takes four bytes for a pixel of three, in bands of this many pixels.
BAND_PIXELS = 2**20

LOSSY = frozenset({"AVIF", "JPEG", "JPEG2000", "MPO"})

# For an EXIF orientation, the one that undoes it; all others undo themselves.
INVERSE = {6: 8, 8: 6}


class Photo(NamedTuple):
    """A photo as it was read.

    Attributes:
      pixels: uint8 or uint16, upright, `[H, W, 1]` (gray) or `[H, W, 3]`. 8-bit color is sRGB; 16-bit color is in the
        color space of `metadata.profile`.
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


def read_photo(path: str | os.PathLike, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read a photo in any format that Pillow reads. If the file has several images, read the first.

    PNG and TIFF files (except CMYK) and gray PGM files keep their 16 bits. Of other formats Pillow returns 8 bits.

    Args:
      path: the file.
      max_pixels: photos with more pixels are refused before they are decoded.

    Raises:
      UserError: one line with the name, for a file that is missing, empty, no image, damaged, too large, or of 32-bit
        pixels.
    """
    name = os.fspath(path)
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below; this handles only errors of opening
    except OSError as error:
        raise UserError(f"{name}: {error.strerror or error}") from None
    with file, decoding.opened(name, file) as image:
        decoding.refuse_large(name, image, max_pixels, "; raise the limit with --max-pixels")
        remarks = _several(image)
        if _loses_bits(image):
            remarks += ("16 bits read as 8",)
        is_gray = bool(image.tile) and "LA;16" in str(image.tile[0])  # Pillow treats this as color
        is_turned_tiff = image.format == "TIFF" and decoding.orientation(image) != 1
        depth = decoding.load(name, image)
        metadata, damaged = read_metadata(image)
        turned = decoding.orientation(image)  # always 1 for TIFF files after load(): Pillow and OpenCV turn them
        if is_turned_tiff or turned != 1:
            remarks += ("turned upright",)
        if depth is Depth.BITS_8:
            decoded = _shallow(image, turned)
        else:
            deep = decoding.decode_16_bits(name, image, depth, lambda: np.fromfile(path, np.uint8))
            decoded = _deep_gray(deep, image) if depth is Depth.GRAY_16 else _deep_color(deep, image, is_gray)
        if decoded.converted and metadata.exif:
            metadata = metadata._replace(exif=with_srgb(metadata.exif))
        return Photo(
            pixels=decoded.pixels,
            alpha=decoded.alpha,
            format=image.format,
            lossless=_webp_is_lossless(path) if image.format == "WEBP" else image.format not in LOSSY,
            metadata=metadata._replace(profile=decoded.profile),
            remarks=remarks + decoded.remarks + damaged,
        )


class _Decoded(NamedTuple):
    """Upright pixels and alpha, their profile, whether they were converted to sRGB, and remarks for the user."""

    pixels: np.ndarray
    alpha: np.ndarray | None
    profile: bytes
    converted: bool
    remarks: tuple[str, ...]


def _shallow(image: Image.Image, turned: int) -> _Decoded:
    """Decode the loaded 8-bit `image`; `turned` is its EXIF orientation."""
    remarks, profile, converted = (), b"", False
    if image.mode == "CMYK":
        tagged = bool(image.info.get("icc_profile"))
        image, by_profile = decoding.cmyk_to_rgb(image)
        converted, profile = True, profiles.srgb_profile() if tagged else b""
        remarks = ("CMYK converted to sRGB" + ("" if by_profile else ", roughly: it has no color profile that works"),)
    else:
        if image.mode in ("P", "PA"):
            remarks = ("palette expanded",)
        with_alpha = image.has_transparency_data
        mode = ("L" if image.mode in ("1", "L", "LA", "La") else "RGB") + ("A" if with_alpha else "")
        if image.mode != mode:
            info = image.info
            image = image.convert(mode)
            image.info = info  # it holds the profile, which some conversions drop
        image, profile, on_profile = profiles.to_srgb(image)
        remarks += on_profile
        converted = any("converted" in remark for remark in on_profile)
    return _Decoded(*_copied(image, turned), profile, converted, remarks)


def _deep_gray(gray: np.ndarray, image: Image.Image) -> _Decoded:
    """Decode a 16-bit gray `image`; `gray` are its pixels, uint16 `[H, W]`."""
    gray = np.ascontiguousarray(gray)
    key = image.info.get("transparency")
    alpha = None if key is None else np.where(gray == key, np.uint16(0), np.uint16(65535))
    profile, remarks = profiles.kept(image.info.get("icc_profile", b""), is_gray=True)
    return _Decoded(gray[:, :, np.newaxis], alpha, profile, False, remarks)


def _deep_color(pixels: np.ndarray, image: Image.Image, is_gray: bool) -> _Decoded:
    """Decode a 16-bit `image` of color, or of gray with alpha.

    Args:
      pixels: of the image, uint16 `[H, W, 3 or 4]`.
      image: opened.
      is_gray: whether it is gray with alpha; the first three channels are equal then.
    """
    alpha = np.ascontiguousarray(pixels[:, :, 3]) if pixels.shape[2] == 4 else None
    pixels = np.ascontiguousarray(pixels[:, :, : 1 if is_gray else 3])
    profile, remarks = profiles.kept(image.info.get("icc_profile", b""), is_gray)
    return _Decoded(pixels, alpha, profile, False, remarks)


def _copied(image: Image.Image, turned: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the pixels of an image of mode L, LA, RGB or RGBA, upright, `[H, W, C]`, and alpha or None."""
    width, height = image.size
    channels = 1 if image.mode in ("L", "LA") else 3
    shape = (height, width) if turned < 5 else (width, height)
    pixels = np.empty((*shape, channels), np.uint8)
    alpha = np.empty(shape, np.uint8) if image.mode in ("LA", "RGBA") else None
    back = INVERSE.get(turned, turned)
    rows = max(1, BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = np.asarray(image.crop((0, top, width, bottom))).reshape(bottom - top, width, -1)
        upright(pixels, back)[top:bottom] = band[:, :, :channels]
        if alpha is not None:
            upright(alpha, back)[top:bottom] = band[:, :, channels]
    return pixels, alpha


def _several(image: Image.Image) -> tuple[str, ...]:
    """Return a remark if the file of an opened image holds several; seek to the first one."""
    if image.format == "MPO":  # a phone's photo, followed by its depth or a preview
        return ()
    try:
        frames = getattr(image, "n_frames", 1)
    except Exception:  # a later image is damaged; if the first one is, loading it raises an error
        frames = 1
    if frames == 1:
        return ()
    image.seek(0)
    return (f"first of {frames} {'pages' if image.format == 'TIFF' else 'frames'}",)


def _loses_bits(image: Image.Image) -> bool:
    """Return whether an opened image has 16 bits of which only 8 are read, by Pillow and by this package."""
    if image.format == "PPM":
        arguments = image.tile[0][3]  # "RGB", or a tuple that ends with the highest value
        return image.mode == "RGB" and not isinstance(arguments, str) and arguments[-1] > 255
    return image.mode == "CMYK" and decoding.has_16_bits(image)


def _webp_is_lossless(path: str | os.PathLike) -> bool:
    """Return whether the (first) image of a WebP file was compressed without loss."""
    with open(path, "rb") as file:
        file.seek(12)  # "RIFF", size, "WEBP"
        while len(header := file.read(8)) == 8:
            kind, size = struct.unpack("<4sI", header)
            if kind in (b"VP8 ", b"VP8L"):
                return kind == b"VP8L"
            # The chunks of an animation's frame are inside it, after 16 bytes.
            file.seek(16 if kind == b"ANMF" else size + size % 2, os.SEEK_CUR)
    return False
