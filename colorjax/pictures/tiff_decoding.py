"""Decode TIFF files of every kind: tifffile finds the pixels, imagecodecs uncompresses them.

Some old kinds (fax, YCbCr that is not JPEG) are left to Pillow: `decode_tiff` then returns None.
"""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import imagecodecs
import numpy as np
import tifffile
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, SAMPLEFORMAT, TiffPage

from colorjax.errors import UserError
from colorjax.pictures.color_spaces import Space, primaries_space
from colorjax.pictures.orientation import refuse_large, upright

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

PROFILE, TRANSFER, WHITE_POINT, PRIMARIES, MAX_SAMPLE, INK_SET, XMP, IPTC = 34675, 301, 318, 319, 281, 332, 700, 33723

# The description, make, model, software, date, artist and copyright.
TEXTS = (270, 271, 272, 305, 306, 315, 33432)

# Pixels that are converted at once.
BAND_PIXELS = 2**18

# More are measurements of other kinds, or an attack on the memory.
MOST_CHANNELS = 32

# What tifffile calls the axes of an image, and what they are here.
AXES = {"YX": "YX", "YXS": "YXS", "SYX": "SYX", "SYXS": "SYX"}

JPEG = {COMPRESSION.JPEG, COMPRESSION.WEBP}
FAX = {COMPRESSION.CCITTRLE, COMPRESSION.CCITT_T4, COMPRESSION.CCITT_T6, COMPRESSION.OJPEG, COMPRESSION.THUNDERSCAN}

# Kinds of pixels that are no finished photograph.
OTHERS = {
    PHOTOMETRIC.CFA: "the raw pixels of a camera; save it with 8 or 16 bits from a raw converter",
    PHOTOMETRIC.LINEAR_RAW: "the raw pixels of a camera; save it with 8 or 16 bits from a raw converter",
    PHOTOMETRIC.LOGL: "LogL pixels; save it with 8 or 16 bits",
    PHOTOMETRIC.LOGLUV: "LogLuv pixels; save it with 8 or 16 bits",
    PHOTOMETRIC.MASK: "a transparency mask alone",
    PHOTOMETRIC.DEPTH_MAP: "a depth map",
}

# A TIFF file's photometric -> the number of its color channels.
CHANNELS = {
    PHOTOMETRIC.MINISWHITE: 1,
    PHOTOMETRIC.MINISBLACK: 1,
    PHOTOMETRIC.PALETTE: 1,
    PHOTOMETRIC.RGB: 3,
    PHOTOMETRIC.YCBCR: 3,
    PHOTOMETRIC.CIELAB: 3,
    PHOTOMETRIC.ICCLAB: 3,
    PHOTOMETRIC.SEPARATED: 4,
}


