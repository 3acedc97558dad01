"""Reading and writing picture files.

Pictures read here are uint8 sRGB `[H, W, 3]`, upright, whatever the file held. `read_picture` raises a one-line
`UserError` that names the file for everything that it can't read.

What becomes of the other kinds:
  grey, 1 bit     three equal channels
  palette         its colors
  alpha           composited on white
  16 bits         v / 257, rounded, so that 65535 is 255 (Pillow alone drops the low byte of 16-bit color)
  CMYK            through the ICC profile in the file, or Pillow's formula without one
  EXIF rotated    turned upright
  animated        the first frame
An ICC profile of an RGB file is not applied: published results are measured on the plain numbers.
"""

import contextlib
import hashlib
import io
import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from colorjax.errors import UserError

# 300 MB as uint8, 1.2 GB as float32: larger is a panorama or an attack, and one person's mistake should not
# exhaust the memory of a night's run.
MAX_PIXELS = 100_000_000

PICTURE_SUFFIXES = frozenset(
    {
        ".avif",
        ".bmp",
        ".gif",
        ".jfif",
        ".jp2",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".tga",
        ".tif",
        ".tiff",
        ".webp",
    }
)

WHITE = (255, 255, 255, 255)


class Photograph(NamedTuple):
    """A picture of a data set: its name there, and uint8 sRGB `[H, W, 3]`."""

    name: str
    picture: np.ndarray


def content_hash(picture: np.ndarray) -> str:
    """Return the SHA-256 of a decoded picture, its shape and dtype included: the file's format does not matter."""
    header = f"{picture.dtype.str} {picture.shape} ".encode()
    return hashlib.sha256(header + np.ascontiguousarray(picture).tobytes()).hexdigest()


