"""References found among photographs: descriptors, the index of a folder and its cache, search, joined colors."""

import dataclasses
import json
import os
import shutil
from typing import ClassVar

import cv2
import numpy as np
import pytest
from PIL import Image

from colorjax.color.spaces import rgb2lab
from colorjax.errors import UserError
from colorjax.methods.by_example.method import ByExample, Transfer
from colorjax.methods.method import Observation
from colorjax.methods.retrieval import folder as folder_index
from colorjax.methods.retrieval import method as retrieved
from colorjax.methods.retrieval.combine import join, weighted_median
from colorjax.methods.retrieval.descriptor import BLOCKS, GRID, LENGTH, ORIENTATIONS, cells, describe
from colorjax.methods.retrieval.folder import index_folder
from colorjax.methods.retrieval.index import LEAST_SPREAD, color_spread, index_photographs, lab_at_working_size
from colorjax.methods.retrieval.method import Retrieved, build_transfer, colors_from_references
from colorjax.methods.retrieval.search import Search, cell_distances
from colorjax.pictures.images import Photograph, content_hash
from colorjax.runtime.cache import cache_directory
from colorjax.runtime.pixelwise import map_pixels


def scene(number, height=48, width=64):
    """A photograph of soft spots of random colors."""
    spots = np.random.default_rng(number).uniform(0, 255, (6, 8, 3)).astype(np.float32)
    return np.rint(cv2.resize(spots, (width, height), interpolation=cv2.INTER_LINEAR)).astype(np.uint8)


def lightness_of(picture):
    return map_pixels(rgb2lab, picture.astype(np.float32) / np.float32(255))[..., 0]


def photographs(numbers):
    return [Photograph(f"{number}.png", scene(number)) for number in numbers]


