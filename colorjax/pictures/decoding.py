"""From an image file to pixels: the one path for the images of data sets, for photos and for hints.

TIFF files are decoded by tifffile, 16-bit PNG and JPEG 2000 by imagecodecs, the rest by Pillow. Pixels keep the
file's color space, which `profiles.py` converts. Every problem with a file becomes a one-line `UserError` that begins
with the file's name.
"""

import contextlib
import io
import logging
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import imagecodecs
import numpy as np
from PIL import Image, UnidentifiedImageError

from colorjax.errors import UserError
from colorjax.pictures import bit_depth, jpeg_end
from colorjax.pictures.color_spaces import Space, stated_space
from colorjax.pictures.metadata import Metadata, metadata_of_tags, read_metadata
from colorjax.pictures.orientation import INVERSE, MAX_PIXELS, orientation, refuse_large, upright
from colorjax.pictures.tiff_decoding import MAGIC, TiffPixels, decode_tiff

# Pixels are copied out of Pillow, which takes four bytes for a pixel of three, in bands of this many pixels.
BAND_PIXELS = 2**20

LOSSY = frozenset({"AVIF", "JPEG", "JPEG2000", "MPO"})

# Kinds of files that are often met and not read -> what they begin with, from the given byte on.
KNOWN = {
    "HEIC": (4, (b"ftypheic", b"ftypheix", b"ftypheim", b"ftyphevc", b"ftypmif1", b"ftypmsf1")),
    "JPEG XL": (0, (b"\xff\x0a", b"\0\0\0\x0cJXL ")),
    "JPEG XR": (0, (b"II\xbc",)),
    "Canon raw (CR3)": (4, (b"ftypcrx ",)),
    "SVG": (0, (b"<svg",)),
    "PDF": (0, (b"%PDF",)),
}

# The warnings filter and Pillow's size limit are global to the process, so threads take turns.
_pillow_lock = threading.RLock()


