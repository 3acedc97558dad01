"""Color spaces of files, however they are said: against the formulas of the spaces."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms
from support.files import deep_png, opened, png_chunk, read_exif, saved
from support.profiles import cmyk_profile, gray_profile, rgb_profile

from colorjax.pictures import read
from colorjax.pictures.profiles import srgb_profile
from colorjax.pictures.read import read_photo

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (5, 7, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (5, 7, 4), dtype=np.uint16)
RAMP = np.arange(256, dtype=np.uint8)[np.newaxis]
DEEP_RAMP = np.arange(65536, dtype=np.uint16)[np.newaxis]

# Chromaticities of red, green and blue, with white D65; the soft colors below stay inside sRGB.
SRGB = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
ADOBE = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
SOFT = RNG.integers(110, 150, (8, 8, 3), dtype=np.uint8)


def encoded(light):
    """SRGB values of linear light (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def decoded(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def to_xyz(xy):
    """The matrix from linear RGB of these primaries to XYZ, where white is D65."""
    x, y = np.array(xy[::2]), np.array(xy[1::2])
    columns = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    return columns * np.linalg.solve(columns, white)


def converted(pixels, xy, light=decoded):
    """Pixels of these primaries and this curve in sRGB, as real numbers of the same range."""
    largest = np.iinfo(pixels.dtype).max
    linear = light(pixels / largest) @ (np.linalg.inv(to_xyz(SRGB)) @ to_xyz(xy)).T
    return np.clip(encoded(linear), 0, 1) * largest


def in_srgb(image, profile, mode):
    """What Pillow's own one-line conversion makes of an image."""
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return np.asarray(ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode=mode))


def with_chunk(path, image, *chunks):
    """Write a PNG file with further chunks after its header."""
    saved(path, image)
    data = path.read_bytes()
    path.write_bytes(data[:33] + b"".join(chunks) + data[33:])
    return path


def box(kind, content):
    return struct.pack(">I", 8 + len(content)) + kind + content


def jpeg_2000(path, pixels, *colr):
    """Write a JPEG 2000 file without loss whose color is said by these boxes colr, in place of Pillow's."""
    saved(path, pixels, irreversible=False)
    data = path.read_bytes()
    start = data.index(b"jp2h") - 4
    (size,) = struct.unpack_from(">I", data, start)
    header = data[start + 8 : start + size]
    place = header.index(b"colr") - 4
    (length,) = struct.unpack_from(">I", header, place)
    header = header[:place] + b"".join(box(b"colr", one) for one in colr) + header[place + length :]
    path.write_bytes(data[:start] + box(b"jp2h", header) + data[start + size :])
    return path


def bmp_5(path, pixels, kind, profile=b"", endpoints=(0,) * 9, gammas=(0, 0, 0)):
    """Write a BMP file with a header of version 5 (BITMAPV5HEADER)."""
    height, width, _ = pixels.shape
    rows = b"".join(row[:, ::-1].tobytes() + bytes(-3 * width % 4) for row in pixels[::-1])
    header = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 24, 0, len(rows), 2835, 2835, 0, 0)
    header += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0) + kind[::-1]
    header += struct.pack("<9i3I", *(round(e * 2**30) for e in endpoints), *(round(g * 2**16) for g in gammas))
    header += struct.pack("<4I", 4, 124 + len(rows), len(profile), 0)
    total = 14 + len(header) + len(rows) + len(profile)
    path.write_bytes(b"BM" + struct.pack("<IHHI", total, 0, 0, 14 + 124) + header + rows + profile)
    return path


def psd(path, pixels, profile):
    height, width, _ = pixels.shape
    resource = b"8BIM" + struct.pack(">HHI", 1039, 0, len(profile)) + profile + bytes(len(profile) % 2)
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3) + struct.pack(">II", 0, len(resource))
    path.write_bytes(head + resource + struct.pack(">IH", 0, 0) + np.moveaxis(pixels, -1, 0).tobytes())
    return path


def avif(path, pixels, primaries, transfer):
    """Write an AVIF file without loss and patch its code points."""
    saved(path, pixels, quality=100, subsampling="4:4:4")
    data = path.read_bytes()
    place = data.index(b"nclx") + 4
    path.write_bytes(data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :])
    return path


def exif_of_adobe_rgb():
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.ColorSpace: 65535, ExifTags.IFD.Interop: {1: "R03"}}
    return exif


def p3_tiff(path):
    numbers = [round(1e4 * number) for number in P3]
    pairs = tuple(n for number in numbers for n in (number, 10000))
    tifffile.imwrite(path, SOFT, photometric="rgb", extratags=[(319, 5, 6, pairs, True)])
    return path