class TiffPixels(NamedTuple):
    """The main picture of a TIFF file.

    Attributes:
      pixels: uint8 or uint16 `[H, W, 1, 3 or 4]`, upright; 4 channels are ink (CMYK), 0 is none. Lab has been
        converted to sRGB.
      alpha: of the same dtype, `[H, W]`, not multiplied into the pixels; None without.
      space: the color space, None where the file names none.
      page: number of the page.
      tags: texts, XMP and IPTC of the page by number, and the resolution as 'dpi' in pixels per inch.
      remarks: what was done, in short phrases for the user.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    space: Space | None
    page: int
    tags: dict[Any, Any]
    remarks: tuple[str, ...]


def decode_tiff(name: str, file: BinaryIO, max_pixels: int, advice: str) -> TiffPixels | None:
    """Decode the main picture of a TIFF file; None for the old kinds that Pillow reads better.

    Args:
      name: the file's name in errors.
      file: at its beginning.
      max_pixels: larger pictures are refused before they are decoded.
      advice: added to that error.

    Raises:
      UserError: one line with the name: damaged, too large, or a kind that is no finished photograph.
    """
    with _silent():
        try:
            with tifffile.TiffFile(file) as tiff:
                number, page, remarks = _main_page(tiff)
                if not all(isinstance(side, int) and side > 0 for side in (page.imagewidth, page.imagelength)):
                    raise UserError(f"{name}: can't be decoded: the TIFF file is damaged: it has no size")
                refuse_large(name, page.imagewidth, page.imagelength, max_pixels, advice)
                if _left_to_pillow(page):
                    return None
                _refuse_other_kinds(name, page)
                _refuse_cut(name, page, file)
                return _decoded(name, page, number, remarks)
        except (UserError, MemoryError):
            raise
        except Exception as error:  # tifffile and imagecodecs raise all kinds of errors for damaged files
            reason = " ".join(str(error).split())[:100] or type(error).__name__
            raise UserError(
                f"{name}: can't be decoded: the TIFF file is damaged or cut short, or of a rare kind ({reason})"
            ) from None


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep tifffile from logging, so that only our one line appears."""
    logger = logging.getLogger("tifffile")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _main_page(tiff: tifffile.TiffFile) -> tuple[int, TiffPage, tuple[str, ...]]:
    """Return the number of the first page that is neither reduced nor a mask, that page, and remarks."""
    main = []
    for number in range(len(tiff.pages)):
        page = tiff.pages.get(number)
        page = page if isinstance(page, TiffPage) else page.aspage()
        if not (page.is_reduced or page.is_mask):
            main.append((number, page))
    if not main:  # the full picture may lie below a reduced one
        first = tiff.pages.first
        below = [page for page in (first.pages or ()) if isinstance(page, TiffPage) and not page.is_reduced]
        return 0, (below or [first])[0], ("full picture taken, not its preview",) if below else ()
    number, page = main[0]
    remarks = (f"first of {len(main)} pages",) if len(main) > 1 else ()
    return number, page, remarks + (("full picture taken, not the reduced one before it",) if number else ())


def _left_to_pillow(page: TiffPage) -> bool:
    """Return whether the page is of an old kind that libtiff reads and tifffile does not."""
    return page.compression in FAX or (page.photometric == PHOTOMETRIC.YCBCR and page.compression not in JPEG)


def _refuse_other_kinds(name: str, page: TiffPage) -> None:
    kind = OTHERS.get(page.photometric)
    if page.photometric not in CHANNELS:
        kind = kind or f"pixels of a rare kind (photometric {int(page.photometric)}); save it as RGB"
    elif page.photometric == PHOTOMETRIC.SEPARATED and _tag(page, INK_SET, 1) != 1:
        kind = "inks that are not CMYK; save it as RGB"
    elif page.samplesperpixel < CHANNELS[page.photometric]:
        kind = f"only {page.samplesperpixel} channels"
    elif page.samplesperpixel > MOST_CHANNELS:
        kind = f"{page.samplesperpixel} channels, not a picture"
    elif page.photometric in (PHOTOMETRIC.CIELAB, PHOTOMETRIC.ICCLAB) and page.bitspersample not in (8, 16):
        kind = f"Lab pixels of {page.bitspersample} bits; save it as RGB"
    elif page.axes not in AXES:
        kind = "a volume or a series, not a picture"
    elif page.sampleformat in (SAMPLEFORMAT.COMPLEXINT, SAMPLEFORMAT.COMPLEXIEEEFP):
        kind = "complex numbers"
    elif page.sampleformat != SAMPLEFORMAT.IEEEFP and isinstance(page.bitspersample, int) and page.bitspersample > 16:
        kind = "32-bit pixels, whose range the file doesn't tell; save it with 8 or 16 bits"
    if kind:
        raise UserError(f"{name}: {kind}")