@pytest.fixture
def album(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "album"
    (folder / "more").mkdir(parents=True)
    for number in range(6):
        Image.fromarray(scene(number)).save(folder / ("more" if number % 2 else ".") / f"{number}.png")
    return folder


@pytest.fixture
def described(monkeypatch):
    """Names of the files that are read for the index."""
    names = []
    read = folder_index.read_picture

    def reading(path):
        names.append(path.name)
        return read(path)

    monkeypatch.setattr(folder_index, "read_picture", reading)
    return names


@dataclasses.dataclass
class MeanOfReference(ByExample):
    """Gives every pixel the mean color of the reference; refuses dark references."""

    name: ClassVar[str] = "stub"
    darkest: float = 0.0

    def transfer(self, lightness, example, regions=None):
        if example[..., 0].mean() < self.darkest:
            raise UserError("too dark")
        ab = np.broadcast_to(example[..., 1:].mean(axis=(0, 1)), (*lightness.shape, 2))
        return Transfer(ab, np.full(lightness.shape, 0.5, np.float32))


# Descriptors


@pytest.mark.parametrize("shape", [(48, 64), (64, 48), (1, 1), (1, 300), (7, 3)])
def test_images_of_any_size_are_described(shape):
    found = describe(np.random.default_rng(0).uniform(0, 100, shape).astype(np.float32))
    assert found.shape == (LENGTH,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_a_descriptor_does_not_depend_on_size_and_hardly_on_exposure():
    lightness = lightness_of(scene(0, 96, 128))
    found = describe(lightness)
    smaller = describe(lightness_of(scene(0, 60, 80)))
    darker = describe(lightness * np.float32(0.8))
    other = describe(lightness_of(scene(1, 96, 128)))
    for block in ("gabor", "gradients", "thumbnail"):
        place = BLOCKS[block]
        distances = [np.linalg.norm(found[place] - one[place]) for one in (smaller, darker, other)]
        assert max(distances[:2]) < 0.3 * distances[2], block


def test_thumbnails_have_no_mean_and_norm_one_and_a_plain_image_has_none():
    found = describe(lightness_of(scene(0)))[BLOCKS["thumbnail"]]
    assert abs(found.mean()) < 1e-6
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    plain = describe(np.full((40, 40), 50, np.float32))
    np.testing.assert_array_equal(plain[BLOCKS["thumbnail"]], 0)
    np.testing.assert_allclose(cells(plain[np.newaxis], "tones").sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize("number", range(ORIENTATIONS))
def test_stripes_are_found_by_the_filters_and_gradients_of_their_orientation(number):
    y, x = np.mgrid[:128, :128]
    angle = np.pi * number / ORIENTATIONS
    stripes = 50 + 40 * np.sin(2 * np.pi * 0.15 * (x * np.cos(angle) + y * np.sin(angle)))
    found = describe(stripes.astype(np.float32))[np.newaxis]
    energies = cells(found, "gabor").reshape(GRID, GRID, -1, ORIENTATIONS)
    assert (energies[:, :, 1].argmax(axis=-1) == number).all()  # 0.15 cycles a pixel are those of the second scale
    assert (cells(found, "gradients").argmax(axis=-1) == number).all()


# The index


def test_gray_sepia_and_toned_photographs_are_no_references():
    gray = np.repeat(scene(0)[..., :1], 3, axis=-1)
    level = gray / 255.0
    sepia = np.rint(255 * level ** np.array([0.8, 1.0, 1.4])).astype(np.uint8)
    for toned in (gray, sepia):
        assert color_spread(lab_at_working_size(toned)) < LEAST_SPREAD < color_spread(lab_at_working_size(scene(0)))
    index = index_photographs([*photographs([0]), Photograph("gray", gray), Photograph("sepia", sepia)])
    assert index.names == ("0.png",)
    assert index.remarks == ("2 photographs left out: gray, or of one tone, so no reference for colors",)
    with pytest.raises(UserError, match="no photograph with colors that could be a reference .1 photograph left out"):
        index_photographs([Photograph("gray", gray)])


def test_of_equal_photographs_the_index_has_one():
    index = index_photographs([Photograph("b", scene(0)), Photograph("a", scene(0)), Photograph("c", scene(1))])
    assert sorted(index.names) == ["a", "c"]
    for number, content in enumerate(index.hashes):
        assert content_hash(index.read(number)) == content


def test_large_photographs_are_reduced_and_small_ones_stay():
    assert lab_at_working_size(scene(0, 300, 600)).shape == (128, 256, 3)
    np.testing.assert_array_equal(lab_at_working_size(scene(0))[..., 0], lightness_of(scene(0)))
    assert lab_at_working_size(scene(0, 1, 2000)).shape == (1, 256, 3)


def test_an_index_of_a_folder_reads_only_what_is_new(album, described):
    first = index_folder(album)
    assert sorted(described) == [f"{number}.png" for number in range(6)]
    assert sorted(first.names) == sorted(str(path) for path in album.rglob("*.png"))
    described.clear()
    again = index_folder(album)
    assert not described
    assert (again.names, again.hashes) == (first.names, first.hashes)
    np.testing.assert_array_equal(again.descriptors, first.descriptors)

    Image.fromarray(scene(10)).save(album / "10.png")  # added
    Image.fromarray(scene(11)).save(album / "0.png")  # changed
    os.utime(album / "2.png", ns=(0, 0))  # touched
    (album / "more" / "1.png").unlink()  # removed
    changed = index_folder(album)
    assert sorted(described) == ["0.png", "10.png", "2.png"]
    assert {content_hash(scene(number)) for number in (2, 3, 4, 5, 10, 11)} == set(changed.hashes)
    np.testing.assert_array_equal(
        changed.read(changed.names.index(str(album / "more" / "3.png"))),
        scene(3),
    )
    (kept,) = (cache_directory() / "references").iterdir()
    assert "1.png" not in json.dumps(sorted(folder_index._load(kept)))


def test_what_was_read_before_an_interruption_is_kept(album, described, monkeypatch):
    read = folder_index.read_picture

    def stopping(path):
        if len(described) == 3:
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(folder_index, "read_picture", stopping)
    with pytest.raises(KeyboardInterrupt):
        index_folder(album)
    described.clear()
    monkeypatch.setattr(folder_index, "read_picture", read)
    index_folder(album)
    assert len(described) == 3


@pytest.mark.parametrize("damage", ["cut", "other version", "other length"])
def test_a_damaged_or_older_cache_is_made_anew(album, described, damage, monkeypatch):
    first = index_folder(album)
    (kept,) = (cache_directory() / "references").iterdir()
    if damage == "cut":
        kept.write_bytes(kept.read_bytes()[:100])
    elif damage == "other version":
        monkeypatch.setattr(folder_index, "VERSION", "0")
    else:
        monkeypatch.setattr(folder_index, "LENGTH", LENGTH + 1)
        assert folder_index._load(kept) == {}
        monkeypatch.undo()
        return
    described.clear()
    assert index_folder(album).hashes == first.hashes
    assert len(described) == 6


def test_unreadable_files_are_named_and_the_rest_is_used(album):
    (album / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (album / "empty.png").touch()
    (album / "scan.heic").write_bytes(b"....ftypheic")
    index = index_folder(album)
    assert len(index.names) == 6
    lines = "\n".join(index.remarks)
    assert f"left out: {album / 'broken.jpg'}: " in lines
    assert f"left out: {album / 'empty.png'}: the file is empty" in lines
    assert "1 .heic" in lines
    assert len(index.remarks) == 3
    assert len(index_folder(album).remarks) == 3


def test_photographs_are_turned_upright(album):
    turned = Image.fromarray(scene(20))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(album / "turned.png", exif=exif)
    index = index_folder(album)
    number = index.names.index(str(album / "turned.png"))
    np.testing.assert_array_equal(index.read(number), np.rot90(scene(20), -1))
    found = Search(index).nearest(lightness_of(np.rot90(scene(20), -1)), 1, keep_copies=True)
    assert found.found[0].name.endswith("turned.png")


def test_folders_without_references_are_refused(tmp_path, album):
    with pytest.raises(UserError, match="nowhere: no such file or folder"):
        index_folder(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"0\.png: not a folder; name a folder of color photographs"):
        index_folder(album / "0.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty: no pictures in this folder"):
        index_folder(tmp_path / "empty")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").touch()
    with pytest.raises(UserError, match=r"broken: no photograph with colors .* the file is empty"):
        index_folder(tmp_path / "broken")


# The search


def test_the_own_gray_ranks_first_unless_copies_are_left_out():
    index = index_photographs(photographs(range(30)))
    search = Search(index)
    for number in (3, 17):
        found = search.nearest(lightness_of(scene(number)), 5, keep_copies=True)
        assert found.found[0].name == f"{number}.png"
        assert found.found[0].distance < 1e-5
        assert found.chance == 0
        assert found.copies == ()
        others = search.nearest(lightness_of(scene(number)), 5)
        assert others.copies == (f"{number}.png",)
        assert f"{number}.png" not in [match.name for match in others.found]
        assert len(others.found) == 5


def test_copies_of_other_size_and_exposure_are_left_out_and_those_of_a_hash():
    search = Search(index_photographs(photographs(range(5))))
    brighter = np.clip(10 + 0.9 * lightness_of(scene(2, 30, 40)), 0, 100).astype(np.float32)
    assert search.nearest(brighter, 5).copies == ("2.png",)
    plain = np.full((20, 20), 50, np.float32)
    assert search.nearest(plain, 5).copies == ()
    assert search.nearest(plain, 5, content=content_hash(scene(1))).copies == ("1.png",)


@pytest.mark.parametrize("count", [1, 2, 25, 100])
def test_as_many_references_as_wanted_or_as_there_are(count):
    search = Search(index_photographs(photographs(range(30))))
    found = search.nearest(lightness_of(scene(50)), count).found
    assert len(found) == min(count, 30)
    distances = [match.distance for match in found]
    assert distances == sorted(distances)
    assert len({match.number for match in found}) == len(found)


def test_what_is_found_does_not_depend_on_the_order_of_the_files():
    shuffled = np.random.default_rng(0).permutation(30)
    results = [
        Search(index_photographs(photographs(order))).nearest(lightness_of(scene(50)), 10)
        for order in (range(30), shuffled.tolist())
    ]
    assert results[0] == results[1]


def test_similar_photographs_are_found_and_unlike_ones_are_as_far_as_by_chance():
    index = index_photographs(photographs(range(30)))
    search = Search(index)
    noise = np.random.default_rng(1).normal(0, 40, (6, 8, 3)).astype(np.float32)
    similar = np.clip(scene(7) + cv2.resize(noise, (64, 48)), 0, 255).astype(np.uint8)
    found = search.nearest(lightness_of(similar), 3)
    assert found.found[0].name == "7.png"
    assert found.chance < 0.05
    assert not found.are_poor
    checks = np.where(np.indices((48, 64)).sum(axis=0) % 2, 100, 0).astype(np.float32)
    assert search.nearest(checks, 3).chance > 0.9
    assert search.nearest(checks, 3).are_poor


def test_distances_are_zero_to_oneself_and_grow_with_displacement():
    own = describe(lightness_of(scene(0)))[np.newaxis]
    moved = [describe(np.roll(lightness_of(scene(0)), step, axis=1)) for step in (0, 4, 32)]
    distances = cell_distances(own, np.stack(moved))
    assert distances[0] == 0
    assert distances[1] < distances[2]


def test_an_index_of_one_photograph_works_and_the_picture_alone_is_refused():
    search = Search(index_photographs(photographs([0])))
    found = search.nearest(lightness_of(scene(1)), 5)
    assert [match.name for match in found.found] == ["0.png"]
    assert found.chance is None
    with pytest.raises(UserError, match="no reference but copies of the picture itself"):
        search.nearest(lightness_of(scene(0)), 5)


# Joined colors


def transfers(*colors, confidence=(1.0, 1.0, 1.0, 1.0, 1.0)):
    return [
        Transfer(np.full((4, 5, 2), color, np.float32), np.full((4, 5), one, np.float32))
        for color, one in zip(colors, confidence, strict=False)
    ]


def test_one_reference_gives_its_own_colors_and_equal_ones_those_of_one():
    generator = np.random.default_rng(0)
    one = Transfer(generator.normal(0, 30, (4, 5, 2)).astype(np.float32), generator.uniform(0, 1, (4, 5)))
    assert join([one]) is one
    joined = join([one] * 4)
    np.testing.assert_array_equal(joined.ab, one.ab)
    np.testing.assert_allclose(joined.confidence, one.confidence)
    assert joined.ab.dtype == np.float32


def test_the_median_ignores_an_outlier_and_weighs_by_confidence():
    np.testing.assert_array_equal(join(transfers(10, 12, 90)).ab, 12)
    np.testing.assert_array_equal(join(transfers(10, 20)).ab, 15)
    np.testing.assert_allclose(join(transfers(10, 20, confidence=(0.3, 0.6))).ab, 20)
    np.testing.assert_array_equal(join(transfers(10, 12, 90, confidence=(0.1, 0.1, 0.9))).ab, 90)
    np.testing.assert_array_equal(join(transfers(10, 12, 90, confidence=(0, 0, 0))).ab, 12)


def test_the_weighted_median_is_that_of_repeated_values():
    generator = np.random.default_rng(0)
    values, weights = generator.normal(size=(5, 50)).astype(np.float32), generator.integers(1, 6, (5, 50))
    found = weighted_median(values, weights.astype(np.float32))
    for column in range(50):
        repeated = np.repeat(values[:, column], weights[:, column])
        assert found[column] == pytest.approx(np.median(repeated), abs=1e-6)


def test_colors_from_references_are_the_median_of_what_each_gives():
    search = Search(index_photographs(photographs(range(8))))
    lightness = lightness_of(scene(50, 300, 400))
    found = colors_from_references(lightness, search, MeanOfReference(), 3)
    assert found.ab.shape == (192, 256, 2)
    assert found.lightness.shape == found.confidence.shape == (192, 256)
    means = [
        lab_at_working_size(search.index.read(match.number))[..., 1:].mean(axis=(0, 1)) for match in found.matches.found
    ]
    np.testing.assert_allclose(found.ab[0, 0], np.median(means, axis=0), atol=1e-5)
    one = colors_from_references(lightness, search, MeanOfReference(), 1)
    np.testing.assert_allclose(one.ab[5, 5], means[0], atol=1e-5)


def test_references_that_the_method_refuses_are_left_out():
    search = Search(index_photographs(photographs(range(8))))
    lightness = lightness_of(scene(50))
    middle = np.median([lightness_of(search.index.read(number)).mean() for number in range(8)])
    found = colors_from_references(lightness, search, MeanOfReference(darkest=middle), 8)
    assert len(found.matches.found) == len(found.remarks) == 4
    with pytest.raises(UserError, match=r"\.png: too dark"):
        colors_from_references(lightness, search, MeanOfReference(darkest=100), 8)


# The method


@pytest.fixture
def stub(monkeypatch):
    monkeypatch.setitem(retrieved.TRANSFERS, "stub", MeanOfReference)


@pytest.mark.usefixtures("stub")
def test_the_method_colors_and_keeps_lightness():
    method = Retrieved(count=2, method="stub").fit(photographs(range(8)))
    gray = np.repeat(scene(50)[..., :1], 3, axis=-1).astype(np.float32) / np.float32(255)
    image = method.restore(Observation(gray)).image
    assert image.shape == gray.shape
    lab = map_pixels(rgb2lab, np.clip(image, 0, 1))
    np.testing.assert_allclose(lab[..., 0], map_pixels(rgb2lab, gray)[..., 0], atol=0.2)
    assert np.hypot(lab[..., 1], lab[..., 2]).mean() > 1


def test_settings_of_the_method():
    with pytest.raises(UserError, match=r"method\.count=0: must be 1 or more"):
        Retrieved(count=0)
    with pytest.raises(UserError, match=r"method\.method='welch': did you mean 'welsh'\?"):
        Retrieved(method="welch")
    with pytest.raises(UserError, match="no method by example is named 'welch'; did you mean 'welsh'"):
        build_transfer("welch")
    with pytest.raises(UserError, match="the training photographs: no photograph with colors"):
        Retrieved().fit([])


def test_a_moved_folder_has_an_index_of_its_own(album, described):
    index_folder(album)
    shutil.copytree(album, album.with_name("copy"))
    described.clear()
    index_folder(album.with_name("copy"))
    assert len(described) == 6
