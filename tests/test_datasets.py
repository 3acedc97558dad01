"""The data sets: made folders in the layouts that people download, bad files, and what is kept on disk."""

import dataclasses
import hashlib
import io
import os
import pickle
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import grain
import jax
import numpy as np
import pytest
import skimage.data
from ml_collections import ConfigDict
from PIL import Image

import datasets
from colorjax.errors import UserError
from colorjax.images import read_picture, write_picture
from datasets import draws, photograph_builder, prepared
from datasets.photo_folder.photo_folder_dataset_builder import divide_by_content

REPOSITORY = Path(__file__).parents[1]


def config(name, source="", data_dir="", photographs=0, seed=0):
    return ConfigDict(
        {"name": name, "source": str(source), "data_dir": str(data_dir)}
        | {"photographs": photographs, "photographs_seed": seed}
    )


def picture(number, size=(4, 5)):
    return np.random.default_rng(number).integers(0, 256, (*size, 3), dtype=np.uint8)


def make(folder, *names, seed=0):
    """Write a small picture at each name, one that the name and the seed determine; return the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed + zlib.crc32(name.encode()))).save(path)
    return folder


def names(name, source, split):
    return [photograph.name for photograph in datasets.photographs(config(name, source), split)]


# The photographs of scikit-image


def test_skimage_photos_are_those_of_skimage():
    summary = datasets.prepare(config("skimage_photos"))
    assert summary.photographs == {"train": 5, "validation": 2, "test": 2}
    assert not summary.skipped
    left, right, _ = skimage.data.stereo_motorcycle()
    truth = {"motorcycle_left": left, "motorcycle_right": right, "ihc": skimage.data.immunohistochemistry()}
    seen = []
    for split in ("train", "validation", "test"):
        for name, pixels in datasets.photographs(config("skimage_photos"), split):
            expected = truth[name] if name in truth else getattr(skimage.data, name)()
            np.testing.assert_array_equal(pixels, expected, err_msg=name)
            seen.append(name)
    assert len(set(seen)) == len(seen) == 9


def test_skimage_photos_keeps_the_stereo_pair_on_one_side():
    pair = {"motorcycle_left", "motorcycle_right"}
    sides = [split for split in ("train", "validation", "test") if pair & set(names("skimage_photos", "", split))]
    assert len(sides) == 1


def test_skimage_photos_takes_no_source(tmp_path):
    with pytest.raises(UserError, match=r"config\.data\.source must be empty"):
        datasets.prepare(config("skimage_photos", tmp_path))


def test_no_tensorflow_no_network_and_nothing_printed(tmp_path):
    script = """