def _refuse_cut(name: str, page: TiffPage, file: BinaryIO) -> None:
    """Refuse a file that ends before its compressed pixels, of which a decoder may make black ones."""
    end = max((at + count for at, count in zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
    # Programs write wrong lengths of what is not compressed, where tifffile itself counts the pixels.
    is_cut = page.compression != COMPRESSION.NONE and end > file.seek(0, 2)
    if is_cut or not any(page.databytecounts):
        raise UserError(f"{name}: can't be decoded: the file is damaged or cut short")


def _decoded(name: str, page: TiffPage, number: int, remarks: tuple[str, ...]) -> TiffPixels:
    values = page.asarray(maxworkers=1)
    if AXES[page.axes] == "SYX":
        values = np.moveaxis(values, -1, 0) if page.axes == "SYXS" else values
        values = np.moveaxis(values, 0, -1)
    channels = CHANNELS[page.photometric]
    # Of bits that it doesn't know, some versions of tifffile give nothing.
    if values.size < page.imagelength * page.imagewidth * channels:
        raise UserError(
            f"{name}: can't be decoded: {page.bitspersample} bits a channel, or damaged; save it with 8 or 16"
        )
    values = values.reshape(page.imagelength, page.imagewidth, -1)
    values, alpha, extra = _without_extra_channels(page, values, channels)
    remarks += extra
    space = _space(page)
    if page.photometric == PHOTOMETRIC.PALETTE:
        pixels, remarks = _from_palette(page, values), (*remarks, "palette expanded")
    elif page.photometric in (PHOTOMETRIC.CIELAB, PHOTOMETRIC.ICCLAB):
        pixels, space, remarks = _from_lab(page, values), None, (*remarks, "Lab converted to sRGB")
    else:
        pixels, scaling = _full_range(name, page, values)
        remarks += scaling
    if alpha is not None:
        alpha, _ = _full_range(name, page, alpha)
        if alpha.dtype != pixels.dtype:  # of a palette or Lab
            alpha = alpha.astype(pixels.dtype) if pixels.dtype == np.uint8 else alpha.astype(np.uint16) * 257
        if page.extrasamples and EXTRASAMPLE.ASSOCALPHA in page.extrasamples:
            pixels = _not_multiplied(pixels, alpha)
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        np.subtract(np.iinfo(pixels.dtype).max, pixels, out=pixels)
    turned = int(_tag(page, 274, 1))
    if turned in range(2, 9):
        pixels, remarks = upright(pixels, turned), (*remarks, "turned upright")
        alpha = None if alpha is None else upright(alpha, turned)
    alpha = None if alpha is None else np.ascontiguousarray(alpha)
    return TiffPixels(np.ascontiguousarray(pixels), alpha, space, number, _tags(page), remarks)


def _without_extra_channels(
    page: TiffPage, values: np.ndarray, channels: int
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Return the colors `[H, W, channels]`, alpha `[H, W]` or None, and a remark on channels that are left out."""
    extra = list(page.extrasamples or ())
    here = values.shape[2] - channels
    if not extra and here == 1:  # old files don't say what a fourth channel is; all programs take it for alpha
        extra = [EXTRASAMPLE.UNASSALPHA]
    place = next((i for i, kind in enumerate(extra[:here]) if kind != EXTRASAMPLE.UNSPECIFIED), None)
    alpha = None if place is None else values[:, :, channels + place]
    left = here - (alpha is not None)
    remark = (f"{left} further channel{'s' if left > 1 else ''} left out",) if left > 0 else ()
    return values[:, :, :channels], alpha, remark


def _full_range(name: str, page: TiffPage, values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return values of any type as uint8 or uint16 of the full range, a copy of the same shape, and remarks.

    Raises:
      UserError: signed numbers below 0, or floating point numbers beyond 0 to 1, whose black and white the file does
        not tell.
    """
    bits = page.bitspersample if isinstance(page.bitspersample, int) else max(page.bitspersample)
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255), ()
    if values.dtype.kind == "f":
        low, high = float(values.min()), float(values.max())
        if not (low >= 0 and high <= 1):
            raise UserError(
                f"{name}: floating point pixels from {low:.4g} to {high:.4g}, whose white the file doesn't tell; save "
                "it with 8 or 16 bits"
            )
        return _scaled(values, 1.0, np.uint16), ("floating point, 0 to 1, read with 16 bits",)
    white, remarks = 2**bits - 1, ()
    if values.dtype.kind == "i":
        if values.min() < 0:
            raise UserError(f"{name}: signed pixels below 0, whose black the file doesn't tell; save it unsigned")
        white = 2 ** (bits - 1) - 1
        remarks = (f"signed, 0 to {white}, scaled to the full range",)
    stated = _tag(page, MAX_SAMPLE, white)
    # Any other number is the largest that the picture has, which says nothing about white.
    if bits == 16 and stated in (511, 1023, 2047, 4095, 8191, 16383, 32767) and values.max() <= stated != white:
        white, remarks = stated, (f"{stated.bit_length()} bits scaled to 16, as MaxSampleValue says",)
    dtype = np.uint8 if bits <= 8 else np.uint16
    if white == np.iinfo(dtype).max:
        return values.astype(dtype), remarks
    return _scaled(values, white, dtype), remarks


def _scaled(values: np.ndarray, white: float, dtype: type) -> np.ndarray:
    """Return values of 0 to `white` as 0 to the largest value of `dtype`, rounded."""
    result = np.empty(values.shape, dtype)
    factor = np.iinfo(dtype).max / white
    for row, of in zip(result, values, strict=True):
        row[:] = np.rint(of.astype(np.float64) * factor)
    return result


def _from_palette(page: TiffPage, values: np.ndarray) -> np.ndarray:
    colors = np.asarray(page.colormap).T  # [colors, 3]
    if colors.max() > 255:  # some programs write 8 bits
        colors = colors >> 8
    return colors.astype(np.uint8)[np.minimum(values[:, :, 0].astype(np.int64), len(colors) - 1)]


def _from_lab(page: TiffPage, values: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* (D50) as sRGB of the same depth; TIFF 6, section 23: a and b are signed, in ICCLab shifted."""
    largest = 2**page.bitspersample - 1
    unit = (largest + 1) // 256  # of a and b
    result = np.empty(values.shape, np.uint8 if largest == 255 else np.uint16)
    profile, srgb = imagecodecs.cms_profile("lab4"), imagecodecs.cms_profile("srgb")
    rows = max(1, BAND_PIXELS // values.shape[1])  # a row at a time would take a hundred times as long
    for top in range(0, len(values), rows):
        of = values[top : top + rows]
        lab = of.astype(np.float32)
        ab = lab[..., 1:]
        if page.photometric == PHOTOMETRIC.ICCLAB:
            ab -= 128 * unit
        elif values.dtype.kind == "u":
            ab[ab > largest // 2] -= largest + 1
        lab = np.concatenate([lab[..., :1] * (100 / largest), ab / unit], axis=-1, dtype=np.float32)
        result[top : top + rows] = imagecodecs.cms_transform(
            lab,
            profile,
            srgb,
            colorspace="lab",
            outcolorspace="rgb",
            outdtype=result.dtype,
            flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE,
        )
    return result


def _not_multiplied(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return the colors of pixels into which alpha is multiplied."""
    largest = float(np.iinfo(pixels.dtype).max)
    for row, share in zip(pixels, alpha, strict=True):
        factor = largest / np.maximum(share[:, np.newaxis].astype(np.float64), 1.0)
        row[:] = np.rint(np.minimum(row * factor, largest))
    return pixels


def _space(page: TiffPage) -> Space | None:
    """Return the color space of an ICC profile or, for RGB, of the tags that give the primaries."""
    profile = _tag(page, PROFILE, b"")
    if isinstance(profile, bytes) and profile:
        return Space(profile)
    primaries, white = _tag(page, PRIMARIES, ()), _tag(page, WHITE_POINT, (3127, 10000, 3290, 10000))
    if page.photometric != PHOTOMETRIC.RGB or len(primaries) != 12 or len(white) != 4:
        return None
    x = [a / b for a, b in zip((*white, *primaries)[::2], (*white, *primaries)[1::2], strict=True)]
    return primaries_space(x, "sRGB", "the primaries in its tags")


def _tag(page: TiffPage, number: int, default: Any) -> Any:
    value = page.tags.valueof(number, default)
    return value[0] if number == MAX_SAMPLE and isinstance(value, tuple) else value


def _tags(page: TiffPage) -> dict[Any, Any]:
    tags = {number: _tag(page, number, None) for number in (*TEXTS, XMP, IPTC)}
    with contextlib.suppress(KeyError, TypeError, ZeroDivisionError, ValueError):
        unit = {2: 1.0, 3: 2.54}[int(_tag(page, 296, 2))]
        (a, b), (c, d) = _tag(page, 282, None), _tag(page, 283, None)
        tags["dpi"] = (a / b * unit, c / d * unit)
    return {key: value for key, value in tags.items() if value}