def read_picture(
    source: str | os.PathLike | bytes, name: str | None = None, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Read a picture of any kind.

    Args:
      source: a path, or the bytes of the file.
      name: what errors call the picture; the path if not given.
      max_pixels: pictures with more pixels are refused, before they are decoded.

    Returns:
      uint8 sRGB, `[H, W, 3]`.

    Raises:
      UserError: one line with the name, for a file that is missing, no picture, damaged or too large.
    """
    name, data = _name_and_data(source, name)
    with _opened(name, data) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise UserError(
                f"{name}: {width} x {height} is {width * height:,} pixels, more than the limit of {max_pixels:,}"
            )
        return _decode(name, image, data)


def is_plain(data: bytes, name: str = "picture") -> bool:
    """Return whether `data` is a JPEG or PNG file that any decoder reads as `read_picture` does.

    That is: 8-bit RGB without alpha, EXIF rotation or animation. Only the header is looked at.
    """
    with _opened(name, data) as image:
        return (
            image.format in ("JPEG", "MPO", "PNG")
            and image.mode == "RGB"
            and not image.has_transparency_data
            and not _has_16_bits(image)
            and image.getexif().get(ExifTags.Base.Orientation, 1) == 1
            # A JPEG's further pictures (MPO) come after the end of the first; an animated PNG's are mixed in.
            and not (image.format == "PNG" and image.is_animated)
        )


def write_picture(path: str | os.PathLike, picture) -> None:
    """Write a picture as PNG.

    Args:
      path: the file.
      picture: `[H, W, 3]`, `[H, W, 1]` or `[H, W]`; uint8, or floating point in [0, 1] (clipped, rounded).
    """
    Path(path).write_bytes(encode_png(picture))


def encode_png(picture) -> bytes:
    """Return the bytes of a PNG file of a picture; the kinds that `write_picture` takes."""
    picture = to_uint8(picture)
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[:, :, 0]
    if not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)) or not picture.size:
        raise ValueError(f"a picture is [H, W, 3], [H, W, 1] or [H, W], not {list(picture.shape)}")
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG")
    return file.getvalue()


def to_uint8(picture) -> np.ndarray:
    """Return a picture of uint8, or of floating point in [0, 1] (clipped, rounded), as uint8 of its shape."""
    picture = np.asarray(picture)
    if picture.dtype == np.uint8:
        return picture
    if np.issubdtype(picture.dtype, np.integer) or picture.dtype == np.bool_:
        raise ValueError(f"a picture is uint8 or floating point in [0, 1], not {picture.dtype}")
    picture = picture.astype(np.float32)  # bfloat16 has no arithmetic of its own in NumPy
    if not np.isfinite(picture).all():
        raise ValueError("the picture holds values that are not finite")
    return np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)


def _name_and_data(source: str | os.PathLike | bytes, name: str | None) -> tuple[str, bytes]:
    """Return what to call the picture, and the bytes of its file."""
    if isinstance(source, bytes):
        return name or "picture", source
    name = name or os.fspath(source)
    try:
        return name, Path(source).read_bytes()
    except OSError as error:
        raise UserError(f"{name}: {error.strerror or error}") from None


# The warnings filter and Pillow's size limit belong to the whole process, so threads take turns.
_pillow_lock = threading.RLock()


@contextlib.contextmanager
def _opened(name: str, data: bytes) -> Iterator[Image.Image]:
    """Open an image, with Pillow's warnings and limit off, and turn what goes wrong inside into `UserError`."""
    if not data:
        raise UserError(f"{name}: the file is empty")
    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # `max_pixels` stands in for it
        try:
            with Image.open(io.BytesIO(data)) as image:
                yield image
        except UserError:
            raise
        except UnidentifiedImageError:
            raise UserError(f"{name}: not a picture in any format that Pillow reads") from None
        except Exception as error:  # Damaged files make Pillow raise anything, SyntaxError and struct.error too.
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"{name}: can't be decoded: {reason}") from None
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _decode(name: str, image: Image.Image, data: bytes) -> np.ndarray:
    """Return the opened `image`, whose file is `data`, as uint8 `[H, W, 3]`."""
    is_16_bit_color = _has_16_bits(image) and not image.mode.startswith("I")  # before load() forgets it
    image.load()  # raises if the file is truncated, which OpenCV would pass over
    if is_16_bit_color:
        return _decode_16_bit_color(name, image, data)
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        grey = _round_to_8_bits(np.asarray(image).astype(np.float64))
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if image.mode in ("I", "F"):
        raise UserError(f"{name}: 32-bit pixels, whose range the file doesn't tell; save it with 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, WHITE), image)
    if image.mode == "CMYK":
        image = _cmyk_to_rgb(image)
    return np.array(image.convert("RGB"))


def _has_16_bits(image: Image.Image) -> bool:
    """Return whether the channels of an opened, not yet loaded PNG or TIFF image have 16 bits in its file."""
    if image.format not in ("PNG", "TIFF") or not image.tile:  # BMP's "BGR;16" is 5, 6 and 5 bits
        return False
    arguments = image.tile[0][3]
    raw_mode = arguments if isinstance(arguments, str) else arguments[0]
    return ";16" in raw_mode  # "RGB;16B", "I;16", "LA;16B"


def _decode_16_bit_color(name: str, image: Image.Image, data: bytes) -> np.ndarray:
    """Decode 16-bit color with OpenCV, which keeps all bits, as uint8 `[H, W, 3]`."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
        raise UserError(f"{name}: 16-bit color that can't be decoded; save it as an ordinary PNG")
    pixels = pixels.astype(np.float64)
    color = pixels[:, :, 2::-1]  # OpenCV's order is blue, green, red, alpha
    if pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:] / 65535.0
        color = color * alpha + 65535.0 * (1.0 - alpha)
    picture = Image.fromarray(_round_to_8_bits(color))
    if image.format == "PNG":  # OpenCV turns TIFF files upright by itself
        picture.getexif()[ExifTags.Base.Orientation] = image.getexif().get(ExifTags.Base.Orientation, 1)
        picture = ImageOps.exif_transpose(picture)
    return np.array(picture)


def _round_to_8_bits(values: np.ndarray) -> np.ndarray:
    """Return values of 0 to 65535 as uint8."""
    return np.rint(values / 257.0).astype(np.uint8)


def _cmyk_to_rgb(image: Image.Image) -> Image.Image:
    """Convert CMYK to RGB, through the image's own profile if it has one that works."""
    profile = image.info.get("icc_profile")
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return image.convert("RGB")
