"""Color profiles (ICC): convert images of 8 and 16 bits to sRGB, and choose the profile of the result.

Little CMS is asked for exact curves (NOOPTIMIZE): its shortcuts are wrong by ten levels in dark grays, and by a tenth
of the range for some wide spaces at 16 bits.
"""

import functools
import io
import struct
from typing import NamedTuple

import imagecodecs
import numpy as np
from PIL import ImageCms

from colorjax.pictures.color_spaces import Space

# Profiles count as sRGB if they differ from it by at most this many 8-bit levels on a grid of colors (rounding).
SAME = 2

# Pixels that are converted at once.
BAND_PIXELS = 2**18

KINDS = {1: ("GRAY", "RGB"), 3: ("RGB",), 4: ("CMYK",)}  # number of channels -> color spaces of profiles that fit

# Year, month, day, hour, minute and second in the header of the profile of sRGB (ICC.1:2001-04, 6.1.8).
_MADE = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)


class Converted(NamedTuple):
    """An image in sRGB.

    Attributes:
      pixels: as they were given, or converted.
      profile: an ICC profile of sRGB, b"" if the file had no valid one.
      changed: whether the pixels were converted.
      remarks: for the user.
    """

    pixels: np.ndarray
    profile: bytes
    changed: bool
    remarks: tuple[str, ...]


@functools.cache
def srgb_profile() -> bytes:
    """Return an ICC profile of sRGB, always the same: the time of its making is not that of the call."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made[:24] + _MADE + made[36:]


def color_space(profile: bytes) -> str:
    """Return the color space in an ICC profile's header, usually "RGB", "GRAY" or "CMYK"."""
    return profile[16:20].decode("latin-1").strip()


