"""The data sets: the bundled photographs, folders of any kind, bad files, and what is kept on disk."""

import dataclasses
import hashlib
import io
import os
import pickle
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import grain
import numpy as np
import pytest
import skimage.data
from PIL import Image
from support.pictures import config, make, names, picture

import datasets
from colorjax.errors import UserError
from colorjax.pictures.images import read_picture, write_picture
from datasets import photograph_builder
from datasets.photo_folder.photo_folder_dataset_builder import divide_by_content

REPOSITORY = Path(__file__).parents[1]


# The photographs of scikit-image


def test_skimage_photos_are_those_of_skimage():
    summary = datasets.prepare(config("skimage_photos"))
    assert summary.photographs == {"train": 5, "validation": 2, "test": 2}
    assert not summary.skipped
    left, right, _ = skimage.data.stereo_motorcycle()
    truth = {"motorcycle_left": left, "motorcycle_right": right, "ihc": skimage.data.immunohistochemistry()}
    seen = []
    for split in ("train", "validation", "test"):
        for name, pixels, _ in datasets.photographs(config("skimage_photos"), split):
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


@pytest.mark.process
def test_datasets_use_no_tensorflow_no_network_and_print_nothing(tmp_path):
    script = """
import socket, sys
def refuse(*arguments): raise AssertionError("the network was used")
socket.socket.connect = socket.getaddrinfo = refuse
from types import SimpleNamespace
import datasets
assert "tensorflow_datasets" not in sys.modules, "listing the data sets should be quick"
config = SimpleNamespace(name="skimage_photos", source="", data_dir=sys.argv[1])
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


def test_split_is_not_a_class_called_train(tmp_path):
    source = make(tmp_path, "train/1.png", "train/2.png", "bus/3.png", "car/4.png")
    assert datasets.prepare(config("photo_folder", source)).photographs == {
        "train": 2,
        "validation": 1,
        "test": 1,
    }


def test_split_with_a_file_of_another_is_remarked(tmp_path):
    source = make(tmp_path, "train/1.png", "train/2.png")
    (source / "test").mkdir()
    shutil.copy(source / "train/1.png", source / "test/9.png")
    text = datasets.prepare(config("photo_folder", source)).describe()
    assert "WARNING: 1 file in more than one split: train/1.png = test/9.png" in text


def test_picture_of_every_kind_is_stored_as_it_is_read(tmp_path):
    upright = Image.Exif()
    upright[0x0112] = 6
    image = Image.fromarray(picture(0, (16, 24)))
    image.save(tmp_path / "rotated.jpg", exif=upright)
    image.save(tmp_path / "plain.jpg")
    image.convert("L").save(tmp_path / "gray.png")
    image.convert("P").save(tmp_path / "palette.png")
    image.convert("CMYK").save(tmp_path / "cmyk.jpg")
    image.convert("RGBA").save(tmp_path / "alpha.png")
    image.convert("L").convert("I;16").save(tmp_path / "deep.png")
    write_picture(tmp_path / "pixel.png", picture(1, (1, 1)))
    summary = datasets.prepare(config("photo_folder", tmp_path))
    assert not summary.skipped
    for split in summary.photographs:
        for name, pixels, _ in datasets.photographs(config("photo_folder", tmp_path), split):
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


def test_picture_name_that_is_no_unicode(tmp_path):
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
def test_prepared_data_set_that_is_empty_is_an_error(tmp_path, content):
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


def test_prepared_folder_is_prepared_again_only_when_changed(tmp_path):
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


def test_prepared_folders_of_one_name_do_not_collide(tmp_path):
    for parent in "ab":
        make(tmp_path / parent / "photos", "1.png", seed=ord(parent))
    one, other = (datasets.photographs(config("photo_folder", tmp_path / p / "photos"), "train") for p in "ab")
    assert not np.array_equal(one[0].picture, other[0].picture)


def test_prepared_data_outlives_its_source(tmp_path):
    source = make(tmp_path / "a", "1.png")
    first = datasets.prepare(config("photo_folder", source, tmp_path / "data"))
    shutil.rmtree(source)
    assert datasets.prepare(config("photo_folder", source, tmp_path / "data")) == first


def test_prepared_build_interrupted_does_not_count(tmp_path, monkeypatch):
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


def test_prepared_file_that_changes_during_the_build_is_an_error(tmp_path, monkeypatch):
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


def test_split_without_a_folder_gets_a_tenth_of_the_training_photographs(tmp_path):
    source = make(tmp_path, *(f"train/{i}.png" for i in range(20)), *(f"test/{i}.png" for i in range(3)))
    summary = datasets.prepare(config("photo_folder", source))
    assert summary.photographs == {"train": 18, "validation": 2, "test": 3}
    assert "held out of the 20 training photographs: 2 for validation; 18 remain to train on" in summary.describe()
    found = {split: names("photo_folder", source, split) for split in summary.photographs}
    assert sorted(found["train"] + found["validation"]) == sorted(f"train/{i}.png" for i in range(20))
    assert all(name.startswith("test/") for name in found["test"])


def test_prepare_names_what_looks_like_a_picture_and_is_not_taken(tmp_path):
    make(tmp_path, "a.png", "b.png", "c.pbm", "d.qoi")
    (tmp_path / "x.heic").touch()
    os.mkfifo(tmp_path / "pipe.png")
    summary = datasets.prepare(config("photo_folder", tmp_path))
    assert sum(summary.photographs.values()) == 4
    assert "1 file left out: 1 .heic; save them as JPEG, PNG or TIFF" in summary.remarks
    assert "1 file left out: pipes, sockets or devices (pipe.png)" in summary.remarks
    os.remove(tmp_path / "pipe.png")
    for name in ("a.png", "b.png", "c.pbm", "d.qoi"):
        os.remove(tmp_path / name)
    with pytest.raises(UserError, match=r"no pictures in .* \(1 file left out: 1 \.heic"):
        datasets.prepare(config("photo_folder", tmp_path))
