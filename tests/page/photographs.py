"""Small photographs as files, cut from those that come with scikit-image."""

import io

import numpy as np
import tifffile
from PIL import Image
from skimage import data
from support.profiles import gray_profile, rgb_profile

EXIF_MODEL = 0x0110


def gray_jpeg(width: int = 192, height: int = 128) -> bytes:
    """Return a gray JPEG file with EXIF."""
    exif = Image.Exif()
    exif[EXIF_MODEL] = "Box camera"
    file = io.BytesIO()
    Image.fromarray(data.camera()[100 : 100 + height, 100 : 100 + width]).save(file, "JPEG", exif=exif, dpi=(300, 300))
    return file.getvalue()


def color_png(width: int = 160, height: int = 96) -> bytes:
    """Return a PNG file in color."""
    return as_png(data.astronaut()[:height, 120 : 120 + width])


def as_png(pixels: np.ndarray) -> bytes:
    """Return a PNG file of these pixels."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def deep_tiff(width: int = 192, height: int = 128) -> bytes:
    """Return a gray TIFF file of 16 bits, with values that 8 bits do not have."""
    levels = data.camera()[100 : 100 + height, 100 : 100 + width].astype(np.uint16) * 256
    levels += np.random.default_rng(0).integers(0, 256, levels.shape, np.uint16)
    file = io.BytesIO()
    tifffile.imwrite(file, levels, photometric="minisblack", resolution=(600, 600), resolutionunit="INCH")
    return file.getvalue()


def deep_tiff_in_a_space_of_its_own(gray: bool) -> bytes:
    """Return a TIFF file of 16 bits whose values are linear, as its profile says, 128 x 96 pixels."""
    levels = data.astronaut()[:96, 120:248] / 255
    levels = (levels[..., 1] if gray else levels) ** 2.2
    deep = np.rint(levels * 65535).astype(np.uint16)
    profile = gray_profile(1.0) if gray else rgb_profile("Linear", gamma=1.0)
    file = io.BytesIO()
    tifffile.imwrite(file, deep, photometric="minisblack" if gray else "rgb", iccprofile=profile)
    return file.getvalue()


def large_jpeg(side: int) -> bytes:
    """Return a gray JPEG file of side x side pixels, which takes long to denoise."""
    file = io.BytesIO()
    Image.fromarray(np.tile(data.camera(), (-(-side // 512), -(-side // 512)))[:side, :side]).save(file, "JPEG")
    return file.getvalue()


def hints(width: int, height: int) -> dict:
    """Return hints for a picture of this size."""
    return {
        "format": "colorjax hints",
        "version": 1,
        "width": width,
        "height": height,
        "strokes": [{"color": "#b5653a", "width": 9, "points": [[12.5, 30], [width / 2, 41.5]]}],
        "points": [{"color": "#3a64b5", "size": 7, "x": width - 20, "y": height - 30}],
    }