import socket, sys
def refuse(*arguments): raise AssertionError("the network was used")
socket.socket.connect = socket.getaddrinfo = refuse
from types import SimpleNamespace
import datasets
assert "tensorflow_datasets" not in sys.modules, "listing the data sets should be quick"
config = SimpleNamespace(name="skimage_photos", source="", data_dir=sys.argv[1], photographs=0)
assert datasets.prepare(config).photographs["train"] == 5
assert datasets.photographs(config, "test")[0].picture.shape[2] == 3
assert "tensorflow" not in sys.modules
"""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


# Folders of pictures


def test_photo_folder_is_divided_by_content(tmp_path):
    source = make(tmp_path / "a", *(f"{'deep/er/' * (i % 2)}{i}.png" for i in range(20)))
    summary = datasets.prepare(config("photo_folder", source))
    assert summary.photographs == {"train": 16, "validation": 2, "test": 2}
    found = {split: set(names("photo_folder", source, split)) for split in summary.photographs}
    assert sum(map(len, found.values())) == len(set.union(*found.values())) == 20
    assert "deep/er/1.png" in set.union(*found.values())

    # The rule, from its description: sorted by SHA-256, a tenth to test, the next tenth to validation.
    by_hash = sorted(source.rglob("*.png"), key=lambda path: hashlib.sha256(path.read_bytes()).hexdigest())
    assert found["test"] == {path.relative_to(source).as_posix() for path in by_hash[:2]}

    # Other names for the same contents fall the same way.
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    for path in source.rglob("*.png"):
        shutil.copy(path, renamed / f"x{path.name}")
    test = {name.rpartition("/")[2] for name in found["test"]}
    assert set(names("photo_folder", renamed, "test")) == {f"x{name}" for name in test}


def test_copies_are_on_the_same_side():
    hashes = [hashlib.sha256(bytes([i])).hexdigest() for i in range(50)]
    split_of = divide_by_content(hashes * 3)
    assert split_of == divide_by_content(reversed(hashes))
    assert {split: list(split_of.values()).count(split) for split in ("train", "validation", "test")} == {
        "train": 40,
        "validation": 5,
        "test": 5,
    }
    assert sorted(divide_by_content(hashes[:3]).values()) == ["test", "train", "validation"]
    one_more = divide_by_content([*hashes, hashlib.sha256(b"new").hexdigest()])
    assert sum(one_more[key] != split_of[key] for key in hashes) <= 2


@pytest.mark.parametrize("folders", [("train", "val", "test"), ("Training", "validation", "testing")])
def test_photo_folder_with_its_own_splits(tmp_path, folders):
    source = make(tmp_path, *(f"{folder}/class/{i}.jpg" for folder in folders for i in range(2)), "stray.png")
    summary = datasets.prepare(config("photo_folder", source))
    assert summary.photographs == {"train": 2, "validation": 2, "test": 2}
    assert summary.remarks == ("1 file outside the split folders left out",)
    assert names("photo_folder", source, "validation") == [f"{folders[1]}/class/{i}.jpg" for i in range(2)]


def test_a_class_called_train_is_no_split(tmp_path):
    source = make(tmp_path, "train/1.png", "train/2.png", "bus/3.png", "car/4.png")
    assert datasets.prepare(config("photo_folder", source)).photographs == {
        "train": 2,
        "validation": 1,
        "test": 1,
    }


def test_the_same_file_in_two_splits_is_remarked(tmp_path):
    source = make(tmp_path, "train/1.png", "train/2.png")
    (source / "test").mkdir()
    shutil.copy(source / "train/1.png", source / "test/9.png")
    text = datasets.prepare(config("photo_folder", source)).describe()
    assert "WARNING: 1 file in more than one split: train/1.png = test/9.png" in text


def test_every_kind_of_picture_is_stored_as_it_is_read(tmp_path):
    upright = Image.Exif()
    upright[0x0112] = 6
    image = Image.fromarray(picture(0, (16, 24)))
    image.save(tmp_path / "rotated.jpg", exif=upright)
    image.save(tmp_path / "plain.jpg")
    image.convert("L").save(tmp_path / "grey.png")
    image.convert("P").save(tmp_path / "palette.png")
    image.convert("CMYK").save(tmp_path / "cmyk.jpg")
    image.convert("RGBA").save(tmp_path / "alpha.png")
    image.convert("L").convert("I;16").save(tmp_path / "deep.png")
    write_picture(tmp_path / "pixel.png", picture(1, (1, 1)))
    summary = datasets.prepare(config("photo_folder", tmp_path))
    assert not summary.skipped
    for split in summary.photographs:
        for name, pixels in datasets.photographs(config("photo_folder", tmp_path), split):
            assert pixels.dtype == np.uint8
            np.testing.assert_array_equal(pixels, read_picture(tmp_path / name), err_msg=name)


def test_files_that_cannot_be_read_are_skipped_by_name(tmp_path, monkeypatch):
    make(tmp_path, "train/good.png", "test/good too.png")
    good = (tmp_path / "train/good.png").read_bytes()
    (tmp_path / "train/cut.png").write_bytes(good[:50])
    (tmp_path / "test/text.jpg").write_text("not a picture")
    (tmp_path / "test/empty.jpg").touch()
    (tmp_path / "train/broken link.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "train/readme.txt").write_text("never looked at")
    (tmp_path / "train/.hidden.png").write_text("nor this")
    header = struct.pack(">I4sIIBBBBB", 13, b"IHDR", 50_000, 50_000, 8, 2, 0, 0, 0)
    (tmp_path / "train/enormous.png").write_bytes(good[:8] + header + good[29:])
    summary = datasets.prepare(config("photo_folder", tmp_path))
    assert summary.photographs == {"train": 1, "test": 1}
    reasons = dict(summary.skipped)
    assert set(reasons) == {
        "train/cut.png",
        "test/text.jpg",
        "test/empty.jpg",
        "train/broken link.png",
        "train/enormous.png",
    }
    text = summary.describe()
    assert "    test/text.jpg: not a picture" in text
    assert text.count("test/text.jpg") == 1
    many = dataclasses.replace(summary, skipped=tuple((f"{i}.jpg", "bad") for i in range(25)))
    assert many.describe().endswith("    19.jpg: bad\n    and 5 more, in summary.json")
    # Kept with the records: a later call, which reads no picture, tells the same.
    monkeypatch.setattr(photograph_builder, "read_picture", None)
    assert datasets.prepare(config("photo_folder", tmp_path)) == summary


def test_a_name_that_is_no_unicode(tmp_path):
    data = io.BytesIO()
    Image.fromarray(picture(0)).save(data, "PNG")
    with open(os.fsencode(tmp_path) + b"/caf\xe9.png", "wb") as file:
        file.write(data.getvalue())
    assert names("photo_folder", tmp_path, "train") == ["caf?.png"]


def test_links_that_go_round_end(tmp_path):
    source = make(tmp_path / "pictures", "a/1.png")
    (source / "a" / "up").symlink_to(source, target_is_directory=True)
    assert names("photo_folder", source, "train") == ["a/1.png"]


@pytest.mark.parametrize("content", [[], ["notes.txt"], ["broken.jpg", "worse.png"]])
def test_an_empty_result_is_an_error(tmp_path, content):
    source = tmp_path / "source"
    source.mkdir()
    for name in content:
        (source / name).write_text("nothing")
    with pytest.raises(UserError) as error:
        datasets.prepare(config("photo_folder", source, tmp_path / "data"))
    assert "\n" not in str(error.value)
    assert ("none of the 2 files" if len(content) == 2 else "no pictures in") in str(error.value)
    assert not list((tmp_path / "data").rglob("summary.json"))


def test_mistakes_in_the_config_are_one_line(tmp_path):
    with pytest.raises(UserError, match="no data set 'ade20'; did you mean 'ade20k'"):
        datasets.prepare(config("ade20"))
    with pytest.raises(UserError, match=r"config\.data\.source must be a folder of pictures$"):
        datasets.prepare(config("photo_folder"))
    with pytest.raises(UserError, match=r"there is no folder .*nowhere"):
        datasets.prepare(config("photo_folder", tmp_path / "nowhere"))
    source = make(tmp_path, "1.png")
    with pytest.raises(UserError, match="no split 'validation'; it has train$"):
        datasets.photographs(config("photo_folder", source), "validation")


# What is on disk


def test_a_changed_folder_is_prepared_again_and_an_unchanged_one_is_not(tmp_path):
    source = make(tmp_path / "a", "1.png", "2.png")
    first = datasets.prepare(config("photo_folder", source))
    assert datasets.prepare(config("photo_folder", source)) == first
    make(source, "3.png")
    second = datasets.prepare(config("photo_folder", source))
    assert sum(second.photographs.values()) == 3
    write_picture(source / "3.png", picture(99))  # the same name and size in bytes or not, another time
    os.utime(source / "3.png", ns=(1, 1))
    third = datasets.prepare(config("photo_folder", source))
    assert len({first.directory, second.directory, third.directory}) == 3


def test_two_folders_of_one_name_do_not_collide(tmp_path):
    for parent in "ab":
        make(tmp_path / parent / "photos", "1.png", seed=ord(parent))
    one, other = (datasets.photographs(config("photo_folder", tmp_path / p / "photos"), "train") for p in "ab")
    assert not np.array_equal(one[0].picture, other[0].picture)


def test_what_was_prepared_outlives_its_source(tmp_path):
    source = make(tmp_path / "a", "1.png")
    first = datasets.prepare(config("photo_folder", source, tmp_path / "data"))
    shutil.rmtree(source)
    assert datasets.prepare(config("photo_folder", source, tmp_path / "data")) == first


def test_an_interrupted_build_does_not_count(tmp_path, monkeypatch):
    source = make(tmp_path / "a", *(f"{i}.png" for i in range(4)))
    wanted = config("photo_folder", source, tmp_path / "data")

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        patch.setattr(photograph_builder, "is_plain", interrupt)
        datasets.prepare(wanted)
    assert not list((tmp_path / "data").rglob("*.array_record*"))

    # kill -9 leaves TFDS's folder of another name behind.
    whole = datasets.prepare(wanted)
    directory = Path(whole.directory)
    (directory / "dataset_info.json").unlink()
    directory.rename(directory.with_name(f"{directory.name}.incompleteABC123"))
    assert datasets.prepare(wanted) == whole
    assert len(datasets.photographs(wanted, "train")) == whole.photographs["train"]


def test_a_file_that_changes_during_the_build_is_an_error(tmp_path, monkeypatch):
    source = make(tmp_path / "a", "1.png")
    read_all = photograph_builder.read_all

    def read_then_change(*arguments):
        result = read_all(*arguments)
        write_picture(source / "1.png", picture(7))
        return result

    monkeypatch.setattr(photograph_builder, "read_all", read_then_change)
    with pytest.raises(UserError, match=r"1\.png: changed while photo_folder was being prepared; run it again"):
        datasets.prepare(config("photo_folder", source, tmp_path / "data"))


def test_photographs_are_a_sequence_that_pickles(tmp_path):
    source = make(tmp_path, *(f"train/{i}.png" for i in range(5)), "val/1.png", "test/1.png")
    photographs = datasets.photographs(config("photo_folder", source), "train")
    assert photographs[-1].name == "train/4.png"
    assert [photograph.name for photograph in photographs[1:3]] == ["train/1.png", "train/2.png"]
    with pytest.raises(IndexError):
        photographs[5]
    data = pickle.dumps(photographs)
    assert len(data) < 1000
    originals = [read_picture(source / f"train/{i}.png") for i in range(5)]
    np.testing.assert_array_equal(pickle.loads(data)[3].picture, originals[3])
    through_grain = grain.MapDataset.source(photographs).map(lambda photograph: photograph.picture.sum())
    assert [int(total) for total in through_grain] == [int(original.sum()) for original in originals]


def test_a_split_without_a_folder_gets_a_tenth_of_the_training_photographs(tmp_path):
    source = make(tmp_path, *(f"train/{i}.png" for i in range(20)), *(f"test/{i}.png" for i in range(3)))
    summary = datasets.prepare(config("photo_folder", source))
    assert summary.photographs == {"train": 18, "validation": 2, "test": 3}
    assert "held out of the 20 training photographs: 2 for validation; 18 remain to train on" in summary.describe()
    found = {split: names("photo_folder", source, split) for split in summary.photographs}
    assert sorted(found["train"] + found["validation"]) == sorted(f"train/{i}.png" for i in range(20))
    assert all(name.startswith("test/") for name in found["test"])


# Some of the training photographs


def test_fewer_training_photographs_are_among_more(tmp_path):
    source = make(tmp_path, *(f"train/{i}.png" for i in range(12)), "val/1.png", "test/1.png")

    def chosen(count, seed=0):
        photographs = datasets.photographs(config("photo_folder", source, "", count, seed), "train")
        assert len(photographs) == (count or 12)
        return [photograph.name for photograph in photographs]

    whole = names("photo_folder", source, "train")
    assert chosen(0) == chosen(0, seed=5) == whole
    assert set(chosen(12)) == set(whole)
    for count in range(1, 12):
        assert len(set(chosen(count))) == count
        assert set(chosen(count)) < set(chosen(count + 1)) <= set(whole)
        assert chosen(count + 1)[:count] == chosen(count)
    assert len({tuple(chosen(4, seed)) for seed in range(20)}) == 20
    # A photograph's chance is 4 in 12 whatever its place: of 300 seeds 100, give or take five standard deviations.
    drawn = np.bincount(np.concatenate([draws.subset(seed, 4, 12) for seed in range(300)]), minlength=12)
    assert abs(drawn - 100).max() < 5 * np.sqrt(300 * 4 / 12 * 8 / 12)


def test_other_splits_stay_whole(tmp_path):
    source = make(tmp_path, *(f"{split}/{i}.png" for split in ("train", "val", "test") for i in range(3)))
    for split, count in {"train": 1, "validation": 3, "test": 3}.items():
        assert len(datasets.photographs(config("photo_folder", source, photographs=1), split)) == count


@pytest.mark.parametrize(("count", "message"), [(4, "photo_folder has 3 training .* 3 at most"), (-1, "not -1")])
def test_more_training_photographs_than_there_are(tmp_path, count, message):
    source = make(tmp_path, *(f"train/{i}.png" for i in range(3)), "val/1.png", "test/1.png")
    with pytest.raises(UserError, match=rf"config\.data\.photographs.*{message}") as error:
        datasets.photographs(config("photo_folder", source, photographs=count), "train")
    assert "\n" not in str(error.value)
    assert len(datasets.photographs(config("photo_folder", source, photographs=count), "test")) == 1


def test_some_training_photographs_are_a_sequence_that_pickles(tmp_path, monkeypatch):
    source = make(tmp_path, *(f"train/{i}.png" for i in range(9)), "val/1.png", "test/1.png")
    photographs = datasets.photographs(config("photo_folder", source, photographs=6, seed=3), "train")
    chosen = [photograph.name for photograph in photographs]
    assert photographs[-1].name == chosen[5]
    assert [photograph.name for photograph in photographs[1:3]] == chosen[1:3]
    with pytest.raises(IndexError):
        photographs[6]
    data = pickle.dumps(photographs)
    assert len(data) < 1000
    for name, pixels in pickle.loads(data):
        np.testing.assert_array_equal(pixels, read_picture(source / name))
    read = []
    monkeypatch.setattr(prepared, "_decode", lambda data: read.append(data) or picture(0))
    assert len(photographs) == 6
    assert not read
    assert photographs[4].name == chosen[4]
    assert len(read) == 1


@pytest.mark.parametrize("placement", ["host", "device"])
@pytest.mark.parametrize("count", [0, 3])
def test_patches_are_cut_from_the_chosen_photographs(tmp_path, placement, count):
    for number in range(7):  # each of one color, so that a patch shows where it was cut
        name = tmp_path / f"train/{number}.png"
        name.parent.mkdir(exist_ok=True)
        write_picture(name, np.full((9, 9, 3), [30 * number, 200, 255 - 30 * number], np.uint8))
    wanted = config("photo_folder", make(tmp_path, "val/1.png", "test/1.png"), "", count, seed=1)
    wanted.update(patch_size=4, patches_per_epoch=20, zoom=(1.0, 1.0), rotate=0.0, flip=True, workers=0)
    wanted.placement = placement
    colors = [photograph.picture[0, 0] / 255 for photograph in datasets.photographs(wanted, "train")]
    patches = datasets.patches(wanted, seed=0, batch_size=20, start_step=0, steps=1)
    (batch,) = patches
    assert batch["photograph"].dtype == np.int32
    assert set(batch["photograph"]) == set(range(count or 7))
    pictures = jax.jit(patches.clean)(batch, patches.resident)
    for number, patch in zip(batch["photograph"], pictures, strict=True):
        np.testing.assert_allclose(patch, np.broadcast_to(colors[number], (4, 4, 3)), atol=1e-6)


# Layouts that people download


def ade20k_release(folder):
    """The full release of 2021 in small, with its masks, descriptions and video frames."""
    scenes = folder / "ADE20K_2021_17_01/images/ADE"
    for split, stem, number in (("training", "ADE_train", 3), ("validation", "ADE_val", 2)):
        for i in range(1, number + 1):
            scene = scenes / split / "urban" / f"street{i % 2}"
            name = f"{stem}_{i:08d}"
            make(scene, f"{name}.jpg", f"{name}_seg.png", f"{name}_parts_1.png", f"{name}/instance_000_{name}.png")
            (scene / f"{name}.json").write_text("{}")
    make(scenes / "training/urban/street0", "ADE_frame_00000001.jpg")
    return folder


def test_ade20k_full_release(tmp_path):
    source = ade20k_release(tmp_path)
    summary = datasets.prepare(config("ade20k", source))
    assert summary.photographs == {"train": 3, "validation": 2}
    assert summary.remarks == ("1 picture of a video (ADE_frame_*) left out",)
    assert names("ade20k", source, "train") == [f"ADE_train_{i:08d}" for i in (1, 2, 3)]
    # The same from the folder inside, as other people unpack it.
    inside = datasets.prepare(config("ade20k", source / "ADE20K_2021_17_01"))
    assert inside.photographs == summary.photographs


def test_ade20k_challenge_layout_with_its_test_photographs(tmp_path):
    make(tmp_path / "ADEChallengeData2016/images/training", "ADE_train_00000001.jpg", "ADE_train_00000002.jpg")
    make(tmp_path / "ADEChallengeData2016/images/validation", "ADE_val_00000001.jpg")
    make(tmp_path / "ADEChallengeData2016/annotations/training", "ADE_train_00000001.png")
    make(tmp_path / "release_test/testing", *(f"ADE_test_0000000{i}.jpg" for i in (1, 2, 3)))
    ade20k_release(tmp_path)  # in which the same photographs are again
    summary = datasets.prepare(config("ade20k", tmp_path))
    assert summary.photographs == {"train": 3, "validation": 2, "test": 3}
    assert "3 pictures of a name that another has left out" in summary.remarks


def test_ade20k_of_a_folder_without_it(tmp_path):
    make(tmp_path, "train/1.jpg")
    with pytest.raises(UserError, match=r"ade20k: no pictures in .*ADE_train"):
        datasets.prepare(config("ade20k", tmp_path))


def make_grey(folder, *names):
    """Write grey pictures, in the ways that files hold them in turn."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(picture(number, (16, 24))).convert("L")
        if number % 3 == 1:
            image = image.convert("RGB")
        elif number % 3 == 2:  # saved again and again, by programs that round each in its way
            noise = np.random.default_rng(number).integers(-2, 3, (16, 24, 3))
            image = Image.fromarray(np.clip(np.array(image.convert("RGB")) + noise, 0, 255).astype(np.uint8))
        image.save(path, quality=90)


