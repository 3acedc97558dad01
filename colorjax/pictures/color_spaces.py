"""Which color space a file says that its pixels are in, by an ICC profile or otherwise.

Otherwise is: the chunks cICP, sRGB, gAMA and cHRM of PNG, the box colr of JPEG 2000 and AVIF, the header of BMP, and
EXIF (Adobe RGB). A `Space` has an ICC profile of it, so that all are converted in one way (`profiles.py`).
"""

import contextlib
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import imagecodecs
import numpy as np
from PIL import ExifTags, Image

PHOTOSHOP_PROFILE = 1039  # the one of Photoshop's image resources that holds an ICC profile

D65, D50, DCI = (0.3127, 0.3290), (0.3457, 0.3585), (0.314, 0.351)
BT709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3 = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
ADOBE_RGB = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ROMM = (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)

# ITU-T H.273, table 2: number -> name, white, primaries.
CICP_PRIMARIES = {
    1: ("BT.709", D65, BT709),
    4: ("BT.470 M", (0.310, 0.316), (0.67, 0.33, 0.21, 0.71, 0.14, 0.08)),
    5: ("BT.601 (625)", D65, (0.64, 0.33, 0.29, 0.60, 0.15, 0.06)),
    6: ("BT.601 (525)", D65, (0.630, 0.340, 0.310, 0.595, 0.155, 0.070)),
    7: ("SMPTE 240M", D65, (0.630, 0.340, 0.310, 0.595, 0.155, 0.070)),
    9: ("BT.2020", D65, (0.708, 0.292, 0.170, 0.797, 0.131, 0.046)),
    11: ("DCI-P3", DCI, P3),
    12: ("Display P3", D65, P3),
    22: ("EBU 3213", D65, (0.630, 0.340, 0.295, 0.605, 0.155, 0.077)),
}

# ITU-T H.273, table 3: number -> gamma, or "sRGB". Still pictures that name the curve of a camera (1, 6, 14, 15) are
# shown with sRGB's by all browsers.
CICP_TRANSFER = {1: "sRGB", 4: 2.2, 5: 2.8, 6: "sRGB", 8: 1.0, 13: "sRGB", 14: "sRGB", 15: "sRGB"}
UNSPECIFIED = (0, 2)

# JPEG 2000's enumerated color spaces whose pixels Pillow gives as they are shown (ISO 15444-1, table I.10).
JPEG_2000_SRGB = (16, 17, 18)
JPEG_2000_ROMM = 21


class Space(NamedTuple):
    """A color space other than sRGB.

    Attributes:
      profile: an ICC profile; b"" for a space that can't be converted.
      name: for the user; "" where the profile's own description serves.
    """

    profile: bytes
    name: str = ""


