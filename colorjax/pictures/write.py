"""Write a result in its photo's format, with the photo's alpha and metadata; files are never left incomplete."""

import contextlib
import io
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin

from colorjax.errors import UserError
from colorjax.pictures import profiles
from colorjax.pictures.decoding import BAND_PIXELS
from colorjax.pictures.metadata import IPTC_RESOURCE, Metadata
from colorjax.pictures.png_16 import write_png_16
from colorjax.pictures.read import Photo
from colorjax.pictures.tiff_writing import write_tiff
from colorjax.runtime.atomic import replacing

JPEG_QUALITY = WEBP_QUALITY = 95
PNG_COMPRESSION = 3  # photos are half a percent larger than with Pillow's 6, and take 60% of the time
LARGEST_JPEG_SEGMENT = 65000  # 65,535 bytes, less the headers of EXIF, XMP and IPTC in their segments


class _Format(NamedTuple):
    """What a format can hold.

    `label` is its name; `largest_side` is the largest height and width in pixels.
    """

    label: str
    has_alpha: bool
    has_16_bits: bool
    largest_side: int


_JPEG = _Format("JPEG", False, False, 65500)  # libjpeg's own limit, below the format's
_PNG = _Format("PNG", True, True, 2**31 - 1)
_TIFF = _Format("TIFF", True, True, 2**32 - 1)
_BMP = _Format("BMP", False, False, 2**31 - 1)  # BMP can hold alpha, but few programs read it
_WEBP = _Format("WebP", True, False, 16383)

FORMATS = {
    ".bmp": _BMP,
    ".jfif": _JPEG,
    ".jpe": _JPEG,
    ".jpeg": _JPEG,
    ".jpg": _JPEG,
    ".png": _PNG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".webp": _WEBP,
}


def suffix_for(photo: Photo, path: str | os.PathLike) -> str:
    """Return the suffix of a result's name, for `Path.with_suffix`.

    It is the suffix of `path` if the photo's format can be written and the suffix fits it. Otherwise another suffix is
    added: `scan.gif` becomes `scan.gif.png`, which can't collide with the result of a `scan.png`. The added suffix is
    that of the photo's format if only the file's name was wrong. It is `.png` for formats that can't be written (GIF,
    PPM, AVIF, ...) and for a BMP file with alpha.

    Args:
      photo: as it was read.
      path: of the photo.
    """
    suffix = Path(path).suffix
    label = {"JPEG": "JPEG", "MPO": "JPEG", "PNG": "PNG", "TIFF": "TIFF", "BMP": "BMP", "WEBP": "WebP"}.get(
        photo.format
    )
    if label is None or (photo.alpha is not None and label == "BMP"):
        label = "PNG"
    written = FORMATS.get(suffix.lower())
    if written is not None and written.label == label:
        return suffix
    return suffix + {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "BMP": ".bmp", "WebP": ".webp"}[label]