def jpegs(folder, count):
    return [f"{folder}/image{i:04d}.jpg" for i in range(count)]


@pytest.mark.parametrize("root", ["", "archive", "data/Image Coloring"])
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_image_coloring_with_grey_twins(tmp_path, root, case):
    train, test = case("train_color"), case("test_color")
    make(tmp_path / root, *jpegs(train, 20), *jpegs(test, 5))
    make_grey(tmp_path / root, *jpegs(case("train_black"), 20), *jpegs(case("test_gray"), 5))
    make(tmp_path / root, "sample.png")
    make(tmp_path / "__MACOSX" / root, *jpegs(train, 1), *jpegs(test, 1))
    summary = datasets.prepare(config("image_coloring", tmp_path))
    assert summary.photographs == {"train": 18, "validation": 2, "test": 5}
    assert names("image_coloring", tmp_path, "test") == jpegs(test, 5)
    for split in summary.photographs:
        for name, pixels in datasets.photographs(config("image_coloring", tmp_path), split):
            np.testing.assert_array_equal(pixels, read_picture(tmp_path / root / name))
    text = summary.describe()
    assert f"20 grey pictures in {case('train_black')} left out" in text
    assert f"5 grey pictures in {case('test_gray')} left out" in text
    assert "outside the split folders left out" in text
    assert "held out of the 20 training photographs: 2 for validation; 18 remain to train on" in text


