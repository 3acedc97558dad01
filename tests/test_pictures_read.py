"""Reading a person's photographs: against Pillow, OpenCV, ImageCms, formulas and files made by hand."""

import struct

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps
from PIL.PngImagePlugin import PngInfo
from support.files import deep_png, deep_tiff, opened, png_chunk, read_exif, saved

from colorjax.errors import UserError
from colorjax.pictures.read import read_photo

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (5, 7, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (5, 7, 4), dtype=np.uint16)


def gray_alpha():
    image = Image.fromarray(COLOR[:, :, 0])
    image.putalpha(Image.fromarray(COLOR[:, :, 3]))
    return image


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp"])
def test_plain_color(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    photo = read_photo(saved(tmp_path / f"a.{suffix}", COLOR[:, :, :3], **options))
    np.testing.assert_array_equal(photo.pixels, COLOR[:, :, :3])
    assert photo.alpha is None
    assert photo.remarks == ()
    assert photo.lossless


def test_jpeg_and_lossy_webp(tmp_path):
    smooth = np.linspace(0, 255, 40 * 30 * 3).reshape(40, 30, 3).astype(np.uint8)
    for name in ("a.jpg", "b.webp"):
        photo = read_photo(saved(tmp_path / name, smooth))
        np.testing.assert_array_equal(photo.pixels, np.asarray(opened(tmp_path / name)))
        assert not photo.lossless
    assert read_photo(saved(tmp_path / "gray.jpg", smooth[:, :, 0])).pixels.shape == (40, 30, 1)


def test_animated_webp_tells_whether_it_is_lossless(tmp_path):
    frames = [Image.fromarray(COLOR[:, :, :3]), Image.fromarray(255 - COLOR[:, :, :3])]
    for lossless in (True, False):
        path = saved(tmp_path / "a.webp", frames[0], save_all=True, append_images=frames[1:], lossless=lossless)
        photo = read_photo(path)
        assert photo.lossless == lossless
        assert photo.remarks == ("first of 2 frames",)


def test_gray_and_one_bit_are_gray(tmp_path):
    gray = COLOR[:, :, :1]
    np.testing.assert_array_equal(read_photo(saved(tmp_path / "a.png", gray[:, :, 0])).pixels, gray)
    np.testing.assert_array_equal(read_photo(saved(tmp_path / "b.tif", gray[:, :, 0] > 99)).pixels, 255 * (gray > 99))
    equal = np.repeat(gray, 3, axis=2)
    np.testing.assert_array_equal(read_photo(saved(tmp_path / "c.png", equal)).pixels, equal)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_alpha_is_kept_apart(tmp_path, suffix):
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    photo = read_photo(saved(tmp_path / f"a.{suffix}", COLOR, **options))
    np.testing.assert_array_equal(photo.pixels, COLOR[:, :, :3])
    np.testing.assert_array_equal(photo.alpha, COLOR[:, :, 3])


def test_gray_with_alpha_palette_and_transparent_colors(tmp_path):
    photo = read_photo(saved(tmp_path / "a.png", gray_alpha()))
    np.testing.assert_array_equal(photo.pixels, COLOR[:, :, :1])
    np.testing.assert_array_equal(photo.alpha, COLOR[:, :, 3])

    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    photo = read_photo(saved(tmp_path / "b.png", palette, transparency=1))
    np.testing.assert_array_equal(photo.pixels, [[[10, 20, 30], [40, 50, 60]]])
    np.testing.assert_array_equal(photo.alpha, [[255, 0]])
    assert photo.remarks == ("palette expanded",)
    assert read_photo(saved(tmp_path / "c.gif", palette)).alpha is None

    gray = np.array([[0, 3, 255]], np.uint8)
    photo = read_photo(saved(tmp_path / "d.png", gray, transparency=3))
    np.testing.assert_array_equal(photo.alpha, [[255, 0, 255]])
    np.testing.assert_array_equal(photo.pixels[0, ::2, 0], [0, 255])
    photo = read_photo(saved(tmp_path / "e.png", gray > 9, transparency=255))
    np.testing.assert_array_equal(photo.alpha, [[255, 255, 0]])


def test_16_bits_stay_16(tmp_path):
    for channels in (1, 2, 3, 4):
        kinds = DEEP[:, :, :channels]
        photo = read_photo(deep_png(tmp_path / "a.png", kinds))
        color = 1 if channels < 3 else 3
        np.testing.assert_array_equal(photo.pixels, kinds[:, :, :color])
        assert photo.pixels.dtype == np.uint16
        assert (photo.alpha is None) == (channels in (1, 3))
        if photo.alpha is not None:
            np.testing.assert_array_equal(photo.alpha, kinds[:, :, -1])
    cv2.imwrite(str(tmp_path / "b.tif"), DEEP[:, :, 2::-1])  # LZW compressed
    np.testing.assert_array_equal(read_photo(tmp_path / "b.tif").pixels, DEEP[:, :, :3])
    photo = read_photo(deep_tiff(tmp_path / "c.tif", DEEP, {338: (2,)}))
    np.testing.assert_array_equal(np.dstack([photo.pixels, photo.alpha]), DEEP)
    np.testing.assert_array_equal(read_photo(saved(tmp_path / "d.tif", DEEP[:, :, 0])).pixels, DEEP[:, :, :1])


def test_16_bit_gray_with_other_scales(tmp_path):
    gray = DEEP[:, :, :1]
    np.testing.assert_array_equal(read_photo(deep_tiff(tmp_path / "a.tif", gray, {262: 0})).pixels, 65535 - gray)
    twelve = np.array([[[0x12], [0xFFF]]], np.uint16)
    path = deep_tiff(tmp_path / "b.tif", twelve, {258: (12,), 279: (3,)})
    path.write_bytes(path.read_bytes()[:-4] + bytes((0x01, 0x2F, 0xFF)))  # 0x012, 0xFFF
    np.testing.assert_array_equal(read_photo(path).pixels[0, :, 0], [round(0x12 * 65535 / 4095), 65535])


def test_16_bit_transparent_colors(tmp_path):
    key = struct.pack(">H", int(DEEP[1, 2, 0]))
    photo = read_photo(deep_png(tmp_path / "a.png", DEEP[:, :, :1], png_chunk(b"tRNS", key)))
    np.testing.assert_array_equal(photo.alpha, np.where(DEEP[:, :, 0] == DEEP[1, 2, 0], 0, 65535))
    key = struct.pack(">HHH", *map(int, DEEP[1, 2, :3]))
    photo = read_photo(deep_png(tmp_path / "b.png", DEEP[:, :, :3], png_chunk(b"tRNS", key)))
    np.testing.assert_array_equal(photo.alpha, np.where((DEEP[:, :, :3] == DEEP[1, 2, :3]).all(axis=2), 0, 65535))


def test_16_bit_alpha_that_is_multiplied_in_and_channels_that_are_no_alpha(tmp_path):
    alpha = np.maximum(DEEP[:, :, 3:], 20000)
    multiplied = np.rint(DEEP[:, :, :3] * (alpha / 65535)).astype(np.uint16)
    photo = read_photo(deep_tiff(tmp_path / "a.tif", np.dstack([multiplied, alpha]), {338: (1,)}))
    assert np.abs(photo.pixels.astype(int) - DEEP[:, :, :3]).max() <= 2  # rounding, enlarged by up to 65535/20000
    np.testing.assert_array_equal(photo.alpha, alpha[:, :, 0])
    photo = read_photo(deep_tiff(tmp_path / "b.tif", DEEP, {338: (0,)}))
    np.testing.assert_array_equal(photo.pixels, DEEP[:, :, :3])
    assert photo.alpha is None


def test_fourth_channel_that_the_file_says_nothing_of_is_alpha(tmp_path, capfd):
    photo = read_photo(deep_tiff(tmp_path / "a.tif", DEEP, {}))
    np.testing.assert_array_equal(np.dstack([photo.pixels, photo.alpha]), DEEP)
    assert capfd.readouterr() == ("", "")


def test_netpbm(tmp_path):
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P6 7 5 65535\n" + DEEP[:, :, :3].astype(">u2").tobytes())
    photo = read_photo(path)
    assert photo.remarks == ("16 bits read as 8",)
    assert np.abs(photo.pixels - DEEP[:, :, :3] / 257).max() <= 1
    path.write_bytes(b"P6 7 5 255\n" + COLOR[:, :, :3].tobytes())
    assert read_photo(path).remarks == ()
    path.write_bytes(b"P5 7 5 65535\n" + DEEP[:, :, 0].astype(">u2").tobytes())
    np.testing.assert_array_equal(read_photo(path).pixels, DEEP[:, :, :1])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_pixels_and_alpha(tmp_path, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation

    def upright(pixels):
        image = Image.fromarray(pixels)
        image.getexif()[ExifTags.Base.Orientation] = orientation
        return np.asarray(ImageOps.exif_transpose(image))

    photo = read_photo(saved(tmp_path / "a.png", COLOR, exif=exif))
    np.testing.assert_array_equal(np.dstack([photo.pixels, photo.alpha]), upright(COLOR))
    assert photo.remarks == (() if orientation == 1 else ("turned upright",))
    assert read_exif(photo)[ExifTags.Base.Orientation] == 1

    turned = np.dstack([upright(np.ascontiguousarray(DEEP[:, :, i])) for i in range(4)])
    photo = read_photo(deep_png(tmp_path / "b.png", DEEP, png_chunk(b"eXIf", exif.tobytes()[6:])))
    np.testing.assert_array_equal(np.dstack([photo.pixels, photo.alpha]), turned)
    for channels in (1, 3):
        photo = read_photo(deep_tiff(tmp_path / "c.tif", DEEP[:, :, :channels], {274: orientation}))
        np.testing.assert_array_equal(photo.pixels, turned[:, :, :channels])
        assert photo.remarks == (() if orientation == 1 else ("turned upright",))
        assert read_exif(photo).get(ExifTags.Base.Orientation, 1) == 1


def test_pictures_of_several_bands_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("colorjax.pictures.decoding.BAND_PIXELS", 15)  # two rows of five
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    photo = read_photo(saved(tmp_path / "a.png", COLOR, exif=exif))
    np.testing.assert_array_equal(np.dstack([photo.pixels, photo.alpha]), np.rot90(COLOR, -1))


def test_frames_after_the_first_are_left(tmp_path):
    frames = [Image.fromarray(COLOR[:, :, :3]), *(Image.new("RGB", (7, 5), color) for color in ("red", "blue"))]
    for name, word in (("a.tif", "pages"), ("b.png", "frames"), ("c.gif", "frames")):
        path = saved(tmp_path / name, frames[0], save_all=True, append_images=frames[1:])
        photo = read_photo(path)
        assert f"first of 3 {word}" in photo.remarks
        if name != "c.gif":  # whose colors are fewer
            np.testing.assert_array_equal(photo.pixels, COLOR[:, :, :3])


def test_metadata(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "A. Dams"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.ExifImageWidth: 7, ExifTags.Base.ISOSpeedRatings: 400}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6" dc:title="T"/></x:xmpmeta>'
    path = tmp_path / "a.jpg"
    saved(path, COLOR[:, :, :3], exif=exif, xmp=xmp, comment=b"a fine day", dpi=(300, 200))
    metadata = read_photo(path).metadata
    tags = read_exif(read_photo(path))
    assert tags[ExifTags.Base.Artist] == "A. Dams"
    assert tags[ExifTags.Base.Orientation] == 1
    assert tags.get_ifd(ExifTags.IFD.Exif) == {ExifTags.Base.ExifImageWidth: 5, ExifTags.Base.ISOSpeedRatings: 400}
    assert tags.get_ifd(ExifTags.IFD.GPSInfo) == {ExifTags.GPS.GPSLatitudeRef: "N"}
    assert metadata.xmp == xmp.replace(b'"6"', b'"1"')
    assert metadata.comment == b"a fine day"
    assert metadata.resolution == (300, 200)

    texts = PngInfo()
    texts.add_text("Title", "Å fine day")
    texts.add_text("Raw profile type exif", "stale")
    texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
    metadata = read_photo(saved(tmp_path / "b.png", COLOR, pnginfo=texts, dpi=(300, 300))).metadata
    assert metadata.text == (("Title", "Å fine day"),)
    assert metadata.xmp == xmp.replace(b'"6"', b'"1"')
    assert metadata.resolution == pytest.approx((300, 300), rel=1e-4)


def test_exif_of_a_tiff_file_says_nothing_of_its_storage(tmp_path):
    tags = {315: "A. Dams", 270: "a fine day", 700: b"<xmp/>"}
    photo = read_photo(deep_tiff(tmp_path / "a.tif", DEEP[:, :, :3], tags))
    assert dict(read_exif(photo)) == {315: "A. Dams", 270: "a fine day"}
    assert photo.metadata.xmp == b"<xmp/>"


def test_damaged_exif_is_left_out_and_the_thumbnail_too(tmp_path):
    for block in (b"no EXIF at all", b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x8769, 4, 1, 2**31)):
        photo = read_photo(saved(tmp_path / "a.png", COLOR, exif=block))
        np.testing.assert_array_equal(photo.pixels, COLOR[:, :, :3])
        assert photo.metadata.exif == b""
        assert photo.remarks == (("EXIF left out: it is damaged",) if block.startswith(b"no") else ())

    artist = struct.pack("<HHI4s", 315, 2, 4, b"Me!\0")
    thumbnail = struct.pack("<H", 2) + struct.pack("<HHIIHHII", 513, 4, 1, 56, 514, 4, 1, 9) + bytes(4)
    block = b"II*\0" + struct.pack("<IH", 8, 1) + artist + struct.pack("<I", 26) + thumbnail + b"THUMBNAIL"
    metadata = read_photo(saved(tmp_path / "b.jpg", COLOR[:, :, :3], exif=b"Exif\0\0" + block)).metadata
    assert b"Me!" in metadata.exif
    assert b"THUMBNAIL" not in metadata.exif


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "bmp", "gif", "webp"])
def test_files_truncated_and_of_one_pixel(tmp_path, kind):
    photo = read_photo(saved(tmp_path / f"a.{kind}", np.full((1, 1, 3), 255, np.uint8)))
    assert photo.pixels.shape in ((1, 1, 3), (1, 1, 1))
    assert (photo.pixels == 255).all()
    path = saved(tmp_path / f"b.{kind}", RNG.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=rf"^{path}: ") as error:
        read_photo(path)
    assert "\n" not in str(error.value)