def p3_profile():
    to_d50 = np.array([[1.0479, 0.0229, -0.0502], [0.0296, 0.9904, -0.0171], [-0.0092, 0.0151, 0.7519]])  # Bradford
    return rgb_profile("Display P3", tuple(map(tuple, (to_d50 @ to_xyz(P3)).T)), gamma=2.2)


FILES = {
    "PNG cICP": (lambda path: with_chunk(path, SOFT, png_chunk(b"cICP", bytes((12, 13, 0, 1)))), ".png", P3, decoded),
    "PNG gAMA": (
        lambda path: with_chunk(path, SOFT, png_chunk(b"gAMA", struct.pack(">I", 100000))),
        ".png",
        SRGB,
        lambda values: values,
    ),
    "PNG cHRM and gAMA": (
        lambda path: with_chunk(
            path,
            SOFT,
            png_chunk(b"gAMA", struct.pack(">I", 45455)),
            png_chunk(b"cHRM", struct.pack(">8I", 31270, 32900, *(round(1e5 * number) for number in P3))),
        ),
        ".png",
        P3,
        decoded,
    ),
    "JPEG 2000, profile": (
        lambda path: jpeg_2000(path, SOFT, b"\2\0\0" + p3_profile()),
        ".jp2",
        P3,
        lambda values: values**2.2,
    ),
    "BMP, profile": (lambda path: bmp_5(path, SOFT, b"MBED", p3_profile()), ".bmp", P3, lambda values: values**2.2),
    "BMP, primaries": (
        lambda path: bmp_5(path, SOFT, bytes(4), endpoints=to_xyz(P3).T.ravel(), gammas=(1.8, 1.8, 1.8)),
        ".bmp",
        P3,
        lambda values: values**1.8,
    ),
    "AVIF nclx": (lambda path: avif(path, SOFT, 12, 13), ".avif", P3, decoded),
    "TIFF primaries": (p3_tiff, ".tif", P3, decoded),
    "PSD, profile": (lambda path: psd(path, SOFT, p3_profile()), ".psd", P3, lambda values: values**2.2),
    "EXIF Adobe RGB": (
        lambda path: saved(path, SOFT, exif=exif_of_adobe_rgb()),
        ".png",
        ADOBE,
        lambda values: values ** (563 / 256),
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_space_is_converted_however_the_file_says_it(tmp_path, kind):
    write, suffix, xy, light = FILES[kind]
    photo = read_photo(write(tmp_path / f"a{suffix}"))
    stored = np.asarray(opened(tmp_path / f"a{suffix}").convert("RGB"))
    assert np.abs(converted(stored, xy, light) - stored).max() > 3
    np.testing.assert_allclose(photo.pixels, converted(stored, xy, light), atol=1.0)
    assert "converted from" in photo.remarks[0]
    assert b"sRGB" in photo.metadata.profile.replace(b"\0", b"")


@pytest.mark.parametrize(
    "kind", ["cICP", "sRGB", "gAMA", "sRGB before gAMA", "nclx", "unspecified nclx", "colr", "BMP"]
)
def test_space_that_is_srgb_changes_nothing_and_is_no_remark(tmp_path, kind):
    gamma, linear = (png_chunk(b"gAMA", struct.pack(">I", number)) for number in (45455, 100000))
    path = {
        "cICP": lambda: with_chunk(tmp_path / "a.png", SOFT, png_chunk(b"cICP", bytes((1, 13, 0, 1)))),
        "sRGB": lambda: with_chunk(tmp_path / "a.png", SOFT, png_chunk(b"sRGB", b"\0")),
        "gAMA": lambda: with_chunk(tmp_path / "a.png", SOFT, gamma),
        "sRGB before gAMA": lambda: with_chunk(tmp_path / "a.png", SOFT, png_chunk(b"sRGB", b"\0"), linear),
        "nclx": lambda: avif(tmp_path / "a.avif", SOFT, 1, 13),
        "unspecified nclx": lambda: avif(tmp_path / "a.avif", SOFT, 2, 2),
        "colr": lambda: jpeg_2000(tmp_path / "a.jp2", SOFT, b"\1\0\0" + struct.pack(">I", 16)),
        "BMP": lambda: bmp_5(tmp_path / "a.bmp", SOFT, b"sRGB"),
    }[kind]()
    photo = read_photo(path)
    np.testing.assert_array_equal(photo.pixels, np.asarray(opened(path)))
    assert photo.remarks == ()


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda folder: with_chunk(folder / "a.png", SOFT, png_chunk(b"cICP", bytes((9, 16, 0, 1)))), "PQ (HDR)"),
        (lambda folder: avif(folder / "a.avif", SOFT, 9, 18), "HLG (HDR)"),
        (lambda folder: jpeg_2000(folder / "a.jp2", SOFT, b"\1\0\0" + struct.pack(">I", 14)), "color space 14"),
        (lambda folder: bmp_5(folder / "a.bmp", SOFT, b"LINK"), "a profile in another file"),
    ],
)
def test_space_that_can_not_be_converted_is_said(tmp_path, write, said):
    photo = read_photo(write(tmp_path))
    (remark,) = photo.remarks
    assert remark.startswith("colors read as sRGB: the file says ")
    assert said in remark