@pytest.mark.parametrize(("train", "test"), [("Train", "Test"), ("train", "test"), ("train_color", "test_color")])
def test_image_coloring_with_grey_pictures_to_test(tmp_path, train, test):
    root = make(tmp_path / "archive", *jpegs(train, 20))
    make_grey(root, *jpegs(test, 100))
    summary = datasets.prepare(config("image_coloring", tmp_path))
    assert summary.photographs == {"train": 16, "validation": 2, "test": 2}
    assert f"100 grey pictures in {test} have no colors to be measured against: left out" in summary.remarks
    assert (
        "held out of the 20 training photographs: 2 for validation and 2 for test; 16 remain to train on"
        in summary.remarks
    )
    by_content = sorted(jpegs(train, 20), key=lambda name: hashlib.sha256((root / name).read_bytes()).hexdigest())
    assert set(names("image_coloring", tmp_path, "test")) == set(by_content[:2])
    assert set(names("image_coloring", tmp_path, "validation")) == set(by_content[2:4])
    assert set(names("image_coloring", tmp_path, "train")) == set(by_content[4:])


def test_image_coloring_holds_nothing_out_that_it_has(tmp_path):
    make(tmp_path, *jpegs("Train", 4), *jpegs("Validation", 2), *jpegs("Test", 3))
    make_grey(tmp_path, "Test/grey.png", "Train/grey 1.png", "Train/grey 2.png")
    pale = np.full((16, 24, 3), 128, np.uint8)
    pale[3, 5] = 120, 128, 140  # one pixel with some color
    write_picture(tmp_path / "Test/pale.png", pale)
    summary = datasets.prepare(config("image_coloring", tmp_path))
    assert summary.remarks == (
        "2 grey pictures in Train have no colors to learn from: left out",
        "1 grey picture in Test has no colors to be measured against: left out",
    )
    assert names("image_coloring", tmp_path, "train") == jpegs("Train", 4)
    assert names("image_coloring", tmp_path, "validation") == jpegs("Validation", 2)
    assert names("image_coloring", tmp_path, "test") == [*jpegs("Test", 3), "Test/pale.png"]


