"""FID: pictures come to Inception as two programs bring them, and `measure --fid` has the distance."""

import csv
import re
import shutil

import jax
import numpy as np
import pytest
import safetensors.numpy
from PIL import Image
from support import fid_inception

import launch
from colorjax.commands import measure
from colorjax.commands.options import FID_MANNERS
from colorjax.evaluation import fid
from colorjax.metrics.frechet import frechet_distance, moments
from colorjax.models import inception_v3_weights
from colorjax.models.inception_v3 import InceptionV3

pytestmark = pytest.mark.slow  # its networks compile for long

SMALL = 96  # in place of 299, where only the network's answers count


def pixels(seed, size=(45, 60)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)


def as_read(array):
    return array / np.float32(255)


def bicubic(side, new_side):
    """Pillow's antialiased bicubic as a matrix [new, old] (Keys 1981 with a = -0.5)."""
    scale = side / new_side
    wide = max(scale, 1)
    x = np.abs(np.arange(side) + 0.5 - (np.arange(new_side)[:, np.newaxis] + 0.5) * scale) / wide
    weights = np.where(x < 1, 1.5 * x**3 - 2.5 * x**2 + 1, np.where(x < 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0))
    return weights / weights.sum(axis=1, keepdims=True)


# Inputs


@pytest.mark.parametrize("size", [(45, 60), (299, 299), (700, 340)])
def test_clean_input_is_pillows_bicubic_cut_off_and_not_rounded(size):
    picture = pixels(0, size)
    levels = np.einsum("ah,hwc,bw->abc", bicubic(size[0], 299), picture, bicubic(size[1], 299), optimize=True)
    if size[0] < 299:  # overshoots
        assert levels.min() < 0
        assert levels.max() > 255
    found = fid.inception_input(as_read(picture), "clean")
    assert found.dtype == np.float32
    np.testing.assert_allclose(128 * found + 128, np.clip(levels, 0, 255), atol=2e-3)


def test_clean_input_is_that_of_whole_levels():
    """clean-fid resizes the levels of the file themselves."""
    picture = pixels(1, (70, 90))
    planes = [Image.fromarray(picture[..., i].astype(np.float32)) for i in range(3)]
    expected = np.stack([np.asarray(plane.resize((299, 299), Image.Resampling.BICUBIC)) for plane in planes], axis=-1)
    found = fid.inception_input(as_read(picture), "clean")
    np.testing.assert_allclose(128 * found + 128, expected.clip(0, 255), atol=2e-4)


@pytest.mark.parametrize("size", [(4, 6), (299, 299), (700, 340)])
def test_pytorch_input_is_bilinear_without_antialiasing(size):
    picture = pixels(2, size)
    place = [np.maximum((np.arange(299) + 0.5) * side / 299 - 0.5, 0) for side in size]
    by_rows = np.apply_along_axis(lambda line: np.interp(place[0], np.arange(size[0]), line), 0, picture / 255)
    expected = np.apply_along_axis(lambda line: np.interp(place[1], np.arange(size[1]), line), 1, by_rows)
    found = fid.inception_input(as_read(picture), "pytorch")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 2 * expected - 1, atol=1e-5)


@pytest.mark.parametrize(("manner", "low", "high"), [("clean", -1, 127 / 128), ("pytorch", -1, 1)])
def test_ranges_are_those_of_the_programs(manner, low, high):
    for value, expected in ((0, low), (1, high)):
        found = fid.inception_input(np.full((20, 30, 3), value, np.float32), manner)
        np.testing.assert_allclose(found, np.full((299, 299, 3), expected), atol=1e-6)


def test_the_option_has_the_manners():
    assert tuple(fid.PROGRAMS) == FID_MANNERS


# The command


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The cache with the network converted from made tensors."""
    folder = tmp_path_factory.mktemp("weights")
    (folder / "made.safetensors").write_bytes(safetensors.numpy.save(fid_inception.state_dict()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLORJAX_CACHE", str(folder / "cache"))
        inception_v3_weights.convert(folder / "made.safetensors")
    return folder / "cache"


@pytest.fixture(scope="module")
def pooled(weights):
    """The network's pooled features of its inputs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLORJAX_CACHE", str(weights))
        variables = inception_v3_weights.load().variables
    apply = jax.jit(lambda variables, inputs: InceptionV3().apply(variables, inputs)["pooled"])
    return lambda inputs: np.asarray(apply(variables, inputs))


