"""Writing results: read back by Pillow and OpenCV, and once more by colorjax itself."""

import errno
import io
import os
import resource
import signal

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from support.profiles import gray_profile, rgb_profile

from colorjax.errors import UserError
from colorjax.pictures.metadata import Metadata
from colorjax.pictures.read import Photo, read_photo
from colorjax.pictures.side_by_side import side_by_side
from colorjax.pictures.write import suffix_for, write_photo

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (9, 7, 3), dtype=np.uint16)
ALPHA = RNG.integers(0, 256, (9, 7), dtype=np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta><dc:title>T</dc:title></x:xmpmeta>"


def exif_block():
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "A. Dams"
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.ISOSpeedRatings: 400, ExifTags.Base.ExposureTime: 0.125}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    return exif.tobytes().removeprefix(b"Exif\0\0")


FULL = Metadata(
    exif=exif_block(),
    xmp=XMP,
    iptc=b"\x1c\x02\x69\x00\x06titles",
    comment=b"a fine day",
    text=(("Title", "Å fine day"),),
    resolution=(300.0, 200.0),
    profile=SRGB,
)


def photo_of(pixels, alpha=None, kind="PNG", lossless=True, metadata=FULL):
    return Photo(pixels, alpha, kind, lossless, metadata, ())


def opened(path):
    """A Pillow image that leaves no file open."""
    return Image.open(io.BytesIO(path.read_bytes()))


def with_opencv(path):
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return pixels if pixels.ndim == 2 else pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]


