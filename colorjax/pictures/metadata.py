"""The metadata of a photo, as far as they are still true for the result.

The EXIF orientation becomes 1, because pixels are turned upright. The thumbnail is left out, because it shows the
image before the restoration. Tags about how the pixels were stored are left out.
"""

import contextlib
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from PIL import ExifTags, Image, PngImagePlugin

ORIENTATION = ExifTags.Base.Orientation
IPTC_RESOURCE = 0x0404  # the one of Photoshop's image resources that holds IPTC in JPEG files
IPTC_TAG, XMP_TAG = 33723, 700  # the tags that hold IPTC and XMP in TIFF files
SRGB = 1  # of EXIF's ColorSpace

# Tags of the first directory that describe how pixels are stored, or that have a field of their own in `Metadata` (XMP,
# IPTC, profile). In a TIFF file they are mixed with the tags about the photo.
STORAGE_TAGS = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291}
    | {292, 293, 301, 317, 318, 319, 320, 322, 323, 324, 325, 330, 332, 333, 334, 336, 337, 338, 339, 340, 341, 342}
    | {347, *range(512, 522), 529, 530, 531, 532, XMP_TAG, IPTC_TAG, 34377, 34675, 37724}
)


class Metadata(NamedTuple):
    """Metadata of a photo; fields are empty where the file has none.

    Attributes:
      exif: an EXIF block, beginning with its byte order.
      xmp: an XMP packet.
      iptc: an IPTC record.
      comment: a comment of a JPEG or GIF file.
      text: keys and texts of a PNG file.
      resolution: pixels per inch in x and y.
      profile: the ICC profile of the pixels as they are read.
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    comment: bytes = b""
    text: tuple[tuple[str, str], ...] = ()
    resolution: tuple[float, float] | None = None
    profile: bytes = b""


def read_metadata(image: Image.Image) -> tuple[Metadata, tuple[str, ...]]:
    """Return the metadata of a loaded image's file, adapted to upright pixels, and remarks for the user."""
    remarks = ()
    try:
        exif = _exif(image.getexif(), *image.size)
    except Exception:  # Pillow raises all kinds of errors for damaged EXIF
        exif, remarks = b"", ("EXIF left out: it is damaged",)
    return Metadata(
        exif=exif,
        xmp=_xmp(image),
        iptc=_iptc(image),
        comment=_as_bytes(image.info.get("comment", b"")),
        text=_text(image),
        resolution=_resolution(image.info.get("dpi")),
    ), remarks


def metadata_of_tags(tags: Mapping[Any, Any]) -> Metadata:
    """Return the metadata of a TIFF file that Pillow doesn't open: texts such as artist and date, XMP and IPTC.

    Args:
      tags: of the file, by number; and 'dpi'.
    """
    kept = Image.Exif()
    for tag, value in tags.items():
        if isinstance(value, str):
            kept[tag] = value
    return Metadata(
        exif=_packed(kept) if len(kept) else b"",
        xmp=_upright_xmp(_as_bytes(tags.get(XMP_TAG, b""))),
        iptc=_as_bytes(tags.get(IPTC_TAG, b"")),
        resolution=_resolution(tags.get("dpi")),
    )


def with_srgb(metadata: Metadata) -> Metadata:
    """Return metadata whose EXIF and XMP, if they name a color space, name sRGB."""
    xmp = re.sub(rb"""(exif:ColorSpace(?:\s*=\s*["']|\s*>\s*))[0-9]+""", rb"\g<1>1", metadata.xmp)
    xmp = re.sub(rb"""(photoshop:ICCProfile\s*(=\s*["']|>))[^"'<]*""", rb"\g<1>sRGB IEC61966-2.1", xmp)
    return metadata._replace(exif=_exif_with_srgb(metadata.exif), xmp=xmp)


def _exif_with_srgb(exif: bytes) -> bytes:
    if not exif:
        return exif
    tags = Image.Exif()
    tags.load(exif)
    details = dict(tags.get_ifd(ExifTags.IFD.Exif))
    interop = details.pop(ExifTags.IFD.Interop, None)  # it may name Adobe RGB
    if details.get(ExifTags.Base.ColorSpace, SRGB) == SRGB and interop is None:
        return exif
    if ExifTags.Base.ColorSpace in details:
        details[ExifTags.Base.ColorSpace] = SRGB
    tags[ExifTags.IFD.Exif] = details
    return _packed(tags)


def _exif(tags: Image.Exif, width: int, height: int) -> bytes:
    """Return an EXIF block of the tags that are still true; empty if there are none.

    Args:
      tags: of the file.
      width: of the image as stored in the file, pixels.
      height: of the image as stored in the file, pixels.
    """
    kept = Image.Exif()
    kept.endian = tags.endian  # a camera maker's note is kept as bytes in that order
    for tag, value in tags.items():
        if tag not in STORAGE_TAGS and tag not in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            kept[tag] = value
    if ORIENTATION in kept:
        if kept[ORIENTATION] in range(5, 9):
            width, height = height, width
        kept[ORIENTATION] = 1
    details = dict(tags.get_ifd(ExifTags.IFD.Exif))
    for tag, pixels in ((ExifTags.Base.ExifImageWidth, width), (ExifTags.Base.ExifImageHeight, height)):
        if tag in details:
            details[tag] = pixels
    if ExifTags.IFD.Interop in details:
        details[ExifTags.IFD.Interop] = dict(tags.get_ifd(ExifTags.IFD.Interop))
    if details:
        kept[ExifTags.IFD.Exif] = details
    if place := dict(tags.get_ifd(ExifTags.IFD.GPSInfo)):
        kept[ExifTags.IFD.GPSInfo] = place
    return _packed(kept) if len(kept) else b""


def _packed(tags: Image.Exif) -> bytes:
    return tags.tobytes().removeprefix(b"Exif\0\0")


def _xmp(image: Image.Image) -> bytes:
    """Return the XMP packet, with the orientation set to 1 if it has one."""
    return _upright_xmp(_as_bytes(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""))


def _upright_xmp(packet: bytes) -> bytes:
    return re.sub(rb"""(tiff:Orientation(?:\s*=\s*["']|\s*>\s*))[0-9]""", rb"\g<1>1", packet)


def _iptc(image: Image.Image) -> bytes:
    """Return the IPTC record of a JPEG or TIFF file."""
    if image.format == "TIFF":
        record = image.tag_v2.get(IPTC_TAG, b"")
    else:
        record = image.info.get("photoshop", {}).get(IPTC_RESOURCE, b"")
    return record if isinstance(record, bytes) else b""


def _text(image: Image.Image) -> tuple[tuple[str, str], ...]:
    """Return the texts of a PNG file, except XMP, and EXIF and profiles that ImageMagick stores as text."""
    if not isinstance(image, PngImagePlugin.PngImageFile):
        return ()
    return tuple(
        (key, text)
        for key, text in image.text.items()
        if key != "XML:com.adobe.xmp" and not key.startswith("Raw profile type ")
    )


def _resolution(dpi) -> tuple[float, float] | None:
    """Return Pillow's resolution as pixels per inch in x and y, or None if it is not a valid one."""
    with contextlib.suppress(TypeError, ValueError, ZeroDivisionError):
        x, y = map(float, dpi)
        if math.isfinite(x) and math.isfinite(y) and x > 0 and y > 0:
            return x, y
    return None


def _as_bytes(value) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else b""
