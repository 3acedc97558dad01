"""Paint on copies of photographs that were saved in any way, against the strokes that were painted."""

import io

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image
from skimage.color import rgb2lab

from colorjax import restoration
from colorjax.errors import UserError

LOSSY = {
    "JPEG 95": {"format": "JPEG", "quality": 95},
    "JPEG 75": {"format": "JPEG", "quality": 75},
    "JPEG 95, full chroma": {"format": "JPEG", "quality": 95, "subsampling": 0},
    "WebP 80": {"format": "WEBP", "quality": 80},
}


def photograph(name, side=160):
    image = getattr(skimage.data, name)()
    scale = side / max(image.shape[:2])
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def gray_of(image):
    return np.asarray(Image.fromarray(image).convert("L"))[..., np.newaxis]


def strokes(truth, width=5, count=8):
    """Return where strokes lie, and an image with each in one vivid color of its own."""
    random, mask = np.random.default_rng(0), np.zeros(truth.shape[:2], np.int32)
    for number in range(count):
        start = random.integers((20, 20), (mask.shape[1] - 20, mask.shape[0] - 20))
        end = start + random.integers(-18, 18, 2)
        cv2.line(mask, start.tolist(), end.tolist(), number + 1, width)
    hues = np.linspace(0, 179, count, endpoint=False).astype(np.uint8)
    palette = cv2.cvtColor(
        np.dstack([hues, np.full(count, 200), np.full(count, 180)]).astype(np.uint8), cv2.COLOR_HSV2RGB
    )
    return mask > 0, palette[0][np.maximum(mask - 1, 0)]


def through(image, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, **options)
    with Image.open(file) as saved:
        return np.asarray(saved.convert("RGB"))


def painted_copy(picture, mask, colors):
    return np.where(mask[..., np.newaxis], colors, np.broadcast_to(picture, colors.shape))


def mean_chroma(image):
    return np.hypot(*np.moveaxis(rgb2lab(image)[..., 1:], -1, 0)).mean()


@pytest.mark.parametrize("toned", [False, True], ids=["gray", "toned"])
@pytest.mark.parametrize("name", ["coffee", "chelsea"])
@pytest.mark.parametrize("kind", [*LOSSY, "another tone curve"])
def test_paint_is_found_on_a_copy_that_changed_everywhere(name, kind, toned):
    truth = photograph(name)
    picture = gray_of(truth)
    if toned:
        picture = np.rint(picture * [1.0, 0.93, 0.8]).astype(np.uint8)
    mask, colors = strokes(truth)
    copy = painted_copy(picture, mask, colors)
    # The other is as a program leaves it that works in another gray space.
    copy = through(copy, **LOSSY[kind]) if kind in LOSSY else np.rint(255 * (copy / 255) ** 1.1).astype(np.uint8)
    found = restoration.find_hints(picture, copy).mask
    # Enough of each stroke, and nothing that compression has spread from them.
    for color in np.unique(colors[mask], axis=0):
        assert found[mask & (colors == color).all(axis=-1)].any()
    assert found[mask].mean() > 0.2
    around = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) > 0
    assert (found & ~around).sum() < 0.05 * found.sum()


def test_paint_on_an_exact_copy_is_all_that_differs_even_gray_and_on_toned_pictures():
    truth = photograph("chelsea")
    for tone in ([1.0, 1.0, 1.0], [1.0, 0.93, 0.8]):
        picture = np.rint(gray_of(truth) * tone).astype(np.uint8)
        mask, colors = strokes(truth)
        colors[:, :80] = 128  # gray paint
        found = restoration.find_hints(picture, painted_copy(picture, mask, colors))
        differs = (painted_copy(picture, mask, colors) != picture).any(axis=-1)
        assert found.mask[differs].mean() > 0.99
        assert not found.mask[~differs].any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_paint_on_a_layer_is_what_is_not_transparent(dtype):
    truth = photograph("coffee")
    picture = gray_of(truth).astype(dtype) * (257 if dtype == np.uint16 else 1)
    mask, colors = strokes(truth)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0)  # the edges of a brush
    layer = np.dstack([np.where(soft[..., np.newaxis] > 0, colors, 0), np.rint(255 * soft)]).astype(np.uint8)
    found = restoration.find_hints(picture, layer)
    np.testing.assert_array_equal(found.mask, layer[..., 3] >= 128)
    np.testing.assert_allclose(found.colors[mask], colors[mask] / 255, atol=1e-6)
    # A copy with an alpha channel that is opaque everywhere is a copy as any other.
    copy = np.dstack([painted_copy(gray_of(truth), mask, colors), np.full(mask.shape, 255)]).astype(np.uint8)
    np.testing.assert_array_equal(restoration.find_hints(gray_of(truth), copy).mask, mask)


def test_paint_on_a_jpeg_that_is_saved_again_has_no_halo():
    """Its blocks without paint stay as they were, so that most of the copy is exact."""
    options = {"format": "JPEG", "quality": 90}
    picture = through(gray_of(photograph("chelsea"))[..., 0], **options)
    mask, colors = strokes(picture)
    copy = through(painted_copy(picture, mask, colors), **options)
    assert (copy == picture).all(axis=-1).mean() > 0.5
    found = restoration.find_hints(picture, copy).mask
    around = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) > 0
    assert found[mask].mean() > 0.2
    assert (found & ~around).sum() < 0.05 * found.sum()


def test_paint_on_a_faint_layer_is_found():
    picture = gray_of(photograph("chelsea"))
    mask, colors = strokes(picture)
    layer = np.dstack([colors, 80 * mask]).astype(np.uint8)
    np.testing.assert_array_equal(restoration.find_hints(picture, layer).mask, mask)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["JPEG 75", "layer", "16 bits"])
def test_colors_from_any_copy_are_nearly_those_from_the_exact_one(kind):
    truth = photograph("coffee", side=96)
    picture = gray_of(truth)
    mask, colors = strokes(truth)
    copy = painted_copy(picture, mask, colors)
    expected = restoration.colorize(picture, method="scribble", hints=copy)
    if kind == "layer":
        copy = np.dstack([colors * mask[..., np.newaxis], 255 * mask]).astype(np.uint8)
    elif kind == "16 bits":
        picture = picture.astype(np.uint16) * np.uint16(257)
    else:
        copy = through(copy, **LOSSY[kind])
    result = restoration.colorize(picture, method="scribble", hints=copy)
    if kind == "16 bits":
        result = np.rint(result / 257).astype(np.uint8)
    assert 0.8 < mean_chroma(result) / mean_chroma(expected) < 1.25
    assert mean_chroma(expected) > 10


def test_paint_that_is_missing_too_much_or_of_another_size_is_one_line():
    truth = photograph("coffee")
    picture = gray_of(truth)
    with pytest.raises(UserError, match="^the hints are the picture itself: nothing is painted over it$"):
        restoration.find_hints(picture, picture)
    with pytest.raises(UserError, match="nothing is painted"):  # a gray copy after JPEG is no paint either
        restoration.find_hints(picture, through(picture[..., 0], format="JPEG", quality=75))
    with pytest.raises(UserError, match=r"^\d+% of the pixels of the hints are painted, more than half; paint strokes"):
        restoration.find_hints(picture, truth[:, ::-1] // 2 + np.uint8([100, 0, 60]))
    with pytest.raises(UserError, match="they must be alike"):
        restoration.find_hints(picture, np.zeros((4, 5, 4), np.uint8))
