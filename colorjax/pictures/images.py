"""Read and write the image files of data sets.

Images read here are always uint8 sRGB `[H, W, 3]`, upright. Files are decoded and converted to sRGB as photos are
(`read.py`), and then:
  gray      three equal channels
  alpha     composited on white
  16 bits   v / 257, rounded, so that 65535 is 255
A published data set keeps the numbers that its files store (`as_stored`), on which its results are measured everywhere.
For everything that it can't read, `read_picture` raises a one-line `UserError` that names the file.
"""

import hashlib
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from colorjax.pictures import bit_depth, decoding, jpeg_end, profiles
from colorjax.pictures.color_spaces import stated_space
from colorjax.pictures.decoding import read_bytes
from colorjax.pictures.orientation import MAX_PIXELS, orientation
from colorjax.pictures.read import photo_of
from colorjax.runtime.atomic import replacing


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


def hash_of_all(photographs: Iterable[Photograph]) -> str:
    """Return the SHA-256 of photographs and their classes, in their order; their names do not matter."""
    digest = hashlib.sha256()
    for photograph in photographs:
        digest.update(f"{content_hash(photograph.picture)} {photograph.label}\n".encode())
    return digest.hexdigest()


def read_picture(
    source: str | os.PathLike | bytes, name: str | None = None, max_pixels: int = MAX_PIXELS, as_stored: bool = False
) -> np.ndarray:
    """Read an image file of any kind.

    Args:
      source: a path, or the bytes of the file.
      name: the file's name in errors; by default the path.
      max_pixels: images with more pixels are refused before they are decoded.
      as_stored: take gray and RGB for sRGB, whatever the file says.

    Returns:
      uint8 sRGB, `[H, W, 3]`.

    Raises:
      UserError: one line with the name, for a file that is missing, no image, damaged or too large.
    """
    name, data = (name or "picture", source) if isinstance(source, bytes) else (name or os.fspath(source), None)
    photo = photo_of(name, read_bytes(source) if data is None else data, max_pixels, as_stored=as_stored)
    pixels = photo.pixels
    if photo.alpha is not None:
        pixels = _on_white(pixels, photo.alpha)
    if photo.pixels.dtype == np.uint16:
        pixels = pixels / 257.0
    if pixels.dtype != np.uint8:
        pixels = np.rint(pixels).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def is_plain(data: bytes, name: str = "picture", as_stored: bool = False) -> bool:
    """Return whether `data` is a JPEG or PNG file that every decoder reads like `read_picture`.

    That means 8-bit sRGB without alpha, EXIF rotation, animation or a missing end. Only the header is read.

    Args:
      data: the bytes of the file.
      name: the file's name in errors.
      as_stored: as for `read_picture`.

    Raises:
      UserError: it begins as such a file, and its header is damaged.
    """
    if not data.startswith((b"\xff\xd8", b"\x89PNG")):
        return False
    with decoding.opened(name, data) as image:
        return (
            image.mode == "RGB"
            and not image.has_transparency_data
            and bit_depth.of(image, data) == 8
            and orientation(image) == 1  # also if EXIF is damaged, as for `read_picture`
            and (as_stored or not profiles.changes(3, stated_space(image, data)))
            and (image.format == "PNG" or jpeg_end.is_there(data))
            # Further images of a JPEG file (MPO) follow after the end of the first; those of an animated PNG do not.
            and not (image.format == "PNG" and image.is_animated)
        )


def write_picture(path: str | os.PathLike, picture) -> None:
    """Write an image as PNG.

    Args:
      path: the file.
      picture: `[H, W, 3]`, `[H, W, 1]` or `[H, W]`; uint8, or floating point in [0, 1] (clipped, rounded).
    """
    data = encode_png(picture)
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(data)


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


def _on_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return pixels `[H, W, 1 or 3]` composited on white, as float64 of the same range."""
    white = float(np.iinfo(pixels.dtype).max)
    share = alpha[..., np.newaxis] / white
    return pixels * share + white * (1.0 - share)
