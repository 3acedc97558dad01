"""Color profiles (ICC): convert 8-bit images to sRGB, and choose the profile of the result."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

# Profiles count as sRGB if they differ from it by at most this many 8-bit levels on a grid of colors (rounding).
SAME = 2

CHANNELS = {"GRAY": "L", "RGB": "RGB"}


class Converted(NamedTuple):
    """An image in sRGB, an ICC profile of sRGB (empty if the file had no valid one), and remarks for the user."""

    image: Image.Image
    profile: bytes
    remarks: tuple[str, ...]


def srgb_profile() -> bytes:
    """Return an ICC profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def color_space(profile: bytes) -> str:
    """Return the color space in an ICC profile's header, usually "RGB", "GRAY" or "CMYK"."""
    return profile[16:20].decode("latin-1").strip()


def to_srgb(image: Image.Image) -> Converted:
    """Convert an image of mode L, LA, RGB or RGBA to sRGB by its profile, in place where possible.

    Gray images stay gray; the profile is applied as a table of 256 values. An image that is already sRGB is not
    changed and keeps its own profile. A profile that is damaged or for other images is ignored, with a remark.
    """
    profile = image.info.get("icc_profile")
    if not profile:
        return Converted(image, b"", ())
    is_gray = image.mode in ("L", "LA")
    space = color_space(profile)
    if space not in (("GRAY", "RGB") if is_gray else ("RGB",)):
        return Converted(image, b"", (f"color profile ignored: it is for {space or 'unknown'} pictures",))
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        changes = _changes(own, space)
        if changes <= SAME:
            return Converted(image, profile, ())
        if is_gray:
            table = np.asarray(ImageCms.applyTransform(_ramp(space), _transform(own, CHANNELS[space], "RGB")))[0, :, 1]
            image = image.point([*table.tolist(), *(range(256) if image.mode == "LA" else ())])
        else:
            ImageCms.applyTransform(image, _transform(own, image.mode, image.mode), inPlace=True)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return Converted(image, b"", ("color profile ignored: it is damaged",))
    return Converted(image, srgb_profile(), (f"colors converted from {description(profile)} to sRGB",))


def kept(profile: bytes, is_gray: bool) -> tuple[bytes, tuple[str, ...]]:
    """Return the profile for the result of a 16-bit image, and remarks for the user.

    16-bit pixels are not converted, so they keep their profile. One that is damaged or for other images is dropped.

    Args:
      profile: of the file, empty for none.
      is_gray: whether the image is gray.
    """
    if not profile:
        return b"", ()
    space = color_space(profile)
    if space not in (("GRAY", "RGB") if is_gray else ("RGB",)):
        return b"", (f"color profile ignored: it is for {space or 'unknown'} pictures",)
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _changes(own, space) <= SAME:
            return profile, ()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return b"", ("color profile ignored: it is damaged",)
    return profile, (f"16-bit colors stay in {description(profile)}",)


def description(profile: bytes) -> str:
    """Return a profile's own description in one line."""
    try:
        words = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).split()
    except (ImageCms.PyCMSError, OSError):
        words = []
    return " ".join(words) or "a profile without a name"


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


def _changes(profile: ImageCms.ImageCmsProfile, space: str) -> int:
    """Return the largest change of the colors of a coarse grid by the conversion to sRGB, in 8-bit levels."""
    if space == "GRAY":
        before = np.asarray(_ramp("RGB"))
        after = np.asarray(ImageCms.applyTransform(_ramp(space), _transform(profile, "L", "RGB")))
    else:
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        before = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
        after = np.asarray(ImageCms.applyTransform(Image.fromarray(before), _transform(profile, "RGB", "RGB")))
    return int(np.abs(after.astype(np.int16) - before).max())


def _transform(profile: ImageCms.ImageCmsProfile, mode: str, to_mode: str) -> ImageCms.ImageCmsTransform:
    """Return the conversion from `profile` to sRGB, with perceptual intent like Pillow's `profileToProfile`."""
    return ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, to_mode)


def _ramp(space: str) -> Image.Image:
    """Return the 256 grays as an image one pixel high, in the mode for `space`."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[np.newaxis])
    return ramp if space == "GRAY" else ramp.convert("RGB")