def check_folder(folder: str | os.PathLike) -> None:
    """Create the folder of the results if it doesn't exist.

    Raises:
      UserError: it can't be created, or no files can be written there.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()  # checking permissions isn't enough: a disk may be read-only or full
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{os.fspath(folder)}: no results can be written there ({reason}); choose another") from None


def write_photo(path: str | os.PathLike, pixels: np.ndarray, photo: Photo) -> tuple[str, ...]:
    """Write a result in the format of the suffix of `path`, with the photo's alpha and metadata.

    JPEG files have quality 95 and full color resolution. TIFF files are compressed with Deflate. WebP files are
    lossless if the photo's file was, else they have quality 95. Color has a profile if the photo's file had one.
    Each format holds these metadata:
      JPEG    EXIF, XMP, IPTC, resolution, comment, profile
      PNG     EXIF, XMP, resolution, texts (a comment among them), profile
      TIFF    EXIF, XMP, IPTC, resolution, profile
      WebP    EXIF, XMP, profile
      BMP     resolution

    Args:
      path: the file; its folder is created if it doesn't exist. An earlier file is replaced when this one is complete.
      pixels: uint8 or uint16 `[H, W, 1 or 3]`.
      photo: the photo; its alpha must be `[H, W]`, its pixels are not used.

    Returns:
      What the format could not hold, in short phrases for the user.

    Raises:
      UserError: one line with the path: a suffix or size that can't be written, no folder, no space.
      ValueError: pixels of another dtype or shape, or alpha of another size.
    """
    path = Path(path)
    if (
        pixels.ndim != 3
        or pixels.shape[2] not in (1, 3)
        or pixels.dtype not in (np.uint8, np.uint16)
        or not pixels.size
    ):
        raise ValueError(f"pixels are uint8 or uint16 [H, W, 1 or 3], not {pixels.dtype} {list(pixels.shape)}")
    if photo.alpha is not None and photo.alpha.shape != pixels.shape[:2]:
        raise ValueError(f"alpha is {list(photo.alpha.shape)}, pixels are {list(pixels.shape)}")
    written = FORMATS.get(path.suffix.lower())
    if written is None:
        raise UserError(f"{path}: can't write {path.suffix or 'a file without suffix'}; known: {', '.join(FORMATS)}")
    if max(pixels.shape[:2]) > written.largest_side:
        raise UserError(
            f"{path}: {written.label} has room for {written.largest_side:,} pixels a side; write PNG or TIFF"
        )
    remarks = ()
    if pixels.dtype == np.uint16 and not written.has_16_bits:
        pixels = _with_depth(pixels, np.uint8)
        remarks += (f"16 bits rounded to 8: {written.label} has no more",)
    alpha = None if photo.alpha is None else _with_depth(photo.alpha, pixels.dtype)
    if alpha is not None and not written.has_alpha:
        pixels, alpha = _on_white(pixels, alpha), None
        remarks += (f"alpha laid on white: {written.label} has none",)
    metadata = photo.metadata._replace(profile=profiles.fitting(photo.metadata.profile, pixels.shape[2]))
    if written is _JPEG:
        metadata, left_out = _short_enough(metadata)
        remarks += left_out
    with _replacing(path) as file:
        if written is _TIFF:
            write_tiff(file, pixels, alpha, metadata)
        elif written is _PNG and pixels.dtype == np.uint16:
            write_png_16(file, pixels, alpha, _png_chunks(metadata))
        else:
            options = _options(written, metadata, photo.lossless)
            _image(pixels, alpha).save(_WithoutNumber(file), written.label, **options)
    return remarks


class _WithoutNumber:
    """A file that hides its number from Pillow, which would write by it and take a half written file for whole."""

    def __init__(self, file: BinaryIO):
        self.write, self.seek, self.tell, self.flush = file.write, file.seek, file.tell, file.flush


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that replaces `path` when it is complete and is removed on an error; errors name `path`.

    Raises:
      UserError: the folder can't be created, or the file can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path.parent}: can't make this folder: {error.strerror or error}") from None
    try:
        with replacing(path) as temporary, open(temporary, "wb") as file:
            yield file
    except OSError as error:
        raise UserError(f"{path}: can't be written: {error.strerror or error}") from None


def _options(written: _Format, metadata: Metadata, lossless: bool) -> dict:
    """Return the keyword arguments of Pillow's `save`."""
    options = {}
    if metadata.resolution and written is not _WEBP:
        options["dpi"] = metadata.resolution
    if written is _BMP:
        return options
    # None is passed explicitly, because otherwise Pillow looks for a profile in the image.
    options |= {"icc_profile": metadata.profile or None, "exif": metadata.exif}
    if written is _PNG:
        return options | {"pnginfo": _png_texts(metadata), "compress_level": PNG_COMPRESSION}
    if metadata.xmp:
        options["xmp"] = metadata.xmp
    if written is _JPEG:
        options |= {"quality": JPEG_QUALITY, "subsampling": "4:4:4", "comment": metadata.comment}
        options |= {"exif": metadata.exif and b"Exif\0\0" + metadata.exif, "extra": _iptc_segment(metadata.iptc)}
    else:
        # exact: the colors of transparent pixels are kept too
        options |= {"lossless": True, "exact": True} if lossless else {"quality": WEBP_QUALITY}
    return options


def _png_texts(metadata: Metadata) -> PngImagePlugin.PngInfo:
    """Return a PNG file's texts."""
    texts = PngImagePlugin.PngInfo()
    for key, text in metadata.text:
        texts.add_text(key, text)
    if metadata.comment:
        texts.add_text("Comment", metadata.comment.decode("utf-8", "replace"))
    if metadata.xmp:
        texts.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
    return texts


def _png_chunks(metadata: Metadata) -> bytes:
    """Return the chunks with the metadata, as Pillow writes them between the header and the pixels of a PNG file."""
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "PNG", **_options(_PNG, metadata, lossless=True))
    data = file.getvalue()
    start = end = 33  # after the signature and the header
    while data[end + 4 : end + 8] != b"IDAT":
        end += 12 + struct.unpack_from(">I", data, end)[0]
    return data[start:end]


def _iptc_segment(record: bytes) -> bytes:
    """Return an IPTC record as a segment of a JPEG file, in one of Photoshop's image resources."""
    if not record:
        return b""
    resource = b"8BIM" + struct.pack(">HHI", IPTC_RESOURCE, 0, len(record)) + record + bytes(len(record) % 2)
    body = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + struct.pack(">H", 2 + len(body)) + body


def _short_enough(metadata: Metadata) -> tuple[Metadata, tuple[str, ...]]:
    """Return the metadata without blocks too long for a segment of a JPEG file, and remarks for the user."""
    blocks = {"exif": "EXIF", "xmp": "XMP", "iptc": "IPTC", "comment": "comment"}
    long = [key for key in blocks if len(getattr(metadata, key)) > LARGEST_JPEG_SEGMENT]
    return metadata._replace(**dict.fromkeys(long, b"")), tuple(
        f"{blocks[key]} left out: too long for JPEG" for key in long
    )


def _image(pixels: np.ndarray, alpha: np.ndarray | None) -> Image.Image:
    """Return 8-bit pixels as a Pillow image."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha))
    return image


def _with_depth(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return uint8 or uint16 values as `dtype`, one of the two: rounded, or unchanged if they have it already."""
    if values.dtype == dtype:
        return values
    if dtype == np.uint16:
        return values.astype(np.uint16) * np.uint16(257)
    result = np.empty(values.shape, np.uint8)
    for row, of in zip(result, values, strict=True):
        row[:] = (of.astype(np.uint32) + 128) // 257
    return result


def _on_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return 8-bit pixels composited on white."""
    result = np.empty_like(pixels)
    rows = max(1, BAND_PIXELS // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        part = slice(top, top + rows)
        share = alpha[part, :, np.newaxis].astype(np.uint32)
        result[part] = (pixels[part] * share + 255 * (255 - share) + 127) // 255
    return result
