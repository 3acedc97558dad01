"""How many bits the channels of a file have, and whether they are all kept."""

import struct

from PIL import Image

from colorjax.pictures.color_spaces import inside

# The marker at the start of a JPEG 2000 codestream, and that of the sizes.
CODESTREAM = b"\xff\x4f\xff\x51"


def of(image: Image.Image, data: bytes) -> int:
    """Return the bits of a channel of an opened, not yet loaded image; 8 where there are fewer.

    Args:
      image: opened with Pillow, not TIFF.
      data: the bytes of its file.
    """
    if image.format == "JPEG2000":
        return _of_jpeg_2000(data)
    if image.format == "AVIF":
        return _of_avif(data)
    if image.format == "PPM":
        arguments = image.tile[0][3] if image.tile else ""
        return 16 if is_16_bit_gray(image) or (not isinstance(arguments, str) and arguments[-1] > 255) else 8
    if image.format == "PNG":
        return 16 if ";16" in _raw_mode(image) else 8
    # ";16" of a BMP or TGA file is 5 or 6 bits a channel.
    return 16 if image.format == "SGI" and (image.tile and image.tile[0].codec_name == "SGI16") else 8


def is_decoded_whole(image: Image.Image) -> bool:
    """Return whether all bits of an image of more than 8 are kept; of the others 8 are."""
    if image.format == "PPM":
        return is_16_bit_gray(image)
    return image.format == "PNG" or (image.format == "JPEG2000" and image.mode != "CMYK")


def is_16_bit_gray(image: Image.Image) -> bool:
    """Return whether Pillow's integers are those of 16-bit gray; other 32-bit pixels have no range."""
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PPM", "PNG", "JPEG2000"))


def jpeg_2000_is_whole(data: bytes) -> bool:
    """Return whether a JPEG 2000 codestream has its end mark; decoders make something of any beginning."""
    for start, end in inside(data, b"jp2c"):
        return data[start:end].endswith(b"\xff\xd9")
    return data.rstrip(b"\0").endswith(b"\xff\xd9")


def webp_is_lossless(data: bytes) -> bool:
    """Return whether the (first) image of a WebP file was compressed without loss."""
    at = 12  # after "RIFF", size, "WEBP"
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind in (b"VP8 ", b"VP8L"):
            return kind == b"VP8L"
        # The chunks of an animation's frame are inside it, after 16 bytes.
        at += 8 + (16 if kind == b"ANMF" else size + size % 2)
    return False


def _raw_mode(image: Image.Image) -> str:
    """Return Pillow's name of how the pixels are stored, such as "RGB;16B"."""
    arguments = image.tile[0][3] if image.tile else ""
    return arguments if isinstance(arguments, str) else str(arguments[0])


def _of_jpeg_2000(data: bytes) -> int:
    """Return the largest depth of a component (ISO 15444-1, table A.9)."""
    start = data.find(CODESTREAM)
    if start < 0 or len(data) < start + 42:
        return 8
    (components,) = struct.unpack_from(">H", data, start + 40)
    return max(
        [8, *(1 + (data[at] & 127) for at in range(start + 42, start + 42 + 3 * components, 3) if at < len(data))]
    )


def _of_avif(data: bytes) -> int:
    """Return the depth of the pixels, in the box pixi (ISO 23008-12, section 6.5.6)."""
    depths = [
        max(data[start + 5 : end], default=8)
        for start, end in inside(data, b"meta", b"iprp", b"ipco", b"pixi")
        if end - start > 5
    ]
    return max([8, *depths])