def test_image_coloring_of_three_photographs_has_one_for_each_split(tmp_path):
    make(tmp_path, *jpegs("train_color", 3))
    assert datasets.prepare(config("image_coloring", tmp_path)).photographs == {"train": 1, "validation": 1, "test": 1}


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["photos"], r"neither train_color nor Train and Test in .*config\.data\.source must be"),
        (["Train"], "neither train_color nor Train and Test in"),
        (["a/b/c/Train", "a/b/c/Test"], "neither train_color nor Train and Test in .* 2 folders deep"),
        (["one/train", "one/test", "two/train_color"], "2 folders in .* have split folders: one, two; .* one of them"),
    ],
)
def test_image_coloring_of_a_folder_without_it(tmp_path, folders, message):
    make(tmp_path, *(f"{folder}/1.jpg" for folder in folders))
    with pytest.raises(UserError, match=f"image_coloring: {message}") as error:
        datasets.prepare(config("image_coloring", tmp_path))
    assert "\n" not in str(error.value)


def test_image_coloring_of_grey_pictures_alone(tmp_path):
    make_grey(tmp_path, *jpegs("Train", 3), *jpegs("Test", 3))
    with pytest.raises(UserError, match="image_coloring: no photograph in color to train on in"):
        datasets.prepare(config("image_coloring", tmp_path))
    shutil.rmtree(tmp_path / "Test")
    (tmp_path / "Test").mkdir()
    for name in jpegs("Train", 3):
        (tmp_path / name).write_text("broken")
    with pytest.raises(UserError, match="image_coloring: none of the 3 files in"):
        datasets.prepare(config("image_coloring", tmp_path))