def test_png_code_points_come_before_its_profile(tmp_path):
    profile = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(gray_profile(1.8)))
    path = with_chunk(tmp_path / "a.png", SOFT, profile, png_chunk(b"cICP", bytes((1, 13, 0, 1))))
    np.testing.assert_array_equal(read_photo(path).pixels, SOFT)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.6])
@pytest.mark.parametrize("kind", ["png", "tif"])
def test_16_bit_gray_is_converted_by_its_curve(tmp_path, gamma, kind):
    path = tmp_path / f"a.{kind}"
    if kind == "png":
        deep_png(path, DEEP_RAMP[..., np.newaxis], png_chunk(b"iCCP", b"x\0\0" + zlib.compress(gray_profile(gamma))))
    else:
        tifffile.imwrite(path, DEEP_RAMP, photometric="minisblack", iccprofile=gray_profile(gamma))
    photo = read_photo(path)
    stored = round(gamma * 256) / 256
    np.testing.assert_allclose(
        photo.pixels[0, :, 0], encoded((np.arange(65536) / 65535) ** stored) * 65535, atol=40, rtol=0
    )
    assert photo.remarks == ("colors converted from Gray to sRGB",)


def test_16_bit_color_is_converted_and_stays_where_asked(tmp_path):
    soft = (SOFT.astype(np.uint16) * 257) + RNG.integers(0, 257, SOFT.shape, dtype=np.uint16)
    profile = p3_profile()
    path = deep_png(tmp_path / "a.png", soft, png_chunk(b"iCCP", b"x\0\0" + zlib.compress(profile)))
    photo = read_photo(path)
    expected = converted(soft, P3, lambda values: values**2.2)
    np.testing.assert_allclose(photo.pixels, expected, atol=100)  # 0.4 of 255: gamma 2.2 is 563/256 in the profile
    assert photo.pixels.dtype == np.uint16
    kept = read_photo(path, keep_space=True)
    np.testing.assert_array_equal(kept.pixels, soft)
    assert kept.metadata.profile == profile
    assert kept.remarks == ("16-bit colors stay in Display P3",)
    later = read.in_srgb(kept)
    np.testing.assert_array_equal(later.pixels, photo.pixels)
    assert later.metadata == photo.metadata


def test_profile_of_srgb_does_not_depend_on_the_time(monkeypatch):
    made = srgb_profile.__wrapped__()
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    later = bytearray(own)
    later[24:36] = struct.pack(">6H", 2031, 12, 24, 10, 20, 30)
    monkeypatch.setattr(ImageCms.ImageCmsProfile, "tobytes", lambda self: bytes(later))
    assert srgb_profile.__wrapped__() == made
    assert made[:24] + made[36:] == own[:24] + own[36:]


def test_profiles_are_converted_to_srgb(tmp_path):
    profile = rgb_profile()
    photo = read_photo(saved(tmp_path / "a.png", COLOR, icc_profile=profile))
    expected = in_srgb(Image.fromarray(COLOR[:, :, :3]), profile, "RGB")
    assert np.abs(expected.astype(int) - COLOR[:, :, :3]).max() > 10
    np.testing.assert_allclose(photo.pixels, expected, atol=1)
    np.testing.assert_array_equal(photo.alpha, COLOR[:, :, 3])
    assert photo.remarks == ("colors converted from Adobe RGB (1998) to sRGB",)
    assert b"sRGB" in photo.metadata.profile.replace(b"\0", b"")