def to_srgb(pixels: np.ndarray, space: Space | None) -> Converted:
    """Convert an image to sRGB, in place where possible.

    Gray images stay gray: a table of all levels is applied. An image that is already sRGB is not changed and keeps its
    own profile. A profile that is damaged or for other images is ignored, with a remark.

    Args:
      pixels: uint8 or uint16 `[H, W, 1 or 3]`.
      space: their color space, None for sRGB.
    """
    if space is None:
        return Converted(pixels, b"", False, ())
    if ignored := _ignored(pixels.shape[2], space):
        return Converted(pixels, b"", False, ignored)
    try:
        if _changes(space.profile) <= SAME:
            return Converted(pixels, space.profile, False, ())
        if pixels.shape[2] == 1:
            pixels = np.take(_gray_table(space.profile, pixels.dtype), pixels)
        else:
            rows = max(1, BAND_PIXELS // pixels.shape[1])
            for top in range(0, len(pixels), rows):
                pixels[top : top + rows] = _transformed(pixels[top : top + rows], space.profile)
    except _ERRORS:
        return Converted(pixels, b"", False, ("color profile ignored: it is damaged",))
    return Converted(pixels, srgb_profile(), True, (f"colors converted from {_name(space)} to sRGB",))


def ink_to_srgb(pixels: np.ndarray, space: Space | None) -> Converted:
    """Convert ink to sRGB.

    Args:
      pixels: CMYK, uint8 or uint16 `[H, W, 4]`, 0 is no ink.
      space: their color space; without one, or with one that does not work, a rough formula is used.
    """
    result = np.empty((*pixels.shape[:2], 3), pixels.dtype)
    works = space is not None and not _ignored(4, space)
    rows = max(1, BAND_PIXELS // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        part = pixels[top : top + rows]
        try:
            result[top : top + rows] = _transformed(part, space.profile) if works else _rough(part)
        except _ERRORS:
            works = False
            result[top : top + rows] = _rough(part)
    remark = "CMYK converted to sRGB" + ("" if works else ", roughly: it has no color profile that works")
    return Converted(result, b"" if space is None else srgb_profile(), True, (remark,))


def kept(channels: int, space: Space | None) -> tuple[bytes, tuple[str, ...]]:
    """Return the profile for the result of an image that stays in its color space, and remarks for the user.

    A profile that is damaged or for other images is dropped.

    Args:
      channels: of the image, 1 or 3.
      space: of the image, None for sRGB.
    """
    if space is None:
        return b"", ()
    if ignored := _ignored(channels, space):
        return b"", ignored
    try:
        if _changes(space.profile) <= SAME:
            return space.profile, ()
    except _ERRORS:
        return b"", ("color profile ignored: it is damaged",)
    return space.profile, (f"16-bit colors stay in {_name(space)}",)


def changes(channels: int, space: Space | None) -> bool:
    """Return whether the conversion to sRGB would change an image with so many channels."""
    if space is None or _ignored(channels, space):
        return False
    try:
        return _changes(space.profile) > SAME
    except _ERRORS:
        return False


def fitting(profile: bytes, channels: int) -> bytes:
    """Return the profile for a result, empty for none.

    Color made from a gray image is sRGB. A gray file must not have a profile for color; without a profile, programs
    read gray as sRGB.

    Args:
      profile: of the original image, empty for none.
      channels: of the result, 1 or 3.
    """
    if not profile or color_space(profile) == ("GRAY" if channels == 1 else "RGB"):
        return profile
    return srgb_profile() if channels == 3 else b""


def description(profile: bytes) -> str:
    """Return a profile's own description in one line."""
    try:
        words = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).split()
    except (ImageCms.PyCMSError, OSError):
        words = []
    return " ".join(words) or "a profile without a name"


_ERRORS = (imagecodecs.CmsError, ImageCms.PyCMSError, OSError, ValueError)


def _name(space: Space) -> str:
    return space.name or description(space.profile)


def _ignored(channels: int, space: Space) -> tuple[str, ...]:
    """Return a remark if a space does not fit an image, else nothing."""
    if not space.profile:
        return (f"colors read as sRGB: the file says {space.name}, which can't be converted",)
    kind = color_space(space.profile)
    if kind in KINDS[channels]:
        return ()
    return (f"color profile ignored: it is for {kind or 'unknown'} pictures",)


@functools.lru_cache(maxsize=64)
def _changes(profile: bytes) -> float:
    """Return the largest change of the colors of a coarse grid by the conversion to sRGB, in 8-bit levels."""
    if color_space(profile) == "GRAY":
        before = np.arange(256, dtype=np.uint8)[np.newaxis, :, np.newaxis]
        after = _gray_table(profile, np.uint8)[np.newaxis, :, np.newaxis]
    else:
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        before = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
        after = _transformed(before, profile)
    return int(np.abs(after.astype(np.int16) - before).max())


def _gray_table(profile: bytes, dtype: np.dtype) -> np.ndarray:
    """Return sRGB levels of all levels of a gray image, by a profile for gray or for color."""
    ramp = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)[np.newaxis, :, np.newaxis]
    if color_space(profile) != "GRAY":
        ramp = np.repeat(ramp, 3, axis=2)
    return np.ascontiguousarray(_transformed(ramp, profile)[0, :, 1])


def _transformed(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    """Return pixels of a profile's space, `[H, W, 1, 3 or 4]`, as sRGB `[H, W, 3]` of the same dtype.

    The intent is perceptual, like that of Pillow's `profileToProfile`.
    """
    kind = {1: "gray", 3: "rgb", 4: "cmyk"}[pixels.shape[2]]
    return imagecodecs.cms_transform(
        np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels),
        profile,
        srgb_profile(),
        colorspace=kind,
        outcolorspace="rgb",
        outdtype=pixels.dtype,
        intent=imagecodecs.CMS.INTENT.PERCEPTUAL,
        flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE,
    )


def _rough(pixels: np.ndarray) -> np.ndarray:
    """Return CMYK as RGB `[H, W, 3]`: what the inks leave, (1 - ink) (1 - black)."""
    largest = float(np.iinfo(pixels.dtype).max)
    left = largest - pixels.astype(np.float64)
    return np.rint(left[:, :, :3] * left[:, :, 3:] / largest)
