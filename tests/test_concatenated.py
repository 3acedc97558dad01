"""Several data sets as one, and what of them is trained on; patches that fit photographs of any size."""

import os
import pickle

import numpy as np
import pytest
from ml_collections import ConfigDict
from skimage.transform import resize
from support.pictures import config, make, picture

import datasets
from colorjax.errors import UserError
from colorjax.pictures.images import Photograph
from datasets.batching import Rows
from datasets.pipeline import CropSource
from datasets.sampling import Draws


@pytest.fixture
def two(tmp_path):
    """The config of two folders as one data set, and of each alone."""
    folders = [make(tmp_path / name, *(f"{i}.png" for i in range(10)), seed=len(name)) for name in ("one", "three")]
    together = config("photo_folder+photo_folder", os.pathsep.join(map(str, folders)))
    return together, [config("photo_folder", folder) for folder in folders]


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_photographs_are_those_of_each_one_after_the_other(two, split):
    together, alone = two
    joined = datasets.photographs(together, split)
    parts = [photograph for part in alone for photograph in datasets.photographs(part, split)]
    assert len(joined) == len(parts) > 0
    for ours, expected in zip(joined, parts, strict=True):
        np.testing.assert_array_equal(ours.picture, expected.picture)
    assert joined[-1].name == parts[-1].name
    assert [photograph.name for photograph in joined[:2]] == [photograph.name for photograph in parts[:2]]
    with pytest.raises(IndexError):
        joined[len(joined)]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(joined))[0].picture, joined[0].picture)


def test_training_splits_add_up(two):
    together, _ = two
    together.training_splits = ("train", "test")
    train = datasets.photographs(together, "train")
    together.training_splits = ("train",)
    assert len(train) == len(datasets.photographs(together, "train")) + len(datasets.photographs(together, "test"))


def test_names_and_folders_must_be_as_many(two):
    together, _ = two
    together.name = "photo_folder+photo_folder+bsds500"
    with pytest.raises(UserError, match=r"^config\.data\.name=.* names 3 data sets, config\.data\.source=.* 2: give"):
        datasets.photographs(together, "train")


def test_concatenated_without_a_split_to_train_on_is_an_error(two):
    together, _ = two
    together.training_splits = ()
    with pytest.raises(UserError, match=r"^config\.data\.training_splits is empty"):
        datasets.photographs(together, "train")


def crops(config, number):
    """Return the photograph of each of the first `number` patches."""
    settings = {"patch_size": 4, "patches_per_epoch": number, "zoom": (1.0, 1.0), "zoom_of": "pixels", "rotate": 0.0}
    config.update({**settings, "flip": False, "placement": "host", "workers": 0})
    stream = datasets.patches(config, 3, number, 0, 1)
    return np.concatenate([batch["photograph"] for batch in stream])


def test_concatenated_data_sets_give_their_shares_of_the_patches(two):
    together, alone = two
    first, second = (len(datasets.photographs(part, "train")) for part in alone)
    together.shares = (1.0, 3.0)
    counts = np.bincount(crops(together, 400), minlength=first + second)
    assert len(counts) == first + second
    # A quarter and three quarters to within rounding, and within a data set no photograph more than once more often.
    assert abs(counts[:first].sum() - 100) <= 1
    for part in (counts[:first], counts[first:]):
        assert part.max() - part.min() <= 1


def test_data_sets_of_one_size_have_orders_of_their_own(two):
    together, alone = two
    first, second = (len(datasets.photographs(part, "train")) for part in alone)
    assert first == second
    together.shares = (1.0, 1.0)
    drawn = crops(together, 400)
    assert drawn[drawn < first][:first].tolist() != (drawn[drawn >= first][:first] - first).tolist()


def test_shares_are_kept_in_every_stretch_of_an_epoch(two):
    together, alone = two
    together.shares = (0.2, 0.8)
    from_second = crops(together, 400) >= len(datasets.photographs(alone[0], "train"))
    stretches = from_second.reshape(-1, 20).sum(axis=1)
    assert stretches.min() >= 14
    assert stretches.max() <= 18


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"shares": (1.0,)},
            r"^config\.data\.shares=\(1\.0,\): give one number for each data set, of which there are 2$",
        ),
        ({"shares": (1.0, 0.0)}, r"^config\.data\.shares=\(1\.0, 0\.0\): each must be a number above 0$"),
        ({"shares": ("a", "b")}, r"^config\.data\.shares=\('a', 'b'\): each must be a number above 0$"),
        ({"shares": (1.0, 1.0), "photographs": 3}, r"^config\.data\.photographs and config\.data\.shares don't go"),
    ],
)
def test_impossible_shares_are_one_line(two, changes, line):
    together, _ = two
    together.update(changes)
    with pytest.raises(UserError, match=line):
        datasets.photographs(together, "train")


def test_zoom_1_shows_the_whole_short_side_in_a_fitting_patch():
    settings = {"patch_size": 16, "patches_per_epoch": 4, "zoom": (1.0, 1.0), "zoom_of": "fit"}
    draws = Draws.from_config(ConfigDict({**settings, "rotate": 0.0, "flip": False, "shares": ()}), seed=0)
    # Smooth, so that the way in which it is reduced hardly matters.
    small = np.random.default_rng(0).uniform(60, 200, (5, 5, 3))
    large = np.rint(resize(small, (80, 80), order=3)).astype(np.uint8)
    patch = CropSource([Photograph("large", large)], draws, Rows.of(1, 0, 4, 0, 1))[0]["picture"]
    expected = large.reshape(16, 5, 16, 5, 3).mean(axis=(1, 3))
    assert np.abs(patch - expected).max() < 4
    tiny = CropSource([Photograph("tiny", picture(1, (8, 8)))], draws, Rows.of(1, 0, 4, 0, 1))[0]["picture"]
    assert tiny.shape == (16, 16, 3)


def test_zoom_of_unknown_kind_names_the_nearest():
    with pytest.raises(UserError, match=r"config\.data\.zoom_of='fitt'; did you mean 'fit'\?"):
        Draws(0, 8, 10, (1.0, 1.0), "fitt", 0.0, False)
