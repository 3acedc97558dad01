"""Kaggle's Image Coloring Dataset in the layouts in which people unpack it, made small."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import config, make, names, picture

import datasets
from colorjax.errors import UserError
from colorjax.pictures.images import read_picture, write_picture

REPOSITORY = Path(__file__).parents[1]


def make_gray(folder, *names):
    """Write gray pictures, in the ways that files hold them in turn."""
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
def test_image_coloring_with_gray_twins(tmp_path, root, case):
    train, test = case("train_color"), case("test_color")
    make(tmp_path / root, *jpegs(train, 20), *jpegs(test, 5))
    make_gray(tmp_path / root, *jpegs(case("train_black"), 20), *jpegs(case("test_gray"), 5))
    make(tmp_path / root, "sample.png")
    make(tmp_path / "__MACOSX" / root, *jpegs(train, 1), *jpegs(test, 1))
    summary = datasets.prepare(config("image_coloring", tmp_path))
    assert summary.photographs == {"train": 18, "validation": 2, "test": 5}
    assert names("image_coloring", tmp_path, "test") == jpegs(test, 5)
    for split in summary.photographs:
        for name, pixels, _ in datasets.photographs(config("image_coloring", tmp_path), split):
            np.testing.assert_array_equal(pixels, read_picture(tmp_path / root / name))
    text = summary.describe()
    assert f"20 gray pictures in {case('train_black')} left out" in text
    assert f"5 gray pictures in {case('test_gray')} left out" in text
    assert "outside the split folders left out" in text
    assert "held out of the 20 training photographs: 2 for validation; 18 remain to train on" in text


@pytest.mark.parametrize(("train", "test"), [("Train", "Test"), ("train", "test"), ("train_color", "test_color")])
def test_image_coloring_with_gray_pictures_to_test(tmp_path, train, test):
    root = make(tmp_path / "archive", *jpegs(train, 20))
    make_gray(root, *jpegs(test, 100))
    summary = datasets.prepare(config("image_coloring", tmp_path))
    assert summary.photographs == {"train": 16, "validation": 2, "test": 2}
    assert f"100 gray pictures in {test} have no colors to be measured against: left out" in summary.remarks
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
    make_gray(tmp_path, "Test/gray.png", "Train/gray 1.png", "Train/gray 2.png")
    pale = np.full((16, 24, 3), 128, np.uint8)
    pale[3, 5] = 120, 128, 140  # one pixel with some color
    write_picture(tmp_path / "Test/pale.png", pale)
    summary = datasets.prepare(config("image_coloring", tmp_path))
    assert summary.remarks == (
        "2 gray pictures in Train have no colors to learn from: left out",
        "1 gray picture in Test has no colors to be measured against: left out",
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


def test_image_coloring_of_gray_pictures_alone(tmp_path):
    make_gray(tmp_path, *jpegs("Train", 3), *jpegs("Test", 3))
    with pytest.raises(UserError, match="image_coloring: no photograph in color to train on in"):
        datasets.prepare(config("image_coloring", tmp_path))
    shutil.rmtree(tmp_path / "Test")
    (tmp_path / "Test").mkdir()
    for name in jpegs("Train", 3):
        (tmp_path / name).write_text("broken")
    with pytest.raises(UserError, match="image_coloring: none of the 3 files in"):
        datasets.prepare(config("image_coloring", tmp_path))


def test_twin_folders_may_be_spelled_either_way(tmp_path):
    for ending in ("gray", "grey", "black"):
        folder = make(
            tmp_path / ending,
            *(f"train_color/{i}.png" for i in range(9)),
            *(f"train_{ending}/{i}.png" for i in range(9)),
        )
        assert len(names("image_coloring", folder, "train")) < 9  # of nine in color, some are held out
