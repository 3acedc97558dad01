"""The command colorize with a person's hints and references: a line for what is wrong with them."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import networks as made_networks
from support.pictures_command import idle, read, run, save, values

from colorjax import restoration


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    return {name: str(path) for name, path in made_networks.write_all(tmp_path_factory.mktemp("networks")).items()}


@pytest.fixture(autouse=True)
def _idle_networks_in_a_folder(networks, tmp_path, monkeypatch):
    idle(monkeypatch, networks)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def told(capsys):
    """Return a function that runs a command; see `support.pictures_command.run`."""
    return functools.partial(run, capsys)


STROKES = {"format": "colorjax hints", "version": 1, "width": 24, "height": 16}
STROKES["points"] = [{"color": "#dc3c3c", "size": 4, "x": 10, "y": 6}]


@pytest.fixture(scope="module")
def guided_file(tmp_path_factory):
    return made_networks.write_guided(tmp_path_factory.mktemp("guided") / "guided.safetensors")


@pytest.fixture
def guided(guided_file, monkeypatch):
    """The colorizer of the project is one that takes hints and references."""
    monkeypatch.setattr(restoration, "COLORIZER", str(guided_file))


def test_network_is_guided_by_hints_as_picture_or_json_and_by_a_reference(told, guided):
    Image.fromarray(scribbled()).save("marked.png")
    Path("strokes.json").write_text(json.dumps(STROKES))
    save("reference.png")
    results = []
    for number, word in enumerate(
        ("--vividness=0.5", "--hints=marked.png", "--hints=strokes.json", "--reference=reference.png", "--vividness=1")
    ):
        status, _, err = told("colorize", "a.png", word, f"--output=out{number}")
        assert status == 0, err
        results.append(read(f"out{number}/a.png"))
        np.testing.assert_array_equal(restoration.gray_levels(results[-1]), read("a.png")[..., 0])
    assert all((result != results[0]).any() for result in results[1:])
    status, _, _ = told("colorize", "a.png", "--hints=strokes.json", "--method=scribble", "--output=out")
    assert status == 0
    assert read("out/a.png")[6, 10, 0] > read("out/a.png")[6, 10, 2]


def scribbled():
    gray = values(1)[:16, :24]
    Image.fromarray(gray[..., 0]).save("a.png")
    marked = np.repeat(gray, 3, axis=-1)
    marked[4:8, 2:20] = (200, 60, 60)
    return marked


def test_hints_are_spread(told):
    Image.fromarray(scribbled()).save("marked.png")
    status, _, err = told("colorize", "a.png", "--hints=marked.png", "--method=scribble", "--output=out")
    assert status == 0
    assert "marked.png: 19% of the pixels are painted" in err  # 4 x 18 of 16 x 24
    colored = read("out/a.png").astype(int)
    assert (colored[..., 0] - colored[..., 2]).mean() > 20
    np.testing.assert_array_equal(restoration.gray_levels(colored.astype(np.uint8)), read("a.png")[..., 0])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--hints=small.png"], "the hints are 23x16 pixels and the picture 24x16 pixels: they must be alike"),
        (["--hints=a.png"], "the hints are the picture itself: nothing is painted over it"),
        (["--hints=all.png"], "% of the pixels of the hints are painted, more than half; paint strokes on a copy"),
        (["--hints=none.png"], "none.png: No such file or directory"),
        (["--hints=none.json"], "none.json: No such file or directory"),
        (["--hints=broken.json"], "broken.json: no JSON: "),
        (["--hints=small.json"], "the hints are 23x16 pixels and the picture 24x16 pixels: they must be alike"),
        (["--hints=marked.png", "b.png"], "--hints=marked.png is for one picture; give that picture alone"),
        (["--reference=a.png"], "the reference is gray: it has no colors to take over"),
        (["--reference=none.png"], "none.png: No such file or directory"),
        (["--vividness=2"], "vividness=2.0: must be from 0 (safe) to 1 (vivid)"),
        (["--vividness=1", "--weights=colorizer"], "between which no vividness can choose; use others"),
        (["--method=scribble"], "the method scribble needs hints: a copy of the picture with colors painted over it"),
        (["--method=scrible"], "no method of colorizing is named 'scrible'; did you mean 'scribble'?"),
    ],
)
def test_bad_hints_are_one_line(told, networks, guided, words, line):
    words = [word.replace("=colorizer", f"={networks['colorizer']}") for word in words]
    marked = scribbled()
    Path("broken.json").write_text("{")
    Path("small.json").write_text(json.dumps(STROKES | {"width": 23}))
    save("b.png")
    Image.fromarray(marked).save("marked.png")
    Image.fromarray(marked[:, 1:]).save("small.png")
    Image.fromarray(values(3)[:16, :24]).save("all.png")
    status, _, err = told("colorize", "a.png", *words, "--output=out")
    assert status in (1, 2)
    assert line in err
    assert err.count("\n") == 1