@pytest.fixture(autouse=True)
def _own_weights(monkeypatch):
    """Features for the other distance that need no published weights; nothing kept from another test."""
    monkeypatch.setattr(measure, "features", lambda picture: picture.mean(axis=(0, 1)))
    for cached in (inception_v3_weights.load, fid._variables):
        cached.cache_clear()
    yield
    for cached in (inception_v3_weights.load, fid._variables):
        cached.cache_clear()


def folders(tmp_path, count):
    for number in range(count):
        for folder, seed in (("results", number), ("truths", 100 + number)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels(seed, (20 + number, 30))).save(tmp_path / folder / f"{number}.png")


def run(tmp_path, *words):
    return launch.main(["measure", str(tmp_path / "results"), f"--against={tmp_path / 'truths'}", *words])


def table(path):
    with path.open() as file:
        return {row["metric"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("manner", FID_MANNERS)
def test_fid_is_the_distance_of_pooled_features(manner, weights, pooled, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLORJAX_CACHE", str(weights))
    monkeypatch.setattr(fid, "SIZE", SMALL)
    folders(tmp_path, 3)
    assert run(tmp_path, f"--fid={manner}", f"--output={tmp_path / 'out'}") == 0
    sides = []
    for folder in ("results", "truths"):
        pictures = [as_read(np.asarray(Image.open(tmp_path / folder / f"{number}.png"))) for number in range(3)]
        inputs = [fid.inception_input(picture, manner)[np.newaxis] for picture in pictures]
        sides.append(moments(np.concatenate([pooled(one) for one in inputs])))
    row = table(tmp_path / "out/measure.csv")[f"fid_{manner}"]
    assert float(row["mean"]) == pytest.approx(frechet_distance(*sides), rel=1e-3)
    assert row["count"] == "3"
    printed = capsys.readouterr().out
    assert re.search(rf"\| FID \(as {manner}-fid\) +\| +{float(row['mean']):.2f} \|", printed)
    assert f"FID of 3 pictures a side, as {manner}-fid computes it. With 2,048 or fewer the covariances are" in printed
    assert "It is not FID" in printed  # the other distance


def test_fid_of_equal_folders_is_0(weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLORJAX_CACHE", str(weights))
    monkeypatch.setattr(fid, "SIZE", SMALL)
    folders(tmp_path, 3)
    shutil.rmtree(tmp_path / "results")
    shutil.copytree(tmp_path / "truths", tmp_path / "results")
    assert run(tmp_path, "--fid=clean", f"--output={tmp_path / 'out'}") == 0
    assert float(table(tmp_path / "out/measure.csv")["fid_clean"]["mean"]) == pytest.approx(0, abs=1e-6)
    capsys.readouterr()


def test_nothing_is_said_of_bias_with_more_pictures_than_features():
    assert "biased" in measure._about_fid(2048, "clean")
    assert measure._about_fid(2049, "clean") == "FID of 2,049 pictures a side, as clean-fid computes it."


def test_without_fid_none_is_computed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fid, "features", None)
    folders(tmp_path, 2)
    assert run(tmp_path, f"--output={tmp_path / 'out'}") == 0
    assert not [name for name in table(tmp_path / "out/measure.csv") if name.startswith("fid")]
    assert "FID (as" not in capsys.readouterr().out


def test_missing_weights_are_one_line_before_anything_is_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr(measure, "_measured", None)
    folders(tmp_path, 2)
    assert run(tmp_path, "--fid=pytorch") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "the weights of FID's Inception are not in" in line
    assert "'python launch.py weights inception_fid --from=FILE'" in line


def test_one_pair_is_one_line_before_anything_is_measured(weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLORJAX_CACHE", str(weights))
    monkeypatch.setattr(measure, "_measured", None)
    folders(tmp_path, 1)
    assert run(tmp_path, "--fid=clean") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--fid=clean: FID takes two pictures or more; one of" in line