def test_exif_says_srgb_after_a_conversion_alone(tmp_path):
    exif = exif_of_adobe_rgb()
    path = saved(tmp_path / "a.jpg", COLOR[:, :, :3], exif=exif, icc_profile=rgb_profile())
    assert read_exif(read_photo(path)).get_ifd(ExifTags.IFD.Exif) == {ExifTags.Base.ColorSpace: 1}
    # Without a profile the camera's word counts.
    path = saved(tmp_path / "b.jpg", COLOR[:, :, :3], exif=exif)
    photo = read_photo(path)
    assert read_exif(photo).get_ifd(ExifTags.IFD.Exif) == {ExifTags.Base.ColorSpace: 1}
    assert photo.remarks == ("colors converted from Adobe RGB to sRGB",)
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.ColorSpace: 65535}  # not sRGB, and no word of what
    photo = read_photo(saved(tmp_path / "c.jpg", COLOR[:, :, :3], exif=exif))
    assert read_exif(photo).get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] == 65535
    assert photo.remarks == ()


def test_xmp_says_srgb_after_a_conversion(tmp_path):
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a exif:ColorSpace="65535" photoshop:ICCProfile="Adobe RGB (1998)"/></x>'
    )
    photo = read_photo(saved(tmp_path / "a.jpg", COLOR[:, :, :3], xmp=xmp, icc_profile=rgb_profile()))
    assert b'exif:ColorSpace="1" photoshop:ICCProfile="sRGB IEC61966-2.1"' in photo.metadata.xmp
    photo = read_photo(saved(tmp_path / "b.jpg", COLOR[:, :, :3], xmp=xmp))
    assert photo.metadata.xmp == xmp


def test_profile_that_is_srgb_is_no_remark(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = read_photo(saved(tmp_path / "a.png", COLOR[:, :, :3], icc_profile=profile))
    np.testing.assert_array_equal(photo.pixels, COLOR[:, :, :3])
    assert photo.remarks == ()
    assert photo.metadata.profile == profile


@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_gray_profiles_are_exact_in_the_dark_too(tmp_path, gamma):
    expected = encoded((RAMP / 255) ** (round(gamma * 256) / 256)) * 255
    photo = read_photo(saved(tmp_path / "a.png", RAMP, icc_profile=gray_profile(gamma, "Dot gain")))
    np.testing.assert_allclose(photo.pixels[:, :, 0], expected, atol=0.51)
    assert photo.remarks == ("colors converted from Dot gain to sRGB",)
    with_alpha = Image.fromarray(RAMP)
    with_alpha.putalpha(Image.fromarray(RAMP[:, ::-1]))
    photo = read_photo(saved(tmp_path / "b.png", with_alpha, icc_profile=gray_profile(gamma)))
    np.testing.assert_allclose(photo.pixels[:, :, 0], expected, atol=0.51)
    np.testing.assert_array_equal(photo.alpha, RAMP[:, ::-1])
    # A profile for color in a gray file: of three equal channels.
    photo = read_photo(saved(tmp_path / "c.png", RAMP, icc_profile=rgb_profile(gamma=gamma)))
    np.testing.assert_allclose(photo.pixels[:, :, 0], expected, atol=1)


def test_profiles_that_do_not_fit_are_ignored_and_said_so(tmp_path):
    for profile, why in ((b"nonsense" * 40, "nonsense"[:4]), (gray_profile(1.8), "it is for GRAY pictures")):
        photo = read_photo(saved(tmp_path / "a.png", COLOR[:, :, :3], icc_profile=profile))
        np.testing.assert_array_equal(photo.pixels, COLOR[:, :, :3])
        assert photo.remarks[0].startswith("color profile ignored: ")
        assert why in photo.remarks[0]
        assert photo.metadata.profile == b""
    broken = rgb_profile()[:200]
    photo = read_photo(saved(tmp_path / "a.png", COLOR[:, :, :3], icc_profile=broken))
    assert photo.remarks == ("color profile ignored: it is damaged",)


def test_ink_with_and_without_a_profile(tmp_path):
    ink = Image.frombytes("CMYK", (7, 5), COLOR.tobytes())
    photo = read_photo(saved(tmp_path / "a.tif", ink))
    np.testing.assert_allclose(photo.pixels, np.asarray(ink.convert("RGB")), atol=1)
    assert photo.remarks == ("CMYK converted to sRGB, roughly: it has no color profile that works",)
    photo = read_photo(saved(tmp_path / "b.tif", ink, icc_profile=cmyk_profile()))
    np.testing.assert_allclose(photo.pixels, in_srgb(ink, cmyk_profile(), "RGB"), atol=2)
    assert photo.remarks == ("CMYK converted to sRGB",)
    assert b"sRGB" in photo.metadata.profile.replace(b"\0", b"")
    photo = read_photo(saved(tmp_path / "c.jpg", ink, quality=95))
    np.testing.assert_allclose(photo.pixels, np.asarray(opened(tmp_path / "c.jpg").convert("RGB")), atol=1)
