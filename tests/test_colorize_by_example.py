"""Coloring by references, from Python and by the command: one that is given, and those found in a folder."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

import colorjax
import launch
from colorjax import restoration
from colorjax.color.gray import gray_levels
from colorjax.errors import UserError

CAT = "--reference=references/cat.png"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def told(capsys):
    """Return a function that runs `colorize` and returns its status and what it says of errors."""

    def run(*words):
        status = launch.main(["colorize", *words, "--output=out"])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, err

    return run


def photographs():
    """Some color photographs, small."""
    names = ("astronaut", "coffee", "cat", "rocket")
    return {name: np.array(Image.fromarray(getattr(skimage.data, name)()).resize((96, 64))) for name in names}


def gray(picture):
    return np.repeat(gray_levels(picture)[..., None], 3, axis=-1)


@pytest.fixture
def files():
    """A folder of references, a gray target and a mask of regions."""
    os.mkdir("references")
    for name, picture in photographs().items():
        Image.fromarray(picture).save(f"references/{name}.png")
    Image.fromarray(gray(photographs()["coffee"][:, ::-1])).save("target.png")
    mask = np.zeros((64, 96), np.uint8)
    mask[:, 40:] = 255
    Image.fromarray(mask).save("mask.png")


@pytest.mark.parametrize("method", ["reinhard", "welsh", "irony", "gupta"])
def test_a_reference_of_one_hue_gives_it_and_lightness_stays(method):
    target = gray(photographs()["coffee"])
    reference = np.zeros((40, 50, 3), np.uint8)
    reference[...] = np.linspace(0, 255, 50).astype(np.uint8)[:, None] * np.array([0.9, 0.7, 0.4])
    result = colorjax.colorize(target, method=method, reference=reference)
    np.testing.assert_array_equal(gray_levels(result), target[..., 0])
    middle = (target[..., 0] > 60) & (target[..., 0] < 200)
    assert (result[..., 0] > result[..., 2])[middle].mean() > 0.95


def test_sixteen_bits_and_one_channel_are_colored_too():
    reference = photographs()["astronaut"]
    target = gray(photographs()["coffee"])
    eight = colorjax.colorize(target[..., :1], method="welsh", reference=reference)
    np.testing.assert_array_equal(eight, colorjax.colorize(target, method="welsh", reference=reference))
    deep = colorjax.colorize(np.uint16(target) * 257, method="welsh", reference=np.uint16(reference) * 257)
    assert np.abs(deep / 257 - eight).mean() < 1


def test_same_scene_takes_the_colors_of_the_scene_and_refuses_another(told):
    scene = np.array(Image.fromarray(skimage.data.astronaut()).resize((192, 192)))
    darker = np.uint8(gray(scene) * 0.7)
    colored = colorjax.colorize(darker, method="same_scene", reference=scene).astype(int)
    truth = np.uint8(scene * 0.7).astype(int)
    assert np.abs(colored - truth).mean() < np.abs(gray(truth.astype(np.uint8)) - truth).mean() / 2
    with pytest.raises(UserError, match="same scene"):
        colorjax.colorize(darker, method="same_scene", reference=photographs()["coffee"])


def test_references_are_found_listed_and_never_the_target_itself(files, told):
    status, err = told("target.png", "references/cat.png", "--references=references", "--count=2", "--list-references")
    assert status == 0, err
    first, second = (json.loads(Path(f"out/{name}.png.json").read_text()) for name in ("target", "cat"))
    assert first["method"] == "welsh"
    assert len(first["references"]) == 2
    assert second["left out as copies"] == ["references/cat.png"]
    assert "references/cat.png" not in [one["path"] for one in second["references"]]
    pixels = np.array(Image.open("out/target.png"))
    given = np.array(Image.open("target.png"))
    np.testing.assert_array_equal(gray_levels(pixels), given[..., 0])
    np.testing.assert_array_equal(pixels, colorjax.colorize(given, references="references", count=2))


def test_unreadable_and_gray_references_are_named_and_the_rest_is_used(files, told):
    Path("references/broken.jpg").write_bytes(b"no picture")
    Image.fromarray(gray(photographs()["rocket"])).save("references/gray.png")
    status, err = told("target.png", "--references=references")
    assert status == 0
    assert "references: left out: " in err
    assert "broken.jpg" in err
    assert "1 photograph left out: gray" in err


def test_regions_of_a_mask_are_used(files, told):
    assert told("target.png", CAT, "--method=irony")[0] == 0
    found = np.array(Image.open("out/target.png"))
    assert told("target.png", CAT, "--method=irony", "--regions=mask.png")[0] == 0
    assert (np.array(Image.open("out/target.png")) != found).any()


def test_a_reference_that_fits_badly_is_used_and_said(files, told):
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    Image.fromarray(noise).save("noise.png")
    status, err = told("target.png", "--reference=noise.png", "--method=welsh")
    assert status == 0
    assert "the reference fits badly: its distance from the picture is" in err
    status, err = told("target.png", "--reference=references/coffee.png", "--method=welsh")
    assert (status, err) == (0, "")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--method=welsh"], "the method welsh needs a reference: a color photograph, or a folder of them"),
        (["--method=welsh", "--reference=target.png"], "the reference is gray"),
        (["--method=welsh", CAT, "--vividness=1"], "the method welsh has no vividness"),
        (["--method=welsh", CAT, "--weights=x"], "the method welsh has no weights"),
        (["--method=wels", CAT], "did you mean 'welsh'?"),
        (["--method=bm3d"], "no method of colorizing is named 'bm3d'"),
        (["--references=none"], "none"),
        (["--references=empty"], "empty"),
        (["--references=alone"], "no reference but copies of the picture itself"),
        (["--references=target.png"], "not a folder"),
        (["--references=references", "--count=0"], "--count=0: must be 1 or more"),
        (["--references=references", CAT], "give one of them"),
        (["--references=references", "--method=network"], "the method network takes no folder of references"),
        (["--list-references"], "--list-references is for references that are found"),
        (
            ["--method=welsh", CAT, "--regions=mask.png"],
            "the method welsh learns no regions",
        ),
        (
            ["--method=irony", "--reference=small.png", "--regions=mask.png"],
            "the regions are 96x64 pixels and the reference 96x40",
        ),
        (
            ["--method=irony", CAT, "--regions=references/cat.png"],
            "colors; a mask has one",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(files, told, words, line):
    os.mkdir("empty")
    os.mkdir("alone")
    Image.fromarray(photographs()["coffee"][:, ::-1]).save("alone/it.png")
    Image.fromarray(photographs()["cat"][:40]).save("small.png")
    status, err = told("target.png", *words)
    assert status in (1, 2)
    assert line in err
    assert err.count("\n") == 1


def test_methods_are_those_of_tables():
    assert set(restoration.METHODS) == {"network", "scribble", "welsh", "irony", "gupta", "reinhard", "same_scene"}
