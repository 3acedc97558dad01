"""Read and write the image files of data sets.

Images read here are always uint8 sRGB `[H, W, 3]`, upright. For everything that it can't read, `read_picture` raises a
one-line `UserError` that names the file.

Other kinds of files are converted:
  gray, 1 bit     three equal channels
  palette         its colors
  alpha           composited on white
  16 bits         v / 257, rounded, so that 65535 is 255 (Pillow alone drops the low byte of 16-bit color)
  CMYK            through the ICC profile in the file, or Pillow's formula without one
  EXIF rotated    turned upright
  animated        the first frame
An ICC profile of an RGB file is not applied, because published results are measured on the stored numbers.
"""

import hashlib
import io
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image

from colorjax.errors import UserError
from colorjax.pictures import decoding
from colorjax.pictures.decoding import MAX_PIXELS, Depth

WHITE = (255, 255, 255, 255)


class Photograph(NamedTuple):
    """An image of a data set.

    Attributes:
      name: its name in the data set.
      picture: uint8 sRGB `[H, W, 3]`.
      label: number of its class, -1 for none.
    """

    name: str
    picture: np.ndarray
    label: int = -1


def content_hash(picture: np.ndarray) -> str:
    """Return the SHA-256 of a decoded image with its shape and dtype; it does not depend on the file's format."""
    header = f"{picture.dtype.str} {picture.shape} ".encode()
    return hashlib.sha256(header + np.ascontiguousarray(picture).tobytes()).hexdigest()


def read_picture(
    source: str | os.PathLike | bytes, name: str | None = None, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Read an image file of any kind.

    Args:
      source: a path, or the bytes of the file.
      name: the file's name in errors; by default the path.
      max_pixels: images with more pixels are refused before they are decoded.

    Returns:
      uint8 sRGB, `[H, W, 3]`.

    Raises:
      UserError: one line with the name, for a file that is missing, no image, damaged or too large.
    """
    name, data = _name_and_data(source, name)
    with decoding.opened(name, io.BytesIO(data)) as image:
        decoding.refuse_large(name, image, max_pixels)
        return _decode(name, image, data)


def is_plain(data: bytes, name: str = "picture") -> bool:
    """Return whether `data` is a JPEG or PNG file that every decoder reads like `read_picture`.

    That means 8-bit RGB without alpha, EXIF rotation or animation. Only the header is read.

    Args:
      data: the bytes of the file.
      name: the file's name in errors.

    Raises:
      UserError: `data` is no image, or its header is damaged.
    """
    with decoding.opened(name, io.BytesIO(data)) as image:
        return (
            image.format in ("JPEG", "MPO", "PNG")
            and image.mode == "RGB"
            and not image.has_transparency_data
            and not decoding.has_16_bits(image)
            and image.getexif().get(ExifTags.Base.Orientation, 1) == 1
            # Further images of a JPEG file (MPO) follow after the end of the first; those of an animated PNG do not.
            and not (image.format == "PNG" and image.is_animated)
        )


def write_picture(path: str | os.PathLike, picture) -> None:
    """Write an image as PNG.

    Args:
      path: the file.
      picture: `[H, W, 3]`, `[H, W, 1]` or `[H, W]`; uint8, or floating point in [0, 1] (clipped, rounded).
    """
    Path(path).write_bytes(encode_png(picture))


def encode_png(picture) -> bytes:
    """Return an image as the bytes of a PNG file; `picture` as for `write_picture`."""
    picture = to_uint8(picture)
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[:, :, 0]
    if not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)) or not picture.size:
        raise ValueError(f"a picture is [H, W, 3], [H, W, 1] or [H, W], not {list(picture.shape)}")
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG")
    return file.getvalue()


def to_uint8(picture) -> np.ndarray:
    """Return an image as uint8 of the same shape; it is uint8, or floating point in [0, 1] (clipped, rounded)."""
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
    """Return the file's name for errors, and its bytes."""
    if isinstance(source, bytes):
        return name or "picture", source
    name = name or os.fspath(source)
    try:
        return name, Path(source).read_bytes()
    except OSError as error:
        raise UserError(f"{name}: {error.strerror or error}") from None


def _decode(name: str, image: Image.Image, data: bytes) -> np.ndarray:
    """Return the opened `image` as uint8 `[H, W, 3]`; `data` are the bytes of its file."""
    depth = decoding.load(name, image)
    if depth is Depth.COLOR_16:
        pixels = decoding.decode_16_bits(name, image, depth, lambda: np.frombuffer(data, np.uint8))
        return np.ascontiguousarray(_round_to_8_bits(_on_white(pixels)))
    image.getexif()  # raises an error if it is damaged, as in `is_plain`
    if depth is Depth.GRAY_16:
        gray = _round_to_8_bits(decoding.decode_16_bits(name, image, depth, lambda: np.frombuffer(data, np.uint8)))
        return np.repeat(gray[:, :, np.newaxis], 3, axis=2)
    turned = decoding.orientation(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, WHITE), image)
    if image.mode == "CMYK":
        image, _ = decoding.cmyk_to_rgb(image)
    return np.array(decoding.upright(np.asarray(image.convert("RGB")), turned), order="C")


def _on_white(pixels: np.ndarray) -> np.ndarray:
    """Return 16-bit color, composited on white if it has alpha, as float64 `[H, W, 3]` of 0 to 65535."""
    color = pixels[:, :, :3].astype(np.float64)
    if pixels.shape[2] == 3:
        return color
    alpha = pixels[:, :, 3:] / 65535.0
    return color * alpha + 65535.0 * (1.0 - alpha)


def _round_to_8_bits(values: np.ndarray) -> np.ndarray:
    """Return values of 0 to 65535 as uint8."""
    return np.rint(values / 257.0).astype(np.uint8)