@pytest.mark.parametrize("root", ["", "images", "BSDS500/data/images", "BSR/BSDS500/data/images"])
def test_bsds500_without_what_denoisers_are_measured_on(tmp_path, root):
    make(tmp_path / root / "train", *(f"{n}.jpg" for n in (100080, 12003, 302003, 100075)))
    make(tmp_path / root / "val", "101085.jpg", "103029.jpg")  # the first is one of CBSD68
    make(tmp_path / root / "test", "100007.jpg")
    make(tmp_path / root / "groundTruth/train", "100080.jpg")
    summary = datasets.prepare(config("bsds500", tmp_path))
    assert summary.photographs == {"train": 1, "validation": 1, "test": 1}
    assert names("bsds500", tmp_path, "train") == ["100080"]
    assert names("bsds500", tmp_path, "validation") == ["103029"]
    assert "4 photographs of Set5, Set12, RNI15 and CBSD68 left out" in summary.describe()


def test_bsds500_of_a_folder_without_it(tmp_path):
    make(tmp_path, "1.jpg")
    with pytest.raises(UserError, match="bsds500: no folder train in"):
        datasets.prepare(config("bsds500", tmp_path))


@pytest.mark.parametrize("root", ["", "CBSD68/original_png"])
def test_cbsd68_has_only_a_test_split(tmp_path, root):
    make(tmp_path / root, "101085.png", "3096.png")
    if root:
        make(tmp_path / "CBSD68/noisy25", "101085.png")
    summary = datasets.prepare(config("cbsd68", tmp_path))
    assert summary.photographs == {"test": 2}
    assert "WARNING: 2 pictures, not 68" in summary.describe()
    with pytest.raises(UserError, match="cbsd68 has no split 'train'; it has test$"):
        datasets.photographs(config("cbsd68", tmp_path), "train")