class Decoded(NamedTuple):
    """An image as its file stores it.

    Attributes:
      pixels: uint8 or uint16 `[H, W, 1, 3 or 4]`, upright; 4 channels are ink (CMYK), 0 is none.
      alpha: of the same dtype, `[H, W]`, not multiplied into the pixels; None without.
      space: their color space, None for sRGB.
      format: Pillow's name of the file's format.
      lossless: whether the format is lossless; for WebP, whether this file was compressed without loss.
      metadata: of the file, without the profile.
      remarks: what was done or lost, in short phrases for the user.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    space: Space | None
    format: str
    lossless: bool
    metadata: Metadata
    remarks: tuple[str, ...]


def read_bytes(path: str | os.PathLike) -> bytes:
    """Return a file's content.

    Raises:
      UserError: it can't be read, or is none: a named pipe or a device might never end.
    """
    name = os.fspath(path)
    try:
        kind = os.stat(path).st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            raise UserError(f"{name}: not a file but a pipe, a socket or a device")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UserError(f"{name}: {error.strerror or error}") from None


def decode(name: str, data: bytes, max_pixels: int = MAX_PIXELS, advice: str = "") -> Decoded:
    """Decode an image file of any kind; of several images, the first.

    Args:
      name: the file's name in errors.
      data: its bytes.
      max_pixels: larger images are refused before they are decoded.
      advice: added to that error.

    Raises:
      UserError: the file is empty, no image, damaged, too large, or of pixels whose range it doesn't tell.
    """
    if data.startswith(MAGIC) and (tiff := decode_tiff(name, io.BytesIO(data), max_pixels, advice)):
        return _of_tiff(name, data, tiff)
    with opened(name, data) as image:
        refuse_large(name, *image.size, max_pixels, advice)
        remarks = _several(image)
        bits = bit_depth.of(image, data)  # before the file is loaded, which forgets it
        remarks += _load(name, image, data)
        metadata, damaged = read_metadata(image)  # before the next, since Pillow tells of damaged EXIF once
        space = stated_space(image, data)
        turned = orientation(image)  # always 1 for TIFF files after load(): Pillow turns them
        if turned != 1:
            remarks += ("turned upright",)
        if bits > 8 and bit_depth.is_decoded_whole(image):
            pixels, alpha = _deep(name, image, data, bits, turned)
        else:
            if bits > 8:
                remarks += (f"{bits} bits read as 8",)
            image, expanded = _plain(name, image)
            remarks += expanded
            pixels, alpha = _copied(image, turned)
        return Decoded(
            pixels=pixels,
            alpha=alpha,
            space=space,
            format=image.format,
            lossless=bit_depth.webp_is_lossless(data) if image.format == "WEBP" else image.format not in LOSSY,
            metadata=metadata,
            remarks=remarks + damaged,
        )


@contextlib.contextmanager
def opened(name: str, data: bytes) -> Iterator[Image.Image]:
    """Open an image with Pillow's warnings and size limit off; within the context every exception becomes `UserError`.

    Args:
      name: the file's name in errors.
      data: the bytes of the file.

    Raises:
      UserError: the file is empty, no image or damaged, or the body raised any other exception.
    """
    if not data:
        raise UserError(f"{name}: the file is empty")
    with _pillow_lock, warnings.catch_warnings(), _without_log():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # `refuse_large` replaces it
        try:
            with Image.open(io.BytesIO(data)) as image:
                yield image
        except (UserError, MemoryError):
            raise
        except UnidentifiedImageError:
            raise UserError(f"{name}: {_unknown(data)}") from None
        except Exception as error:  # Pillow raises all kinds of errors for damaged files, even SyntaxError.
            reason = " ".join(str(error).split()) or type(error).__name__
            if reason.startswith("decoder error"):
                reason = "the file is damaged or cut short"
            raise UserError(f"{name}: can't be decoded: {reason}") from None
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@contextlib.contextmanager
def _without_log() -> Iterator[None]:
    """Keep Pillow from logging, so that only our one line appears."""
    logger = logging.getLogger("PIL")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _unknown(data: bytes) -> str:
    for kind, (start, beginnings) in KNOWN.items():
        if data[start : start + 16].startswith(beginnings):
            return f"{kind} files are not read; save it as JPEG, PNG or TIFF"
    return "not a picture in any format that Pillow reads, or only a part of one"


def _load(name: str, image: Image.Image, data: bytes) -> tuple[str, ...]:
    """Load an opened image; return a remark if a JPEG file lacked its last two bytes.

    Raises:
      UserError: 32-bit pixels. A file that is cut short raises another error, which `opened` turns into a `UserError`.
    """
    remarks = ()
    if image.format == "JPEG2000" and not bit_depth.jpeg_2000_is_whole(data):
        raise UserError(f"{name}: can't be decoded: the file is damaged or cut short")
    try:
        with _quiet() if image.format == "TIFF" else contextlib.nullcontext():
            image.load()
    except OSError:
        if image.format not in ("JPEG", "MPO") or not jpeg_end.lacks_the_end_alone(data):
            raise
        image.fp = io.BytesIO(data + jpeg_end.END)
        image.load()
        remarks = ("the file lacks its end mark, the picture is whole",)
    if image.mode in ("I", "F") and not bit_depth.is_16_bit_gray(image):
        raise UserError(f"{name}: 32-bit pixels, whose range the file doesn't tell; save it with 8 or 16 bits")
    return remarks


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep libtiff and libpng from writing their own lines to the terminal."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _of_tiff(name: str, data: bytes, tiff: TiffPixels) -> Decoded:
    """Return what was decoded of a TIFF file, with its metadata."""
    pages, remarks = tiff.page, tiff.remarks
    space = tiff.space
    try:
        with opened(name, data) as image:
            image.seek(pages)
            metadata, damaged = read_metadata(image)
            if space is None:
                space = stated_space(image, data)
    except UserError:  # BigTIFF of another byte order, and other kinds that Pillow does not open
        metadata, damaged = metadata_of_tags(tiff.tags), ()
    return Decoded(tiff.pixels, tiff.alpha, space, "TIFF", True, metadata, remarks + damaged)


def _deep(name: str, image: Image.Image, data: bytes, bits: int, turned: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return pixels uint16 `[H, W, 1 or 3]` and alpha of a loaded image of more than 8 bits.

    Pillow has loaded the image before and raised an error if the file is cut short.
    """
    if image.format == "PPM":
        values = np.asarray(image).astype(np.uint16)
    else:
        image.close()  # its pixels are not needed, and the others need the memory
        with _quiet():
            values = imagecodecs.png_decode(data) if image.format == "PNG" else imagecodecs.jpeg2k_decode(data)
    if values.dtype != np.uint16 or values.ndim not in (2, 3):
        raise UserError(f"{name}: {bits}-bit pixels of a rare kind that can't be decoded; save it as an ordinary PNG")
    values = upright(values.reshape(*values.shape[:2], -1), turned)
    if values.shape[2] not in (1, 2, 3, 4):
        raise UserError(f"{name}: {values.shape[2]} channels; save it as gray or RGB")
    if image.format == "JPEG2000" and bits < 16:
        values = np.rint(values * (65535 / (2**bits - 1))).astype(np.uint16)
    alpha = np.ascontiguousarray(values[:, :, -1]) if values.shape[2] in (2, 4) else None
    return np.ascontiguousarray(values[:, :, : values.shape[2] - (alpha is not None)]), alpha


def _plain(name: str, image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Return a loaded 8-bit image in mode L, LA, RGB, RGBA or CMYK, and a remark if it had a palette."""
    remarks = ("palette expanded",) if image.mode in ("P", "PA") else ()
    if image.mode == "CMYK":
        return image, ()
    mode = ("L" if image.mode in ("1", "L", "LA", "La") else "RGB") + ("A" if image.has_transparency_data else "")
    if image.mode == mode:
        return image, remarks
    if image.mode == "LAB":
        raise UserError(f"{name}: Lab pixels; save it as RGB")
    kind, image = image.format, image.convert(mode)
    image.format = kind
    return image, remarks


def _copied(image: Image.Image, turned: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the pixels of an image of mode L, LA, RGB, RGBA or CMYK, upright, `[H, W, C]`, and alpha or None."""
    width, height = image.size
    channels = {"L": 1, "LA": 1, "CMYK": 4}.get(image.mode, 3)
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
    if image.format in ("MPO", "PSD"):  # a phone's photo, followed by its depth or a preview; a picture and its layers
        return ()
    try:
        frames = getattr(image, "n_frames", 1)
    except Exception:  # a later image is damaged; if the first one is, loading it raises an error
        frames = 1
    if frames == 1:
        return ()
    image.seek(0)
    return (f"first of {frames} {'pages' if image.format == 'TIFF' else 'frames'}",)
