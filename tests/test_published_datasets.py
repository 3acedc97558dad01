"""Published data sets: made folders in the layouts that people download."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import config, make, names, picture

import datasets
from colorjax.errors import UserError
from colorjax.pictures.images import read_picture


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
    assert summary.classes == ("street0", "street1")
    assert {split: tuple(each) for split, each in summary.labels.items()} == {"train": (1, 0, 1), "validation": (1, 0)}
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
    assert summary.classes == ("street0", "street1")
    assert "3 pictures of a name that another has left out" in summary.remarks


def test_ade20k_scenes_of_the_challenge_are_in_its_file(tmp_path):
    root = tmp_path / "ADEChallengeData2016"
    make(root / "images/training", "ADE_train_00000001.jpg", "ADE_train_00000002.jpg")
    (root / "sceneCategories.txt").write_text("ADE_train_00000001 airport_terminal\nADE_train_00000002 bedroom\n")
    summary = datasets.prepare(config("ade20k", tmp_path))
    assert (summary.classes, tuple(summary.labels["train"])) == (("airport_terminal", "bedroom"), (0, 1))


def test_ade20k_of_a_folder_without_it(tmp_path):
    make(tmp_path, "train/1.jpg")
    with pytest.raises(UserError, match=r"ade20k: no pictures in .*ADE_train"):
        datasets.prepare(config("ade20k", tmp_path))


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
    Image.fromarray(picture(0)[:, :, 0]).save(source / "images/training/ADE_train_00000002.jpg")  # some are gray
    summary = datasets.prepare(config("scene_parse150", source, tmp_path))
    assert summary.photographs == {"train": 2, "test": 1}
    assert [name for name, _ in summary.skipped] == ["ADE_train_00000003", "ADE_train_00000004"]
    train = datasets.photographs(config("scene_parse150", source, tmp_path), "train")
    originals = [read_picture(source / f"images/training/ADE_train_0000000{i}.jpg") for i in (1, 2)]
    for name, pixels, _ in train:
        assert name.startswith("train/")
        assert any(np.array_equal(pixels, original) for original in originals)
    # As TFDS itself would have left it in data_dir: no source, no summary of ours.
    (Path(summary.directory) / "summary.json").unlink()
    assert datasets.prepare(config("scene_parse150", "", tmp_path)).photographs == {"train": 2, "test": 1}


def test_scene_parse150_is_never_downloaded(tmp_path):
    with pytest.raises(UserError, match=r"images\.tar and annotations_instance\.tar"):
        datasets.prepare(config("scene_parse150", tmp_path, tmp_path / "data"))
