"""Training on some of the training photographs: which they are, and that patches come from them alone."""

import pickle
from pathlib import Path

import jax
import numpy as np
import pytest
from support.pictures import config, make, names, picture

import datasets
from colorjax.errors import UserError
from colorjax.pictures.images import read_picture, write_picture
from datasets import prepared, sampling

REPOSITORY = Path(__file__).parents[1]


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
    drawn = np.bincount(np.concatenate([sampling.subset(seed, 4, 12) for seed in range(300)]), minlength=12)
    assert abs(drawn - 100).max() < 5 * np.sqrt(300 * 4 / 12 * 8 / 12)


def test_subset_leaves_other_splits_whole(tmp_path):
    source = make(tmp_path, *(f"{split}/{i}.png" for split in ("train", "val", "test") for i in range(3)))
    for split, count in {"train": 1, "validation": 3, "test": 3}.items():
        assert len(datasets.photographs(config("photo_folder", source, photographs=1), split)) == count


@pytest.mark.parametrize(("count", "message"), [(4, "photo_folder has 3 training .* 3 at most"), (-1, "not -1")])
def test_subset_of_more_training_photographs_than_there_are(tmp_path, count, message):
    source = make(tmp_path, *(f"train/{i}.png" for i in range(3)), "val/1.png", "test/1.png")
    with pytest.raises(UserError, match=rf"config\.data\.photographs.*{message}") as error:
        datasets.photographs(config("photo_folder", source, photographs=count), "train")
    assert "\n" not in str(error.value)
    assert len(datasets.photographs(config("photo_folder", source, photographs=count), "test")) == 1


def test_subset_is_a_sequence_that_pickles(tmp_path, monkeypatch):
    source = make(tmp_path, *(f"train/{i}.png" for i in range(9)), "val/1.png", "test/1.png")
    photographs = datasets.photographs(config("photo_folder", source, photographs=6, seed=3), "train")
    chosen = [photograph.name for photograph in photographs]
    assert photographs[-1].name == chosen[5]
    assert [photograph.name for photograph in photographs[1:3]] == chosen[1:3]
    with pytest.raises(IndexError):
        photographs[6]
    data = pickle.dumps(photographs)
    assert len(data) < 1000
    for name, pixels, _ in pickle.loads(data):
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
    wanted.update(
        patch_size=4, patches_per_epoch=20, zoom=(1.0, 1.0), zoom_of="pixels", rotate=0.0, flip=True, workers=0
    )
    wanted.placement = placement
    colors = [photograph.picture[0, 0] / 255 for photograph in datasets.photographs(wanted, "train")]
    patches = datasets.patches(wanted, seed=0, batch_size=20, start_step=0, steps=1)
    (batch,) = patches
    assert batch["photograph"].dtype == np.int32
    assert set(batch["photograph"]) == set(range(count or 7))
    pictures = jax.jit(patches.clean)(batch, patches.resident)
    for number, patch in zip(batch["photograph"], pictures, strict=True):
        np.testing.assert_allclose(patch, np.broadcast_to(colors[number], (4, 4, 3)), atol=1e-6)
