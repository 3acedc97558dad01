"""TIFF files of every kind: the pixels that were written come back, whatever their type and place."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.color import rgb2lab
from support.files import assert_whole_or_one_line, saved

from colorjax.errors import UserError
from colorjax.pictures.read import read_photo

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (24, 20, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (24, 20, 5), dtype=np.uint16)
RGB, GRAY, INK = "rgb", "minisblack", "separated"


def written(path, pixels, **options):
    tifffile.imwrite(path, pixels, **options)
    return path


# Keyword arguments of `tifffile.imwrite` -> how the same pixels lie in the file.
LAYOUTS = {
    "strips": {"rowsperstrip": 5},
    "tiles": {"tile": (16, 16)},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
    "big-endian BigTIFF": {"bigtiff": True, "byteorder": ">"},
    "Deflate": {"compression": "zlib"},
    "Deflate with differences": {"compression": "zlib", "predictor": True},
    "LZW": {"compression": "lzw"},
    "LZW big-endian": {"compression": "lzw", "predictor": True, "byteorder": ">"},
    "packed bits": {"compression": "packbits"},
    "Zstandard": {"compression": "zstd"},
    "WebP": {"compression": "webp", "compressionargs": {"lossless": True}},
    "JPEG XL": {"compression": "jpegxl", "compressionargs": {"lossless": True}},
}


EIGHT_BITS = ("WebP", "jpeg", "webp")  # kinds of compression that have no more


@pytest.mark.parametrize(
    ("layout", "deep"),
    [(name, deep) for name in LAYOUTS for deep in (False, True) if not (deep and name in EIGHT_BITS)],
)
def test_tiff_layout_changes_no_pixel(tmp_path, layout, deep):
    pixels = (DEEP if deep else COLOR)[:, :, :3]
    photo = read_photo(written(tmp_path / "a.tif", pixels, photometric=RGB, **LAYOUTS[layout]))
    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.remarks == ()
    if layout != "WebP":
        gray = read_photo(written(tmp_path / "b.tif", pixels[:, :, 0], photometric=GRAY, **LAYOUTS[layout]))
        np.testing.assert_array_equal(gray.pixels, pixels[:, :, :1])


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("pixels", [COLOR[:, :, :3], DEEP[:, :, :3]], ids=["8", "16"])
def test_tiff_in_planes_is_as_interleaved(tmp_path, pixels, compression):
    planes = np.moveaxis(pixels, -1, 0)
    path = written(tmp_path / "a.tif", planes, photometric=RGB, planarconfig="separate", compression=compression)
    np.testing.assert_array_equal(read_photo(path).pixels, pixels)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("pixels", [COLOR, DEEP[:, :, :4]], ids=["8", "16"])
def test_tiff_of_ink_is_what_the_inks_leave(tmp_path, pixels, compression):
    largest = float(np.iinfo(pixels.dtype).max)
    light = (largest - pixels[:, :, :3].astype(float)) * (largest - pixels[:, :, 3:]) / largest
    for planarconfig, stored in (("contig", pixels), ("separate", np.moveaxis(pixels, -1, 0))):
        path = written(tmp_path / "a.tif", stored, photometric=INK, planarconfig=planarconfig, compression=compression)
        photo = read_photo(path)
        np.testing.assert_allclose(photo.pixels, light, atol=1)
        assert photo.pixels.dtype == pixels.dtype


@pytest.mark.parametrize(
    ("photometric", "channels", "extra", "alpha"),
    [
        (GRAY, 1, ["unassalpha"], 0),
        (GRAY, 1, ["unspecified"], None),
        (RGB, 3, ["unassalpha"], 0),
        (RGB, 3, ["unspecified"], None),
        (RGB, 3, ["unspecified", "unassalpha"], 1),
        (RGB, 3, ["unspecified", "unspecified"], None),
        (INK, 4, ["unassalpha"], 0),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_channels_besides_color_are_alpha_or_left_out(tmp_path, photometric, channels, extra, alpha, dtype):
    pixels = np.dstack([DEEP, DEEP[::-1]])[:, :, : channels + len(extra)].astype(dtype)
    photo = read_photo(written(tmp_path / "a.tif", pixels, photometric=photometric, extrasamples=extra))
    if photometric != INK:
        np.testing.assert_array_equal(photo.pixels, pixels[:, :, :channels])
    assert photo.pixels.dtype == dtype
    if alpha is None:
        assert photo.alpha is None
        assert f"{len(extra)} further channel" in photo.remarks[0]
    else:
        np.testing.assert_array_equal(photo.alpha, pixels[:, :, channels + alpha])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_tiff_alpha_that_is_multiplied_in_is_taken_out(tmp_path, channels, dtype):
    largest = np.iinfo(dtype).max
    color = DEEP[:, :, :channels].astype(dtype)
    alpha = np.maximum(DEEP[:, :, 3:4].astype(dtype), largest // 3)
    multiplied = np.rint(color * (alpha / largest)).astype(dtype)
    photometric = GRAY if channels == 1 else RGB
    path = written(
        tmp_path / "a.tif", np.dstack([multiplied, alpha]), photometric=photometric, extrasamples=["assocalpha"]
    )
    photo = read_photo(path)
    assert np.abs(photo.pixels.astype(int) - color).max() <= 2  # rounding, enlarged threefold
    np.testing.assert_array_equal(photo.alpha, alpha[:, :, 0])


def bits_of(values, bits):
    """Pack values as numbers of so many bits, each row from a whole byte on."""
    rows = [np.unpackbits(row.astype(">u2").view(np.uint8)).reshape(-1, 16)[:, 16 - bits :].ravel() for row in values]
    return b"".join(np.packbits(row).tobytes() for row in rows)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("white", [0, 1], ids=["white is 0", "black is 0"])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14, 16])
def test_tiff_gray_of_any_depth_reaches_from_black_to_white(tmp_path, bits, white, order):
    values = RNG.integers(0, 2**bits, (6, 11), dtype=np.uint16)
    values[0, :2] = 0, 2**bits - 1
    data = bits_of(values, bits)
    if bits == 16:
        data = values.astype(order + "u2").tobytes()
    path = tmp_path / "a.tif"
    tags = {256: 11, 257: 6, 258: bits, 259: 1, 262: white, 277: 1, 278: 6, 279: len(data)}
    start = 8 + 2 + 12 * (len(tags) + 1) + 4
    entries = sorted((tags | {273: start}).items())
    directory = struct.pack(f"{order}H", len(entries)) + b"".join(
        struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in entries
    )
    magic = b"II*\0" if order == "<" else b"MM\0*"
    path.write_bytes(magic + struct.pack(f"{order}I", 8) + directory + bytes(4) + data)
    photo = read_photo(path)
    largest = 255 if bits <= 8 else 65535
    expected = np.rint(values * (largest / (2**bits - 1)))
    np.testing.assert_array_equal(photo.pixels[:, :, 0], expected if white else largest - expected)


def test_tiff_with_12_bits_in_16_is_scaled_where_a_tag_says_so(tmp_path):
    values = RNG.integers(0, 4096, (6, 11), dtype=np.uint16)
    values[0, 0] = 4095
    photo = read_photo(written(tmp_path / "a.tif", values, photometric=GRAY, extratags=[(281, 3, 1, 4095, True)]))
    np.testing.assert_array_equal(photo.pixels[:, :, 0], np.rint(values * (65535 / 4095)))
    assert photo.remarks == ("12 bits scaled to 16, as MaxSampleValue says",)
    # The largest value that the picture has, as others mean it, is not white.
    for stated in (3000, 2047):
        photo = read_photo(written(tmp_path / "b.tif", values, photometric=GRAY, extratags=[(281, 3, 1, stated, True)]))
        np.testing.assert_array_equal(photo.pixels[:, :, 0], values)


def test_tiff_of_numbers_with_a_sign_or_a_point(tmp_path):
    values = RNG.integers(0, 32768, (6, 11), dtype=np.int16)
    photo = read_photo(written(tmp_path / "a.tif", values, photometric=GRAY))
    np.testing.assert_array_equal(photo.pixels[:, :, 0], np.rint(values * (65535 / 32767)))
    assert photo.remarks == ("signed, 0 to 32767, scaled to the full range",)
    for dtype in (np.float16, np.float32, np.float64):
        real = RNG.uniform(size=(6, 11, 3)).astype(dtype)
        photo = read_photo(written(tmp_path / "b.tif", real, photometric=RGB))
        np.testing.assert_array_equal(photo.pixels, np.rint(real.astype(np.float64) * 65535))
    for pixels, line in [
        (-values, "signed pixels below 0"),
        (real * 300, "floating point pixels from .* to .*, whose white the file doesn't tell"),
        (real * np.nan, "floating point pixels from nan"),
        (values.astype(np.int32), "32-bit pixels"),
        (values.astype(np.complex64), "complex numbers"),
    ]:
        with pytest.raises(UserError, match=rf"c\.tif: {line}"):
            read_photo(written(tmp_path / "c.tif", pixels, photometric=GRAY if pixels.ndim == 2 else RGB))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_of_lab_is_converted(tmp_path, dtype):
    colors = RNG.integers(60, 200, (6, 8, 3), dtype=np.uint8)
    d65 = rgb2lab(colors)
    # Lab of D50, as TIFF has it, by Little CMS's own transform from sRGB.
    lab = imagecodecs.cms_transform(
        (colors / 255).astype(np.float32),
        imagecodecs.cms_profile("srgb"),
        imagecodecs.cms_profile("lab4"),
        colorspace="rgb",
        outcolorspace="lab",
        outdtype=np.float32,
        flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE,
    )
    assert np.abs(lab[..., 0] - d65[..., 0]).max() < 1.5
    bits = 8 * np.dtype(dtype).itemsize
    signed = np.rint(lab[..., 1:] * 2 ** (bits - 8)).astype(int)
    lightness = np.rint(lab[..., :1] / 100 * (2**bits - 1)).astype(int)
    for photometric, stored in (
        ("cielab", np.concatenate([lightness, signed % 2**bits], -1)),
        ("icclab", np.concatenate([lightness, signed + 2 ** (bits - 1)], -1)),
    ):
        photo = read_photo(written(tmp_path / "a.tif", stored.astype(dtype), photometric=photometric))
        tolerance = 4 * 257 if bits == 16 else 4  # a step of a or b at 8 bits
        factor = 257 if bits == 16 else 1
        np.testing.assert_allclose(photo.pixels, colors.astype(int) * factor, atol=tolerance if bits == 8 else 100)
        assert photo.remarks == ("Lab converted to sRGB",)


def test_tiff_with_a_reduced_picture_first_gives_the_full_one(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(COLOR[::4, ::4, :3], photometric=RGB, subfiletype=1)
        tiff.write(COLOR[:, :, :3], photometric=RGB)
    photo = read_photo(path)
    np.testing.assert_array_equal(photo.pixels, COLOR[:, :, :3])
    assert photo.remarks == ("full picture taken, not the reduced one before it",)
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(COLOR[::4, ::4, :3], photometric=RGB, subfiletype=1, subifds=1)
        tiff.write(COLOR[:, :, :3], photometric=RGB)
    np.testing.assert_array_equal(read_photo(path).pixels, COLOR[:, :, :3])
    with tifffile.TiffWriter(path) as tiff:
        for page in (COLOR[:, :, :3], COLOR[::-1, :, :3], COLOR[:, ::-1, :3]):
            tiff.write(page, photometric=RGB)
    photo = read_photo(path)
    np.testing.assert_array_equal(photo.pixels, COLOR[:, :, :3])
    assert photo.remarks == ("first of 3 pages",)


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (Image.fromarray(COLOR[:, :, :3]), {"compression": "jpeg", "quality": 95}),
        (Image.fromarray(COLOR[:, :, 0]), {"compression": "jpeg"}),
        (Image.fromarray(COLOR[:, :, 0] > 99), {"compression": "group4"}),
        (Image.fromarray(COLOR[:, :, 0] > 99), {"compression": "group3"}),
        (Image.fromarray(COLOR[:, :, 0] > 99), {"compression": "tiff_ccitt"}),
        (Image.fromarray(COLOR[:, :, :3]).convert("YCbCr"), {}),
        (Image.fromarray(COLOR[:, :, :3]).quantize(17), {}),
        (Image.fromarray(COLOR[:, :, 0]), {"compression": "lzma"}),
    ],
)
def test_tiff_that_pillow_writes_is_read_as_pillow_reads_it(tmp_path, image, options, capfd):
    path = saved(tmp_path / "a.tif", image, **options)
    expected = np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"))
    photo = read_photo(path)
    np.testing.assert_allclose(np.broadcast_to(photo.pixels, expected.shape), expected, atol=2)  # two libraries' JPEG
    assert capfd.readouterr() == ("", "")


def test_tiff_without_pillow_keeps_its_metadata(tmp_path):
    path = written(
        tmp_path / "a.tif",
        COLOR[:, :, :3],
        photometric=RGB,
        bigtiff=True,
        byteorder=">",
        description="a bridge",
        datetime="1901:02:03 04:05:06",
        resolution=(300, 300),
        resolutionunit="inch",
        metadata=None,
    )
    metadata = read_photo(path).metadata
    exif = Image.Exif()
    exif.load(metadata.exif)
    assert (exif[270], exif[306]) == ("a bridge", "1901:02:03 04:05:06")
    assert metadata.resolution == (300, 300)


COMPRESSIONS = (None, "zlib", "lzw", "packbits", "jpeg", "webp")


@pytest.mark.parametrize(
    ("compression", "deep"),
    [(name, deep) for name in COMPRESSIONS for deep in (False, True) if not (deep and name in EIGHT_BITS)],
)
def test_tiff_cut_anywhere_is_one_line_or_whole(tmp_path, compression, deep, capfd):
    pixels = (DEEP if deep else COLOR)[:, :, :3]
    path = written(tmp_path / "a.tif", pixels, photometric=RGB, compression=compression, rowsperstrip=8)
    whole, data = read_photo(path).pixels, path.read_bytes()
    for length in np.linspace(1, len(data) - 1, 40).astype(int):
        path.write_bytes(data[:length])
        assert_whole_or_one_line(path, whole)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("photometric", "line"),
    [
        (32803, "the raw pixels of a camera"),
        (32845, "LogLuv pixels"),
        (4, "a transparency mask"),
        (51177, "a depth map"),
    ],
)
def test_tiff_that_is_no_photograph_is_named(tmp_path, photometric, line):
    pixels, kind = (DEEP[:, :, :3], RGB) if photometric == 32845 else (DEEP[:, :, 0], GRAY)
    path = written(tmp_path / "a.tif", pixels, photometric=kind)
    data = bytearray(path.read_bytes())
    place = data.index(struct.pack("<HHI", 262, 3, 1))
    struct.pack_into("<H", data, place + 8, photometric)
    path.write_bytes(data)
    with pytest.raises(UserError, match=rf"a\.tif: {line}"):
        read_photo(path)


def test_tiff_of_too_many_channels_is_refused_before_it_fills_the_memory(tmp_path):
    path = written(tmp_path / "a.tif", np.zeros((2, 3, 33), np.uint8), photometric=GRAY, planarconfig="contig")
    with pytest.raises(UserError, match=r"a\.tif: 33 channels, not a picture"):
        read_photo(path)


def test_tiff_of_lab_may_be_high_and_has_8_or_16_bits(tmp_path):
    high = RNG.integers(0, 100, (30_000, 4, 3), dtype=np.uint8)  # a transform for each row would take a minute
    path = written(tmp_path / "a.tif", high, photometric="cielab")
    photo = read_photo(path)
    low = read_photo(written(tmp_path / "b.tif", high[-50:], photometric="cielab"))
    np.testing.assert_array_equal(photo.pixels[-50:], low.pixels)
    with pytest.raises(UserError, match=r"c\.tif: Lab pixels of 32 bits"):
        read_photo(written(tmp_path / "c.tif", high[:5].astype(np.float32), photometric="cielab"))


def test_tiff_without_one_number_for_its_size_is_one_line(tmp_path, capfd):
    path = written(tmp_path / "a.tif", COLOR[:, :, :3], photometric=RGB)
    data = path.read_bytes()
    for tag, field in ((256, struct.pack("<HHI", 256, 4, 208)), (256, struct.pack("<HHII", 256, 4, 1, 0))):
        place = data.index(struct.pack("<HHI", tag, 4, 1)) if struct.pack("<HHI", tag, 4, 1) in data else None
        place = data.index(struct.pack("<HH", tag, 3)) if place is None else place
        path.write_bytes(data[:place] + field + data[place + len(field) :])
        with pytest.raises(UserError, match=r"a\.tif: can't be decoded: the TIFF file is damaged"):
            read_photo(path)
    assert capfd.readouterr() == ("", "")


def test_tiff_of_bits_that_are_unknown_is_one_line(tmp_path):
    path = written(tmp_path / "a.tif", COLOR[:, :, :3], photometric=RGB)
    data = bytearray(path.read_bytes())
    place = data.index(struct.pack("<HHI", 258, 3, 3))
    (offset,) = struct.unpack_from("<I", data, place + 8)
    struct.pack_into("<3H", data, offset, 136, 8, 8)
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"^.*a\.tif: .*(bits a channel|can't be decoded)"):
        read_photo(path)