def srgb_decoded(values: np.ndarray) -> np.ndarray:
    """Return linear values of sRGB values, both in [0, 1] (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def primaries_space(xy: Sequence[float], transfer: float | str, name: str, gray: bool = False) -> Space | None:
    """Return the space of a white point, primaries and a curve; None for sRGB.

    Args:
      xy: chromaticities x, y of white, red, green and blue; eight numbers.
      transfer: "sRGB", or the gamma by which stored values are decoded.
      name: for the user.
      gray: whether the pixels are gray, for which the primaries don't matter.
    """
    if isinstance(transfer, float) and abs(transfer - 2.2) < 0.03 and name.startswith("gamma"):
        transfer = "sRGB"  # what programs mean that write gAMA 45455
    same = np.allclose(xy, (*D65, *BT709), atol=0.002)
    if transfer == "sRGB" and (same or gray):
        return None
    x = list(xy)
    curve = {"gamma": transfer}
    if transfer == "sRGB":
        curve = {"transferfunction": np.rint(srgb_decoded(np.linspace(0, 1, 4096)) * 65535).astype(np.uint16)}
    white = (x[0], x[1], 1.0)
    if gray:
        return Space(imagecodecs.cms_profile("gray", whitepoint=white, **curve), name)
    primaries = [n for i in (2, 4, 6) for n in (x[i], x[i + 1], 1.0)]
    with contextlib.suppress(imagecodecs.CmsError, ValueError):
        return Space(imagecodecs.cms_profile("rgb", whitepoint=white, primaries=primaries, **curve), name)
    return Space(b"", name)


def adobe_rgb() -> Space:
    """Return Adobe RGB (1998): its gamma is 563/256."""
    return primaries_space((*D65, *ADOBE_RGB), 563 / 256, "Adobe RGB")


def stated_space(image: Image.Image, data: bytes) -> Space | None:
    """Return the color space that a file states; None for sRGB, and where it states none.

    Args:
      image: opened.
      data: the bytes of its file.
    """
    gray = image.mode in ("1", "L", "LA", "La", "I", "I;16", "I;16B")
    finders = {"PNG": _of_png, "BMP": _of_bmp, "DIB": _of_bmp, "AVIF": _of_avif, "JPEG2000": _of_jpeg_2000}
    if image.format in finders:
        found = finders[image.format](image, data, gray)
        if found != _UNTOLD:
            return found
    elif profile := image.info.get("icc_profile"):
        return Space(profile)
    elif image.format == "PSD":
        for resource in image.resources:
            if resource[0] == PHOTOSHOP_PROFILE and resource[2]:
                return Space(resource[2])
    return adobe_rgb() if _exif_says_adobe_rgb(image) else None


_UNTOLD = Space(b"", "untold")


def _exif_says_adobe_rgb(image: Image.Image) -> bool:
    """Return whether EXIF says Adobe RGB, as cameras do in files without a profile (DCF 2.0, option file)."""
    try:
        tags = image.getexif()
        if tags.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace) == 2:
            return True
        index = tags.get_ifd(ExifTags.IFD.Interop).get(1)
    except Exception:  # Pillow raises all kinds of errors for damaged EXIF
        return False
    text = index.decode("latin-1") if isinstance(index, bytes) else str(index)
    return text.startswith("R03")


def cicp_space(primaries: int, transfer: int, gray: bool) -> Space | None:
    """Return the space of coding-independent code points (ITU-T H.273); None for sRGB, `_UNTOLD` if unspecified."""
    if primaries in UNSPECIFIED and transfer in UNSPECIFIED:
        return _UNTOLD
    name, white, xy = CICP_PRIMARIES.get(1 if primaries in UNSPECIFIED else primaries, (None, None, None))
    curve = CICP_TRANSFER.get(13 if transfer in UNSPECIFIED else transfer)
    if name is None or curve is None:
        hdr = {16: "PQ (HDR)", 18: "HLG (HDR)"}.get(transfer, f"the code points {primaries}, {transfer}")
        return Space(b"", hdr)
    return primaries_space((*white, *xy), curve, name, gray)


def _of_png(image: Image.Image, data: bytes, gray: bool) -> Space | None:
    """Return the space by the rules of PNG 3, section 12.1: cICP before iCCP before sRGB before gAMA and cHRM."""
    chunks = dict(_png_chunks(data))
    if len(code := chunks.get(b"cICP", b"")) == 4:
        found = cicp_space(code[0], code[1], gray)
        if found != _UNTOLD:
            return found
    if profile := image.info.get("icc_profile"):
        return Space(profile)
    if b"sRGB" in chunks:
        return None
    gamma, xy = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    transfer = 1e5 / value if len(gamma) == 4 and (value := struct.unpack(">I", gamma)[0]) else "sRGB"
    points = (*D65, *BT709)
    if len(xy) == 32:
        points = [value / 1e5 for value in struct.unpack(">8I", xy)]
    if not gamma and not xy:
        return _UNTOLD
    if isinstance(transfer, float) and not 0.1 < transfer < 10:
        return Space(b"", f"gamma {transfer:.3g}")
    name = f"gamma {transfer:.3g}" if isinstance(transfer, float) else "the primaries in cHRM"
    return primaries_space(points, transfer, name, gray)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and content of the chunks before the pixels."""
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            return
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _of_bmp(image: Image.Image, data: bytes, gray: bool) -> Space | None:
    """Return the space in the header of a BMP file, version 4 or 5 (BITMAPV5HEADER)."""
    start = 14 if image.format == "BMP" else 0
    if len(data) < start + 108 or (size := struct.unpack_from("<I", data, start)[0]) < 108:
        return _UNTOLD
    kind = data[start + 56 : start + 60][::-1]  # a number whose bytes are letters
    if kind == b"\0\0\0\0":
        numbers = struct.unpack_from("<9I3I", data, start + 60)
        xyz, gammas = np.array(numbers[:9], float).reshape(3, 3) / 2**30, [g / 2**16 for g in numbers[9:]]
        if not xyz.sum(axis=1).all() or not all(gammas):
            return _UNTOLD
        xy, white = xyz[:, :2] / xyz.sum(axis=1, keepdims=True), xyz.sum(axis=0)
        white = white[:2] / white.sum()
        return primaries_space((*white, *xy.ravel()), float(np.mean(gammas)), f"gamma {np.mean(gammas):.3g}", gray)
    if kind == b"MBED" and size >= 124 and len(data) >= start + 120:
        at, length = struct.unpack_from("<II", data, start + 112)
        return Space(data[start + at : start + at + length])
    if kind == b"LINK":
        return Space(b"", "a profile in another file")
    return _UNTOLD


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, begin and end of the content of each box in `data[start:end]` (ISO 14496-12, section 4.2)."""
    end = len(data) if end is None else min(end, len(data))
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1 and start + 16 <= end:
            size, header = struct.unpack_from(">Q", data, start + 8)[0], 16
        stop = end if size == 0 else start + size
        if stop < start + header:
            return
        yield kind, start + header, min(stop, end)
        start = stop


def inside(data: bytes, *path: bytes) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the content of the boxes at a path, such as (b"jp2h", b"colr")."""
    places = [(0, len(data))]
    for kind in path:
        skip = 4 if kind == b"meta" else 0  # version and flags
        places = [(a + skip, b) for start, end in places for found, a, b in boxes(data, start, end) if found == kind]
    yield from places


def _of_avif(image: Image.Image, data: bytes, gray: bool) -> Space | None:
    if profile := image.info.get("icc_profile"):
        return Space(profile)
    for start, end in inside(data, b"meta", b"iprp", b"ipco", b"colr"):
        if data[start : start + 4] == b"nclx" and end - start >= 10:
            return cicp_space(*struct.unpack_from(">HH", data, start + 4), gray)
    return _UNTOLD


def _of_jpeg_2000(image: Image.Image, data: bytes, gray: bool) -> Space | None:
    """Return the space in a JP2 file's first box colr that is understood (ISO 15444-1, section I.5.3.3)."""
    unknown = _UNTOLD
    for start, end in inside(data, b"jp2h", b"colr"):
        method = data[start]
        if method in (2, 3):
            return Space(data[start + 3 : end])
        if method == 1 and end - start >= 7:
            (number,) = struct.unpack_from(">I", data, start + 3)
            if number in JPEG_2000_SRGB or image.mode == "CMYK":
                return None
            if number == JPEG_2000_ROMM:
                return primaries_space((*D50, *ROMM), 1.8, "ROMM RGB", gray)
            unknown = Space(b"", f"color space {number} of JPEG 2000")
        elif method == 5 and end - start >= 9:
            return cicp_space(*struct.unpack_from(">HH", data, start + 3), gray)
    return unknown
