"""Reading pictures of every kind: against Pillow's own operations, formulas, and made files."""

import contextlib
import io
import struct
import threading
import zlib

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms, ImageOps

from colorjax.errors import UserError
from colorjax.pictures.images import encode_png, is_plain, read_picture, to_uint8, write_picture


@pytest.fixture
def color():
    return np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


@pytest.fixture
def deep():
    return np.random.default_rng(1).integers(0, 65536, (4, 6, 4), dtype=np.uint16)


def encoded(image, kind, **options):
    """The bytes of a Pillow image or an array as a file."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def encoded_deep(pixels):
    """The bytes of a 16-bit PNG of `[H, W(, C)]` in red, green, blue, alpha order."""
    if pixels.ndim == 3:
        pixels = pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]
    return cv2.imencode(".png", pixels)[1].tobytes()


def deep_tiff(pixels, orientation):
    """The bytes of an uncompressed 16-bit RGB TIFF, written from the specification."""
    height, width, _ = pixels.shape
    data = pixels.astype("<u2").tobytes()
    bits_at = 8 + 2 + 10 * 12 + 4
    tags = [(256, width), (257, height), (258, bits_at), (259, 1), (262, 2), (273, bits_at + 6)]
    tags += [(274, orientation), (277, 3), (278, height), (279, len(data))]
    directory = b"".join(
        struct.pack("<HHII", tag, 4 if tag in (273, 279) else 3, 3 if tag == 258 else 1, value) for tag, value in tags
    )
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + directory + struct.pack("<IHHH", 0, 16, 16, 16) + data


def rounded(values):
    """16-bit values scaled to 8 bits."""
    return np.floor(np.asarray(values, np.float64) * 255 / 65535 + 0.5).astype(np.uint8)


def test_plain_color_is_read_as_it_is(color, tmp_path):
    path = tmp_path / "a.png"
    write_picture(path, color)
    np.testing.assert_array_equal(read_picture(path), color)
    np.testing.assert_array_equal(read_picture(str(path)), color)
    np.testing.assert_array_equal(read_picture(path.read_bytes()), color)


def test_gray_and_one_bit_become_three_equal_channels(color):
    gray = color[:, :, 0]
    np.testing.assert_array_equal(read_picture(encoded(gray, "PNG")), np.stack([gray] * 3, axis=-1))
    bits = gray > 127
    expected = np.stack([bits * np.uint8(255)] * 3, axis=-1)
    np.testing.assert_array_equal(read_picture(encoded(bits, "PNG")), expected)


def test_palette(color):
    image = Image.fromarray(color).quantize(8)
    np.testing.assert_array_equal(read_picture(encoded(image, "PNG")), np.asarray(image.convert("RGB")))
    np.testing.assert_array_equal(read_picture(encoded(image, "GIF")), np.asarray(image.convert("RGB")))


def test_alpha_is_composited_on_white(color):
    alpha = np.random.default_rng(2).integers(0, 256, (4, 6, 1), dtype=np.uint8)
    share = alpha / 255.0
    expected = color * share + 255.0 * (1.0 - share)
    picture = read_picture(encoded(np.concatenate([color, alpha], axis=-1), "PNG"))
    assert np.abs(picture - expected).max() <= 1.0  # Pillow rounds twice

    gray = read_picture(encoded(np.concatenate([color[:, :, :1], alpha], axis=-1), "PNG"))
    assert np.abs(gray - expected[:, :, :1]).max() <= 1.0


def test_transparent_palette_and_color_key_become_white():
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    np.testing.assert_array_equal(
        read_picture(encoded(palette, "PNG", transparency=1)), [[[10, 20, 30], [255, 255, 255]]]
    )
    key = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    data = encoded(key, "PNG", transparency=(1, 2, 3))
    np.testing.assert_array_equal(read_picture(data), [[[255, 255, 255], [4, 5, 6]]])
    assert not is_plain(data)


def test_16_bits_are_scaled_and_rounded(deep):
    gray, rgb = deep[:, :, 0], deep[:, :, :3]
    expected = np.stack([rounded(gray)] * 3, axis=-1)
    np.testing.assert_array_equal(read_picture(encoded_deep(gray)), expected)
    np.testing.assert_array_equal(read_picture(encoded(gray, "TIFF")), expected)
    np.testing.assert_array_equal(read_picture(encoded_deep(rgb)), rounded(rgb))
    pgm = b"P5 6 4 65535\n" + gray.astype(">u2").tobytes()
    np.testing.assert_array_equal(read_picture(pgm), expected)


def test_16_bit_gray_whose_zero_is_white(deep):
    gray = deep[:, :, 0]
    data = bytearray(encoded(gray, "TIFF"))
    entry = data.index(struct.pack("<HHI", 262, 3, 1))  # photometric interpretation
    data[entry + 8 : entry + 10] = struct.pack("<H", 0)
    np.testing.assert_array_equal(read_picture(bytes(data)), np.stack([rounded(65535 - gray)] * 3, axis=-1))


def test_16_bit_alpha_is_composited_on_white(deep):
    share = deep[:, :, 3:] / 65535
    expected = rounded(deep[:, :, :3] * share + 65535 * (1 - share))
    picture = read_picture(encoded_deep(deep))
    assert np.abs(picture.astype(int) - expected).max() <= 1  # halves may fall either way


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotated_pictures_are_turned_upright(color, deep, orientation):
    def upright(pixels):
        image = Image.fromarray(pixels)
        image.getexif()[0x0112] = orientation
        return np.asarray(ImageOps.exif_transpose(image))

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(color, "PNG", exif=exif)
    np.testing.assert_array_equal(read_picture(data), upright(color))
    assert is_plain(data) == (orientation == 1)

    rgb = deep[:, :, :3]
    np.testing.assert_array_equal(read_picture(deep_tiff(rgb, orientation)), upright(rounded(rgb)))
    plain = encoded_deep(rgb)  # its EXIF chunk goes behind the header: 8 bytes of signature and 25 of IHDR
    body = b"eXIf" + exif.tobytes()[6:]
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    np.testing.assert_array_equal(read_picture(plain[:33] + chunk + plain[33:]), upright(rounded(rgb)))


def test_cmyk_without_profile():
    ink = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255], [0, 255, 255, 0]]], np.uint8)
    data = encoded(Image.frombytes("CMYK", (4, 1), ink.tobytes()), "TIFF")
    expected = [[[255, 255, 255], [0, 255, 255], [0, 0, 0], [255, 0, 0]]]
    np.testing.assert_array_equal(read_picture(data), expected)
    assert not is_plain(data)


def test_cmyk_with_a_profile_that_is_none_is_read_without_it():
    image = Image.new("CMYK", (2, 2), (0, 0, 0, 0))
    np.testing.assert_array_equal(
        read_picture(encoded(image, "TIFF", icc_profile=b"nonsense")), np.full((2, 2, 3), 255)
    )
    rgb_profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read_picture(encoded(image, "TIFF", icc_profile=rgb_profile))
    np.testing.assert_array_equal(picture, np.full((2, 2, 3), 255))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "JPEG", "GIF"])
def test_image_of_one_pixel(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = read_picture(encoded(np.full((1, 1, 3), 255, np.uint8), kind, **options))
    np.testing.assert_array_equal(picture, np.full((1, 1, 3), 255))


def test_animations_give_their_first_frame(color):
    frames = [Image.fromarray(color), Image.fromarray(255 - color)]
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_picture(data), color)
    assert not is_plain(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "BMP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_truncated_files_are_one_line_with_the_name(kind, share):
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = encoded(picture, kind)
    with pytest.raises(UserError, match=r"^holiday\.x: ") as error:
        read_picture(data[: int(share * len(data))], name="holiday.x")
    assert "\n" not in str(error.value)


def test_truncated_16_bit_png_is_not_passed_over(deep):
    data = encoded_deep(np.tile(deep[:, :, :3], (10, 10, 1)))
    with pytest.raises(UserError, match="^p: can't be decoded"):
        read_picture(data[: len(data) // 2], "p")


@given(hnp.arrays(np.uint8, st.integers(0, 60)), st.booleans())
def test_damaged_bytes_never_raise_anything_else(noise, as_png):
    data = encode_png(np.zeros((2, 2, 3), np.uint8))[:40] + noise.tobytes() if as_png else noise.tobytes()
    with contextlib.suppress(UserError):
        picture = read_picture(data)
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 3


def test_files_that_are_no_pictures(tmp_path):
    with pytest.raises(UserError, match=r"missing\.png: No such file"):
        read_picture(tmp_path / "missing.png")
    with pytest.raises(UserError, match="directory"):
        read_picture(tmp_path)
    (tmp_path / "empty.png").touch()
    with pytest.raises(UserError, match=r"empty\.png: the file is empty"):
        read_picture(tmp_path / "empty.png")
    with pytest.raises(UserError, match="^notes: not a picture"):
        read_picture(b"just text", "notes")
    with pytest.raises(UserError, match="32-bit"):
        read_picture(encoded(np.zeros((2, 2), np.int32), "TIFF"))


def test_enormous_pictures_are_refused_before_decoding(color):
    with pytest.raises(UserError, match="^big: 6 x 4 is 24 pixels, more than the limit of 23$"):
        read_picture(encoded(color, "PNG"), "big", max_pixels=23)
    assert read_picture(encoded(color, "PNG"), max_pixels=24).shape == (4, 6, 3)
    # A header that promises 40,000 x 30,000 pixels, and nothing behind it: past Pillow's own limit too.
    header = b"IHDR" + struct.pack(">IIBBBBB", 40000, 30000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    bomb += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(UserError, match="40000 x 30000 is 1,200,000,000 pixels"):
        read_picture(bomb)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_threads_read_at_the_same_time(color):
    data = encoded(color, "PNG")
    results = []
    threads = [threading.Thread(target=lambda: results.append(read_picture(data))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert all((result == color).all() for result in results)


def test_plain_files_read_the_same_with_opencv():
    ramp = np.linspace(0, 255, 48 * 32 * 3).reshape(48, 32, 3).astype(np.uint8)
    for data in (encoded(ramp, "JPEG", quality=60), encoded(ramp, "PNG")):
        assert is_plain(data)
        with_opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
        np.testing.assert_array_equal(read_picture(data), with_opencv)
    for other in (encoded(ramp, "BMP"), encoded(ramp[:, :, 0], "JPEG"), encoded_deep(ramp.astype(np.uint16))):
        assert not is_plain(other)


@given(hnp.arrays(np.float32, (2, 3, 3), elements=st.floats(-0.5, 1.5, width=32)))
def test_written_floats_come_back_clipped_and_rounded(picture):
    back = read_picture(encode_png(picture))
    assert np.abs(back / 255.0 - np.clip(picture, 0, 1)).max() <= 0.5 / 255 + 1e-6


def test_writing_takes_gray_and_arrays_of_jax(tmp_path):
    write_picture(tmp_path / "a.png", jnp.full((2, 2, 1), 0.5, jnp.bfloat16))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), np.full((2, 2, 3), 128))
    write_picture(tmp_path / "b.png", np.zeros((2, 2), np.uint8))
    assert read_picture(tmp_path / "b.png").shape == (2, 2, 3)


def test_writing_refuses_what_is_no_picture():
    with pytest.raises(ValueError, match="not finite"):
        to_uint8(np.full((1, 1, 3), np.nan))
    with pytest.raises(ValueError, match="int32"):
        to_uint8(np.zeros((1, 1, 3), np.int32))
    with pytest.raises(ValueError, match=r"\[2, 2, 2\]"):
        encode_png(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match=r"\[0, 2, 3\]"):
        encode_png(np.zeros((0, 2, 3)))
