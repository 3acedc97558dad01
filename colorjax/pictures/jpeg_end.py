"""JPEG files that lack only their end mark: cameras and copies that stop two bytes early leave the picture whole."""

import io
import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image

END = b"\xff\xd9"

# The markers of frames whose scans bring the coefficients in parts, and of all frames (ITU-T T.81, table B.1).
PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
FRAMES = tuple(code for code in range(0xC0, 0xD0) if code not in (0xC4, 0xC8, 0xCC))
SCAN = 0xDA


def is_there(data: bytes) -> bool:
    """Return whether a JPEG file has an end mark after its last scan; programs may have put more behind it."""
    return data.rfind(END) > data.rfind(bytes([0xFF, SCAN]))


def lacks_the_end_alone(data: bytes) -> bool:
    """Return whether a JPEG file has all of its pixels and only its end mark is missing, whole or by half."""
    if is_there(data):
        return False
    data = data.removesuffix(b"\xff")
    if not _has_all_scans(data):
        return False
    # If the last scan is not complete, what is put after it becomes pixels; 255 would be the beginning of a mark.
    whole = _pixels(data + END)
    return all(np.array_equal(_pixels(data + bytes([filling]) * 64 + END), whole) for filling in range(0, 255, 6))


def _pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def _has_all_scans(data: bytes) -> bool:
    """Return whether the scans bring every coefficient of every component, with all of its bits."""
    components, progressive, missing = [], False, set()
    for code, content in _segments(data):
        if code in FRAMES and len(content) >= 6:
            progressive = code in PROGRESSIVE
            components = [content[at] for at in range(6, min(6 + 3 * content[5], len(content)), 3)]
            missing = {(component, number) for component in components for number in range(64)}
        elif code == SCAN and content:
            count = content[0]
            here = [content[1 + 2 * i] for i in range(count) if 1 + 2 * i < len(content)]
            first, last, bits = content[1 + 2 * count : 4 + 2 * count] if progressive else (0, 63, 0)
            if bits & 15 == 0:
                missing -= {(component, number) for component in here for number in range(first, last + 1)}
    return bool(components) and not missing


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and the content of each segment; the pixels between them are passed over."""
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        code = data[at + 1]
        if code in (0x00, 0x01, 0xFF) or 0xD0 <= code <= 0xD9:  # a byte of pixels, a restart, a filling
            at += 1 if code == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield code, data[at + 4 : at + 2 + length]
        at += 2 + length