def test_files_that_are_no_pictures(tmp_path):
    with pytest.raises(UserError, match=r"missing\.jpg: No such file"):
        read_photo(tmp_path / "missing.jpg")
    with pytest.raises(UserError, match="directory"):
        read_photo(tmp_path)
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(UserError, match=r"empty\.jpg: the file is empty"):
        read_photo(tmp_path / "empty.jpg")
    (tmp_path / "text.jpg").write_text("dear diary")
    with pytest.raises(UserError, match=r"text\.jpg: not a picture"):
        read_photo(tmp_path / "text.jpg")
    with pytest.raises(UserError, match=r"int\.tif: 32-bit pixels"):
        read_photo(saved(tmp_path / "int.tif", np.zeros((2, 2), np.int32)))


def test_limit_is_named_with_its_option_and_heeded_before_decoding(tmp_path):
    path = saved(tmp_path / "a.png", COLOR)
    with pytest.raises(
        UserError, match="7 x 5 is 35 pixels, more than the limit of 34; raise the limit with --max-pixels"
    ):
        read_photo(path, max_pixels=34)
    assert read_photo(path, max_pixels=35).pixels.shape == (5, 7, 3)

    def promise(width, height):
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)

    promise(30000, 30000)
    with pytest.raises(UserError, match="30000 x 30000 is 900,000,000 pixels"):
        read_photo(path)
    promise(10000, 10001)
    with pytest.raises(UserError, match="more than the limit of 100,000,000"):
        read_photo(path)
    promise(10000, 10000)  # goes on to what is missing behind the header
    with pytest.raises(UserError, match="can't be decoded"):
        read_photo(path)