@pytest.mark.parametrize("suffix", ["png", "tif", "TIFF", "bmp", "webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_8_bits_come_back_as_they_were(tmp_path, suffix, channels):
    path = tmp_path / f"new/folder/a.{suffix}"
    assert write_photo(path, COLOR[:, :, :channels], photo_of(COLOR)) == ()
    image = opened(path)
    assert image.mode in {1: ("L", "RGB") if suffix == "webp" else ("L",), 3: ("RGB",)}[channels]
    np.testing.assert_array_equal(
        np.asarray(image.convert("RGB")), np.broadcast_to(COLOR[:, :, :channels], COLOR.shape)
    )
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_alpha_comes_back(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    assert write_photo(path, COLOR, photo_of(COLOR, ALPHA)) == ()
    np.testing.assert_array_equal(np.asarray(opened(path)), np.dstack([COLOR, ALPHA]))
    if suffix != "webp":  # which knows no gray
        write_photo(path, COLOR[:, :, :1], photo_of(COLOR, ALPHA))
        image = opened(path)
        assert image.mode == "LA"
        np.testing.assert_array_equal(np.asarray(image), np.dstack([COLOR[:, :, :1], ALPHA]))


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_come_back_as_they_were(tmp_path, suffix, channels, monkeypatch):
    monkeypatch.setattr("colorjax.pictures.png_16.BAND_BYTES", 2**18)
    monkeypatch.setattr("colorjax.pictures.png_16.LARGEST_CHUNK", 2**12)
    path = tmp_path / f"a.{suffix}"
    # Large enough for several bands and strips, smooth enough to be compressed.
    pixels = (np.add.outer(np.arange(900), np.arange(700))[:, :, np.newaxis] * [7, 11, 13]).astype(np.uint16)
    pixels = np.ascontiguousarray(pixels[:, :, :channels] + RNG.integers(0, 5, (900, 700, 1), dtype=np.uint16))
    write_photo(path, pixels, photo_of(DEEP))
    np.testing.assert_array_equal(with_opencv(path).reshape(pixels.shape), pixels)
    assert path.stat().st_size < 0.7 * pixels.nbytes
    opened(path).load()  # checks what OpenCV does not: the sums of a PNG file's chunks


def test_16_bits_with_alpha_of_either_depth(tmp_path):
    write_photo(tmp_path / "a.png", DEEP, photo_of(DEEP, DEEP[:, :, 0]))
    np.testing.assert_array_equal(with_opencv(tmp_path / "a.png"), np.dstack([DEEP, DEEP[:, :, 0]]))
    write_photo(tmp_path / "b.tif", DEEP, photo_of(COLOR, ALPHA))
    np.testing.assert_array_equal(with_opencv(tmp_path / "b.tif"), np.dstack([DEEP, ALPHA * np.uint16(257)]))
    write_photo(tmp_path / "c.png", DEEP[:, :, :1], photo_of(DEEP, DEEP[:, :, 1]))
    gray = read_photo(tmp_path / "c.png")
    np.testing.assert_array_equal(np.dstack([gray.pixels, gray.alpha]), DEEP[:, :, :2])
    write_photo(tmp_path / "d.webp", COLOR, photo_of(DEEP, DEEP[:, :, 0]))
    expected = np.floor(DEEP[:, :, 0] / 257 + 0.5)
    np.testing.assert_array_equal(np.asarray(opened(tmp_path / "d.webp"))[:, :, 3], expected)


def test_lossy_formats_are_close(tmp_path):
    smooth = np.stack([np.add.outer(np.arange(60), np.arange(80))] * 3, axis=-1).astype(np.uint8)
    smooth[:, 40:, 0] = 200  # an edge in color alone: blurred if color had half the resolution
    smooth[:, 40:, 2] = 20
    for name, kind in (("a.jpg", "JPEG"), ("b.webp", "WEBP")):
        write_photo(tmp_path / name, smooth, photo_of(smooth, kind=kind, lossless=False))
        image = opened(tmp_path / name)
        difference = np.abs(np.asarray(image).astype(int) - smooth)
        assert 0 < difference.mean() < 3
        if kind == "JPEG":
            assert difference.max() < 30
            assert {layer[1:3] for layer in image.layer} == {(1, 1)}
    write_photo(tmp_path / "c.jpg", smooth[:, :, :1], photo_of(smooth))
    assert opened(tmp_path / "c.jpg").mode == "L"


def test_format_says_what_it_has_not(tmp_path):
    for name, label in (("a.jpg", "JPEG"), ("b.bmp", "BMP")):
        remarks = write_photo(tmp_path / name, DEEP, photo_of(DEEP, ALPHA))
        assert remarks == (f"16 bits rounded to 8: {label} has no more", f"alpha laid on white: {label} has none")
    share = (ALPHA / 255)[:, :, np.newaxis]
    expected = np.floor(DEEP / 257 + 0.5) * share + 255 * (1 - share)
    assert np.abs(np.asarray(opened(tmp_path / "b.bmp")) - expected).max() <= 0.51
    assert write_photo(tmp_path / "c.webp", DEEP, photo_of(DEEP)) == ("16 bits rounded to 8: WebP has no more",)
    np.testing.assert_array_equal(np.asarray(opened(tmp_path / "c.webp")), np.floor(DEEP / 257 + 0.5))


@pytest.mark.parametrize(
    ("suffix", "pixels", "has"),
    [
        ("jpg", COLOR, {"exif", "xmp", "iptc", "comment", "resolution", "profile"}),
        ("png", COLOR, {"exif", "xmp", "text", "resolution", "profile"}),
        ("png", DEEP, {"exif", "xmp", "text", "resolution", "profile"}),
        ("tif", COLOR, {"exif", "xmp", "iptc", "resolution", "profile"}),
        ("tif", DEEP, {"exif", "xmp", "iptc", "resolution", "profile"}),
        ("webp", COLOR, {"exif", "xmp", "profile"}),
        ("bmp", COLOR, {"resolution"}),
    ],
)
def test_metadata_come_back(tmp_path, suffix, pixels, has):
    path = tmp_path / f"a.{suffix}"
    write_photo(path, pixels, photo_of(pixels))
    image = opened(path)
    exif = image.getexif()
    if "exif" in has:
        assert exif[ExifTags.Base.Artist] == "A. Dams"
        inner = exif.get_ifd(ExifTags.IFD.Exif)
        assert inner == {ExifTags.Base.ISOSpeedRatings: 400, ExifTags.Base.ExposureTime: 0.125}
        assert exif.get_ifd(ExifTags.IFD.GPSInfo) == {ExifTags.GPS.GPSLatitudeRef: "N"}
    if "xmp" in has:
        assert image.info["xmp"] == XMP
    if "profile" in has:
        assert image.info["icc_profile"] == SRGB
    if "resolution" in has:
        assert image.info["dpi"] == pytest.approx((300, 200), rel=1e-3)
    if "text" in has:
        assert image.text["Title"] == "Å fine day"
        assert image.text["Comment"] == "a fine day"
    if suffix == "jpg":
        assert image.info["comment"] == b"a fine day"
        assert image.info["photoshop"][0x0404] == FULL.iptc
        assert FULL.iptc + b"\0" in path.read_bytes()  # an odd length is padded
    if suffix == "tif":
        assert image.tag_v2[33723] == FULL.iptc
    # Twice the same way: nothing grows or gets lost.
    again = read_photo(path)
    write_photo(tmp_path / f"b.{suffix}", pixels, again)
    assert read_photo(tmp_path / f"b.{suffix}").metadata == again.metadata
    for key in has - {"text", "exif", "resolution"}:
        assert getattr(again.metadata, key) == getattr(FULL, key)


def test_metadata_that_was_not_there_is_not_written(tmp_path):
    for suffix in ("jpg", "png", "tif", "webp"):
        path = tmp_path / f"a.{suffix}"
        write_photo(path, COLOR, photo_of(COLOR, metadata=Metadata()))
        again = read_photo(path).metadata
        assert again._replace(resolution=None) == Metadata()


def test_too_long_metadata_are_left_out_of_jpeg_and_said(tmp_path):
    metadata = FULL._replace(xmp=b"x" * 70000, iptc=b"x" * 65000)
    remarks = write_photo(tmp_path / "a.jpg", COLOR, photo_of(COLOR, metadata=metadata))
    assert remarks == ("XMP left out: too long for JPEG",)
    image = opened(tmp_path / "a.jpg")
    assert image.getexif()[ExifTags.Base.Artist] == "A. Dams"
    assert image.info["photoshop"][0x0404] == metadata.iptc


def test_profile_is_for_the_pixels(tmp_path):
    def embedded(pixels, profile):
        write_photo(tmp_path / "a.png", pixels, photo_of(pixels, metadata=Metadata(profile=profile)))
        return opened(tmp_path / "a.png").info.get("icc_profile")

    def name(profile):
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()

    gray, color = gray_profile(2.2), rgb_profile()
    assert embedded(COLOR[:, :, :1], gray) == gray
    assert name(embedded(COLOR, gray)) == "sRGB built-in"
    assert embedded(DEEP, color) == color
    assert embedded(COLOR[:, :, :1], SRGB) is None
    assert embedded(COLOR, b"") is None


def test_suffix_says_what_the_file_is():
    def suffix(kind, path, alpha=None):
        return suffix_for(photo_of(COLOR, alpha, kind), path)

    assert suffix("JPEG", "a.JPG") == ".JPG"
    assert suffix("MPO", "a.jpeg") == ".jpeg"
    assert suffix("TIFF", "a.tif") == ".tif"
    assert suffix("GIF", "a.gif") == ".gif.png"
    assert suffix("PPM", "b/a.pgm") == ".pgm.png"
    assert suffix("PNG", "a.jpg") == ".jpg.png"
    assert suffix("WEBP", "scan") == ".webp"
    assert suffix("BMP", "a.bmp") == ".bmp"
    assert suffix("BMP", "a.bmp", ALPHA) == ".bmp.png"


def test_errors_are_one_line_and_leave_nothing_behind(tmp_path):
    with pytest.raises(UserError, match=r"a\.gif: can't write \.gif; known: \.bmp, "):
        write_photo(tmp_path / "a.gif", COLOR, photo_of(COLOR))
    with pytest.raises(UserError, match=r"a\.webp: WebP has room for 16,383 pixels a side"):
        write_photo(tmp_path / "a.webp", np.zeros((1, 16384, 1), np.uint8), photo_of(COLOR))
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file/deeper: can't make this folder: Not a directory"):
        write_photo(tmp_path / "file/deeper/a.png", COLOR, photo_of(COLOR))
    with pytest.raises(UserError, match="file: can't make this folder: File exists"):
        write_photo(tmp_path / "file/a.png", COLOR, photo_of(COLOR))
    (tmp_path / "a.png").mkdir()
    with pytest.raises(UserError, match=r"a\.png: can't be written: Is a directory"):
        write_photo(tmp_path / "a.png", COLOR, photo_of(COLOR))
    assert sorted(os.listdir(tmp_path)) == ["a.png", "file"]


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "bmp", "16.png", "16.tif"])
def test_disk_that_is_full_leaves_the_earlier_file(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_text("earlier")
    large = RNG.integers(0, 65536, (200, 200, 3), dtype=np.uint16)
    pixels = large if suffix.startswith("16") else large.astype(np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, hard))
    try:
        with pytest.raises(UserError, match=rf"{path.name}: can't be written: {os.strerror(errno.EFBIG)}"):
            write_photo(path, pixels, photo_of(pixels))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == "earlier"
    assert os.listdir(tmp_path) == [path.name]


def test_wrong_pixels():
    with pytest.raises(ValueError, match=r"not float32 \[2, 2, 3\]"):
        write_photo("a.png", np.zeros((2, 2, 3), np.float32), photo_of(COLOR))
    with pytest.raises(ValueError, match=r"alpha is \[9, 7\], pixels are \[2, 2, 3\]"):
        write_photo("a.png", np.zeros((2, 2, 3), np.uint8), photo_of(COLOR, ALPHA))


def test_side_by_side(tmp_path):
    gray = photo_of(COLOR[:, :, :1], ALPHA)
    pixels, both = side_by_side(gray, COLOR)
    assert pixels.shape == (9, 16, 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels[:, :7], np.broadcast_to(COLOR[:, :, :1], COLOR.shape))
    assert (pixels[:, 7:9] == 255).all()
    np.testing.assert_array_equal(pixels[:, 9:], COLOR)
    np.testing.assert_array_equal(both.alpha, np.hstack([ALPHA, np.full((9, 2), 255), ALPHA]))
    write_photo(tmp_path / "a.png", pixels, both)
    assert opened(tmp_path / "a.png").size == (16, 9)

    pixels, both = side_by_side(photo_of(DEEP[:, :, :1]), DEEP[:, :, 1:2])
    assert pixels.shape == (9, 16, 1)
    assert (pixels[:, 7:9] == 65535).all()
    assert both.alpha is None
    with pytest.raises(ValueError, match=r"the result is uint8 \[9, 7, 3\], the photograph uint16 \[9, 7, 3\]"):
        side_by_side(photo_of(DEEP), COLOR)
