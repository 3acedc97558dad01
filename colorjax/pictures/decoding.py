"""Open image files of every kind, and decode those that Pillow alone decodes badly.

`images.py` uses it to read the images of data sets, `read.py` to read photos. Both call `opened`, `load`, and then
`decode_16_bits` or `upright`. Every problem with a file becomes a one-line `UserError` that begins with the file's
name.
"""

import contextlib
import enum
import io
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import BinaryIO

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms, TiffImagePlugin, UnidentifiedImageError

from colorjax.errors import UserError

# 300 MB as uint8, 1.2 GB as float32. A larger image is a panorama or an attack; one such file must not exhaust the
# memory of a run that takes all night.
MAX_PIXELS = 100_000_000

# The warnings filter and Pillow's size limit are global to the process, so threads take turns.
_pillow_lock = threading.RLock()


@contextlib.contextmanager
def opened(name: str, file: BinaryIO) -> Iterator[Image.Image]:
    """Open an image with Pillow's warnings and size limit off; within the context every exception becomes `UserError`.

    Args:
      name: the file's name in errors.
      file: the file, at its beginning.

    Raises:
      UserError: the file is empty, no image or damaged, or the body raised any other exception.
    """
    if not file.read(1):
        raise UserError(f"{name}: the file is empty")
    file.seek(0)
    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # `refuse_large` replaces it
        try:
            with Image.open(file) as image:
                yield image
        except UserError:
            raise
        except UnidentifiedImageError:
            raise UserError(f"{name}: not a picture in any format that Pillow reads, or only a part of one") from None
        except Exception as error:  # Pillow raises all kinds of errors for damaged files, even SyntaxError.
            reason = " ".join(str(error).split()) or type(error).__name__
            if reason.startswith("decoder error"):
                reason = "the file is damaged or cut short"
            raise UserError(f"{name}: can't be decoded: {reason}") from None
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def refuse_large(name: str, image: Image.Image, max_pixels: int, advice: str = "") -> None:
    """Refuse an image with too many pixels.

    Args:
      name: the file's name in errors.
      image: opened, not necessarily loaded.
      max_pixels: largest number of pixels allowed.
      advice: added at the end of the error.

    Raises:
      UserError: the image has more pixels.
    """
    width, height = image.size
    if width * height > max_pixels:
        raise UserError(
            f"{name}: {width} x {height} is {width * height:,} pixels, more than the limit of {max_pixels:,}{advice}"
        )


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an image, 1 to 8; 1 means upright, and is returned for damaged EXIF too."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow raises all kinds of errors for damaged EXIF
        return 1
    return value if value in range(1, 9) else 1


def has_16_bits(image: Image.Image) -> bool:
    """Return whether the channels of an opened, not yet loaded image have 16 bits in its PNG or TIFF file."""
    if image.format == "TIFF":
        return 16 in image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, ())
    if image.format != "PNG" or not image.tile:  # BMP's "BGR;16" is 5, 6 and 5 bits
        return False
    arguments = image.tile[0][3]
    return ";16" in (arguments if isinstance(arguments, str) else arguments[0])  # "RGB;16B", "LA;16B"


class Depth(enum.Enum):
    """How to get the pixels of a loaded image."""

    BITS_8 = enum.auto()  # from Pillow
    GRAY_16 = enum.auto()  # from `decode_16_bits`
    COLOR_16 = enum.auto()  # from `decode_16_bits`


def load(name: str, image: Image.Image) -> Depth:
    """Load an opened image, and return how to get its pixels.

    Raises:
      UserError: 32-bit pixels. A file that is cut short raises another error, which `opened` turns into a `UserError`.
    """
    # Pillow drops the low bytes of these. This is checked before load(), which discards the information.
    is_16_bit_color = has_16_bits(image) and image.mode in ("RGB", "RGBA", "LA")
    image.load()
    if is_16_bit_color:
        return Depth.COLOR_16
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        return Depth.GRAY_16
    if image.mode in ("I", "F"):
        raise UserError(f"{name}: 32-bit pixels, whose range the file doesn't tell; save it with 8 or 16 bits")
    return Depth.BITS_8


def decode_16_bits(name: str, image: Image.Image, depth: Depth, data: Callable[[], np.ndarray]) -> np.ndarray:
    """Return the pixels of an image for which `load` returned a depth of 16 bits, upright, possibly as a view.

    Args:
      name: the file's name in errors.
      image: loaded. A color image is closed here, because its pixels are not needed and OpenCV needs the memory.
      depth: what `load` returned.
      data: returns the bytes of the file, uint8 `[N]`; called only for color.

    Returns:
      uint16. For gray `[H, W]`, where 0 is black and 65535 white; for color `[H, W, 3]`, or `[H, W, 4]` with alpha that
      is not multiplied into the color.

    Raises:
      UserError: color that can't be decoded.
    """
    turned = orientation(image)  # always 1 for TIFF files after load(): Pillow and OpenCV turn these themselves
    if depth is Depth.GRAY_16:
        return upright(_decode_gray(image), turned)
    image.close()
    return upright(_decode_color(name, image, data()), turned)


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return an upright view of `pixels`, `[H, W, ...]`, which are stored with the given EXIF orientation."""
    if orientation >= 5:  # rows and columns are swapped
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _decode_color(name: str, image: Image.Image, data: np.ndarray) -> np.ndarray:
    """Decode 16-bit color, or gray with alpha, with OpenCV, which keeps all bits.

    TIFF images are returned upright, PNG images as they are stored. Pillow has loaded the image before and raised an
    error if the file is cut short; OpenCV would ignore that.
    """
    tags = image.tag_v2 if image.format == "TIFF" else {}
    if tags.get(TiffImagePlugin.PLANAR_CONFIGURATION, 1) != 1:
        raise UserError(f"{name}: 16-bit color in separate planes can't be decoded; save it interleaved")
    with _without_words_of_opencv():
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise UserError(f"{name}: 16-bit color that can't be decoded; save it as an ordinary PNG")
    if pixels.shape[2] == 3:
        cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)  # in place, because the pixels may fill most of the memory
        return pixels
    cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA, dst=pixels)
    extra = tags.get(TiffImagePlugin.EXTRASAMPLES, (2,))[0]
    if extra == 0:  # a fourth channel that the file doesn't call alpha
        pixels = np.ascontiguousarray(pixels[:, :, :3])
    elif extra == 1:
        for row in pixels:
            alpha = np.maximum(row[:, 3:].astype(np.float64), 1.0)
            row[:, :3] = np.rint(np.minimum(row[:, :3] * (65535.0 / alpha), 65535.0))
    return pixels


@contextlib.contextmanager
def _without_words_of_opencv() -> Iterator[None]:
    """Keep OpenCV from printing warnings about a file, so that only our one-line error appears."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _decode_gray(image: Image.Image) -> np.ndarray:
    gray = np.asarray(image).astype(np.uint16)
    if image.format == "TIFF":  # Pillow ignores both of these tags at this depth
        white = 2 ** image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0] - 1
        if white != 65535:
            for row in gray:
                row[:] = np.rint(row * (65535.0 / white))
        if image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:
            np.subtract(65535, gray, out=gray)
    return gray


def cmyk_to_rgb(image: Image.Image) -> tuple[Image.Image, bool]:
    """Convert CMYK to RGB, by the image's own profile if it has a valid one; return also whether that was used."""
    profile = image.info.get("icc_profile")
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB"), True
    return image.convert("RGB"), False
