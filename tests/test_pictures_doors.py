"""The one path from files to pixels: data sets and photos get the same, and what is lost is said."""

import io
import os
import socket
import struct
import threading
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image
from support.files import assert_whole_or_one_line, deep_png, opened, png_chunk, saved
from support.profiles import cmyk_profile, gray_profile, rgb_profile

from colorjax.errors import UserError
from colorjax.pictures.images import is_plain, read_picture
from colorjax.pictures.read import read_photo

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (24, 20, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (24, 20, 4), dtype=np.uint16)
# Neither noise, which JPEG blurs, nor flat.
SMOOTH = np.kron(RNG.integers(0, 256, (6, 5, 3)), np.ones((4, 4, 1))).astype(np.uint8)


def with_orientation(number):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = number
    return exif


def iccp(profile):
    return png_chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))


def gray_alpha():
    return Image.merge("LA", [Image.fromarray(COLOR[:, :, c]) for c in (0, 3)])


KINDS = {
    "jpg": lambda path: saved(path, SMOOTH),
    "gray jpg": lambda path: saved(path, SMOOTH[:, :, 0]),
    "turned jpg": lambda path: saved(path, SMOOTH, exif=with_orientation(6)),
    "jpg with profile": lambda path: saved(path, SMOOTH, icc_profile=rgb_profile()),
    "ink jpg": lambda path: saved(path, Image.fromarray(SMOOTH).convert("CMYK"), icc_profile=cmyk_profile()),
    "progressive jpg": lambda path: saved(path, SMOOTH, progressive=True),
    "png": lambda path: saved(path, COLOR[:, :, :3]),
    "alpha png": lambda path: saved(path, COLOR),
    "gray alpha png": lambda path: saved(path, gray_alpha()),
    "palette png": lambda path: saved(path, Image.fromarray(COLOR[:, :, :3]).quantize(9)),
    "1 bit png": lambda path: saved(path, Image.fromarray(COLOR[:, :, 0] > 99)),
    "gray png with profile": lambda path: saved(path, COLOR[:, :, 0], icc_profile=gray_profile(1.8)),
    "16 bit png": lambda path: deep_png(path, DEEP[:, :, :3]),
    "16 bit gray png": lambda path: deep_png(path, DEEP[:, :, :1]),
    "16 bit gray alpha png": lambda path: deep_png(path, DEEP[:, :, :2]),
    "16 bit alpha png with profile": lambda path: deep_png(path, DEEP, iccp(rgb_profile())),
    "16 bit gray png with profile": lambda path: deep_png(path, DEEP[:, :, :1], iccp(gray_profile(1.8))),
    "webp": lambda path: saved(path, COLOR, lossless=True),
    "avif": lambda path: saved(path, SMOOTH),
    "jp2": lambda path: saved(path, COLOR[:, :, :3]),
    "gif": lambda path: saved(path, Image.fromarray(COLOR[:, :, :3])),
    "bmp": lambda path: saved(path, COLOR[:, :, :3]),
    "tif": lambda path: saved(path, COLOR),
    "gray alpha tif": lambda path: written(path, COLOR[:, :, :2], "minisblack", "assocalpha"),
    "16 bit alpha tif": lambda path: written(path, DEEP, "rgb", "assocalpha"),
    "16 bit gray alpha tif": lambda path: written(path, DEEP[:, :, :2], "minisblack", "unassalpha"),
    "16 bit ink tif": lambda path: written(path, DEEP, "separated"),
    "float tif": lambda path: written(path, (DEEP[:, :, :3] / 65535).astype(np.float32), "rgb"),
}


def written(path, pixels, photometric, *extra):
    tifffile.imwrite(path, pixels, photometric=photometric, extrasamples=extra or None)
    return path


def on_white(photo):
    """A photo's pixels as a data set has them: on white, three channels of 8 bits."""
    largest = float(np.iinfo(photo.pixels.dtype).max)
    share = 1.0 if photo.alpha is None else photo.alpha[..., np.newaxis] / largest
    values = photo.pixels * share + largest * (1 - share)
    return np.broadcast_to(np.rint(values * (255 / largest)), (*values.shape[:2], 3))


@pytest.mark.parametrize("kind", KINDS)
def test_both_doors_give_the_same_pixels(tmp_path, kind):
    path = KINDS[kind](tmp_path / f"a.{kind.replace(' with profile', '').rpartition(' ')[2]}")
    picture = read_picture(path)
    np.testing.assert_allclose(picture, on_white(read_photo(path)), atol=1e-6)
    if is_plain(path.read_bytes()):  # then a data set keeps the file, and another decoder reads it
        np.testing.assert_array_equal(picture, np.asarray(opened(path).convert("RGB")))


@pytest.mark.parametrize("kind", KINDS)
def test_files_cut_or_with_a_byte_changed_are_one_line_or_an_image(tmp_path, kind, capfd):
    path = KINDS[kind](tmp_path / f"a.{kind.replace(' with profile', '').rpartition(' ')[2]}")
    data, whole = path.read_bytes(), read_photo(path).pixels
    for length in np.linspace(0, len(data) - 1, 25).astype(int):
        path.write_bytes(data[:length])
        if kind in ("gif", "progressive jpg"):  # an end that is missing can't be told from pixels that are
            assert_one_line_or_shape(path)
        else:
            assert_whole_or_one_line(path, whole)
    random = np.random.default_rng(len(data))
    for place in random.integers(0, len(data), 25):
        changed = bytearray(data)
        changed[place] ^= 1 << int(random.integers(8))
        path.write_bytes(changed)
        assert_one_line_or_shape(path)
    assert capfd.readouterr() == ("", "")