def scene_parse150(folder):
    make(folder / "images/training", "ADE_train_00000001.jpg", "ADE_train_00000002.jpg")
    make(folder / "images/validation", "ADE_val_00000001.jpg")
    make(folder / "annotations_instance/training", "ADE_train_00000001.png", "ADE_train_00000002.png")
    make(folder / "annotations_instance/validation", "ADE_val_00000001.png")
    return folder


def test_scene_parse150(tmp_path):
    source = scene_parse150(tmp_path / "source")
    (source / "images/training/ADE_train_00000003.jpg").write_text("broken")
    make(source / "images/training", "ADE_train_00000004.jpg")
    Image.fromarray(picture(0)[:, :, 0]).save(source / "images/training/ADE_train_00000002.jpg")  # some are grey
    summary = datasets.prepare(config("scene_parse150", source, tmp_path))
    assert summary.photographs == {"train": 2, "test": 1}
    assert [name for name, _ in summary.skipped] == ["ADE_train_00000003", "ADE_train_00000004"]
    train = datasets.photographs(config("scene_parse150", source, tmp_path), "train")
    originals = [read_picture(source / f"images/training/ADE_train_0000000{i}.jpg") for i in (1, 2)]
    for name, pixels in train:
        assert name.startswith("train/")
        assert any(np.array_equal(pixels, original) for original in originals)
    # As TFDS itself would have left it in data_dir: no source, no summary of ours.
    (Path(summary.directory) / "summary.json").unlink()
    assert datasets.prepare(config("scene_parse150", "", tmp_path)).photographs == {"train": 2, "test": 1}


def test_scene_parse150_is_never_downloaded(tmp_path):
    with pytest.raises(UserError, match=r"images\.tar and annotations_instance\.tar"):
        datasets.prepare(config("scene_parse150", tmp_path, tmp_path / "data"))