def assert_one_line_or_shape(path):
    try:
        photo = read_photo(path, max_pixels=10**6)
    except UserError as error:
        if not str(error).startswith(f"{path}: ") or "\n" in str(error):
            raise AssertionError(f"not one line with the file's name: {error}") from error
    else:
        assert photo.pixels.dtype in (np.uint8, np.uint16)
        assert photo.pixels.shape[2] in (1, 3)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 100, "subsampling": "4:4:4"}])
def test_jpeg_that_lacks_its_end_alone_is_whole(tmp_path, options):
    path = saved(tmp_path / "a.jpg", SMOOTH, **options)
    data, whole = path.read_bytes(), read_photo(path).pixels
    for missing in (1, 2):
        path.write_bytes(data[:-missing])
        photo = read_photo(path)
        np.testing.assert_array_equal(photo.pixels, whole)
        assert photo.remarks == ("the file lacks its end mark, the picture is whole",)
        assert not is_plain(data[:-missing])
        np.testing.assert_array_equal(read_picture(path), whole)
    for missing in (20, len(data) // 3):
        path.write_bytes(data[:-missing])
        with pytest.raises(UserError, match=r"a\.jpg: can't be decoded"):
            read_photo(path)


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg_2000_keeps_its_bits(tmp_path, bits, channels):
    values = (DEEP[:, :, :channels] >> (16 - bits)).squeeze()
    path = tmp_path / "a.jp2"
    path.write_bytes(imagecodecs.jpeg2k_encode(values, bitspersample=bits, reversible=True, level=0))
    photo = read_photo(path)
    got = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    np.testing.assert_array_equal(got.squeeze(), np.rint(values * (65535 / (2**bits - 1))))
    assert photo.remarks == ()


def test_bits_that_are_not_read_are_said(tmp_path):
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P6 2 1 65535\n" + DEEP[0, :2, :3].astype(">u2").tobytes())
    assert read_photo(path).remarks == ("16 bits read as 8",)
    path = tmp_path / "a.sgi"
    saved(path, COLOR[:, :, :3], bpc=2)
    assert read_photo(path).remarks == ("16 bits read as 8",)
    path = tmp_path / "a.avif"
    path.write_bytes(imagecodecs.avif_encode(DEEP[:, :, :3] >> 6, bitspersample=10))
    assert read_photo(path).remarks == ("10 bits read as 8",)


def test_default_picture_of_a_16_bit_animation_is_taken(tmp_path):
    """Where it is no frame of the animation, as PNG 3 says, section 4.9."""
    frames = [deep_png(tmp_path / "f.png", np.roll(DEEP[:, :, :3], n, 0)).read_bytes() for n in range(3)]

    def content(data, kind):
        place = data.index(kind)
        return data[place + 4 : place + 4 + struct.unpack_from(">I", data, place - 4)[0]]

    def control(number):
        return png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, 20, 24, 0, 0, 1, 1, 0, 0))

    animation = png_chunk(b"acTL", struct.pack(">II", 2, 0)) + png_chunk(b"IDAT", content(frames[0], b"IDAT"))
    for number, frame in ((0, frames[1]), (2, frames[2])):
        data = struct.pack(">I", number + 1) + content(frame, b"IDAT")
        animation += control(number) + png_chunk(b"fdAT", data)
    path = tmp_path / "a.png"
    path.write_bytes(frames[0][:33] + animation + png_chunk(b"IEND", b""))
    np.testing.assert_array_equal(read_photo(path).pixels, DEEP[:, :, :3])


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a" + bytes(9), "JPEG XL"),
        (b"%PDF-1.7\n", "PDF"),
    ],
)
def test_kinds_that_are_not_read_are_named(tmp_path, beginning, name):
    path = tmp_path / "a.jpg"
    path.write_bytes(beginning)
    for read in (read_photo, read_picture):
        with pytest.raises(UserError, match=rf"a\.jpg: {name} files are not read; save it as JPEG, PNG or TIFF"):
            read(path)


def test_pipes_and_sockets_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.png"))
        for name in ("pipe.png", "socket.png"):
            for read in (read_photo, read_picture):
                errors = []

                def attempt(read=read, name=name, errors=errors):
                    with pytest.raises(UserError, match=rf"{name}: not a file but a pipe, a socket or a device"):
                        read(tmp_path / name)
                    errors.append("refused")

                thread = threading.Thread(target=attempt, daemon=True)
                thread.start()
                thread.join(10)
                assert errors == ["refused"]
    with pytest.raises(UserError, match="null: not a file"):
        read_photo("/dev/null")


def test_photo_of_a_stereo_camera_is_its_first(tmp_path):
    file = io.BytesIO()
    left, right = Image.fromarray(SMOOTH), Image.fromarray(SMOOTH[:, ::-1])
    left.save(file, "MPO", save_all=True, append_images=[right], quality=95)
    path = tmp_path / "a.mpo"
    path.write_bytes(file.getvalue())
    pixels = read_photo(path).pixels.astype(int)
    assert 3 * np.abs(pixels - SMOOTH).mean() < np.abs(pixels - SMOOTH[:, ::-1]).mean()


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_damaged_exif_keeps_no_picture_out_of_a_data_set(tmp_path, suffix):
    path = saved(tmp_path / f"a.{suffix}", SMOOTH, exif=b"Exif\0\0" + b"IIMM\0*\0%" * 3)
    pixels = np.asarray(opened(path).convert("RGB"))
    np.testing.assert_array_equal(read_picture(path), pixels)
    np.testing.assert_array_equal(read_photo(path).pixels, pixels)
    assert is_plain(path.read_bytes())
