"""The command `measure`: pairs by name, all metrics against their own functions, and the Fréchet distance."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image
from scipy import linalg

import launch
from colorjax.commands import measure
from colorjax.errors import UserError
from colorjax.metrics.frechet import Moments, frechet_distance, moments
from colorjax.metrics.registry import METRICS


def write(folder, name, seed, size=(9, 12)):
    folder.mkdir(exist_ok=True, parents=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / name)
    return pixels.astype(np.float32) / 255


@pytest.fixture(autouse=True)
def _features(monkeypatch):
    """Features that need no published weights."""
    monkeypatch.setattr(measure, "features", lambda picture: picture.mean(axis=(0, 1)))


def run(tmp_path, *words):
    words = [str(tmp_path / "results"), f"--against={tmp_path / 'truths'}", *words]
    return launch.main(["measure", *words])


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_pictures_pair_by_name_and_have_their_metrics(tmp_path, capsys):
    pairs = {}
    for number, name in enumerate(("a", "b/c")):
        (tmp_path / "results/b").mkdir(parents=True, exist_ok=True)
        (tmp_path / "truths/b").mkdir(parents=True, exist_ok=True)
        result = write(tmp_path / "results", f"{name}.png", number)
        truth = write(tmp_path / "truths", f"{name}.bmp", number + 10)
        pairs[name] = (truth, result)
    write(tmp_path / "results", "alone.png", 7)
    assert run(tmp_path, f"--output={tmp_path / 'out'}") == 0
    printed = capsys.readouterr()
    assert "1 picture of" in printed.err
    assert "alone" in printed.err
    found = {row["picture"]: row for row in rows(tmp_path / "out/pictures.csv")}
    assert found.keys() == pairs.keys()
    for name, (truth, result) in pairs.items():
        for metric in ("psnr", "mse", "ciede2000", "ab_psnr", "auc", "rebalanced_auc"):
            assert float(found[name][metric]) == pytest.approx(float(METRICS[metric](truth, result)), rel=1e-4), metric
    means = {row["metric"]: float(row["mean"]) for row in rows(tmp_path / "out/measure.csv")}
    assert means["psnr"] == pytest.approx(np.mean([float(row["psnr"]) for row in found.values()]))
    assert means.keys() == {*METRICS, "frechet_distance"}
    assert f"{means['psnr']:.2f}" in printed.out
    assert "It is not FID" in printed.out


def test_a_folder_against_itself_has_the_best_of_everything(tmp_path, capsys):
    for number in range(3):
        write(tmp_path / "truths", f"{number}.png", number)
    shutil.copytree(tmp_path / "truths", tmp_path / "results")
    assert run(tmp_path, f"--output={tmp_path / 'out'}") == 0
    means = {row["metric"]: float(row["mean"]) for row in rows(tmp_path / "out/measure.csv")}
    assert (means["psnr"], means["ab_psnr"], means["auc"], means["mse"]) == (100, 100, 1, 0)
    assert means["frechet_distance"] == pytest.approx(0, abs=1e-9)
    capsys.readouterr()


@pytest.mark.parametrize(
    ("results", "line"),
    [
        ({"other.png": (9, 12)}, "no picture of .* has the name of one of .*: other"),
        ({"a.png": (9, 13), "b.png": (9, 12)}, r"1 pair of different sizes: a \(13x9 and 12x9\); bring the pictures"),
        ({"a.png": (9, 12), "a.bmp": (9, 12)}, "a.bmp and a.png have one name but for the suffix"),
        ({}, "no such folder"),
    ],
)
def test_folders_that_do_not_pair_are_one_line(results, line, tmp_path, capsys):
    for name in ("a.png", "b.png"):
        write(tmp_path / "truths", name, 0)
    for name, size in results.items():
        write(tmp_path / "results", name, 1, size)
    assert run(tmp_path) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("launch.py measure: ")
    with pytest.raises(AssertionError, match=line):
        raise AssertionError(error)


def test_measure_looks_at_its_output_first(tmp_path, capsys):
    for folder in ("results", "truths"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "a.png", 0)
    (tmp_path / "a file").touch()
    assert run(tmp_path, f"--output={tmp_path / 'a file'}") == 2
    (tmp_path / "out/measure.csv").mkdir(parents=True)
    assert run(tmp_path, f"--output={tmp_path / 'out'}") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    first, second = printed.err.splitlines()
    assert "a file: can't be made" in first
    assert "measure.csv in it is a folder, and a file of that name is to be written" in second


def test_measure_goes_without_features_that_are_missing(tmp_path, monkeypatch, capsys):
    def missing(picture):
        raise UserError("no weights; install them")

    monkeypatch.setattr(measure, "features", missing)
    for folder in ("truths", "results"):
        write(tmp_path / folder, "a.png", 0)
    assert run(tmp_path) == 0
    assert "No Fréchet distance: no weights; install them." in capsys.readouterr().out


# The Fréchet distance


def gaussians(dimension, seed=0):
    random = np.random.default_rng(seed)
    roots = random.normal(size=(2, dimension, dimension))
    means = random.normal(size=(2, dimension))
    return [Moments(mean, root) for mean, root in zip(means, roots, strict=True)]


def test_frechet_distance_is_that_of_the_matrix_root():
    first, second = gaussians(6)
    covariance, other = first.root.T @ first.root, second.root.T @ second.root
    root = linalg.sqrtm(covariance @ other)
    expected = np.sum((first.mean - second.mean) ** 2) + np.trace(covariance + other - 2 * root.real)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_of_independent_features_is_the_closed_form():
    random = np.random.default_rng(1)
    means, deviations = random.normal(size=(2, 5)), random.uniform(0.1, 2, (2, 5))
    both = [Moments(mean, np.diag(deviation)) for mean, deviation in zip(means, deviations, strict=True)]
    expected = np.sum((means[0] - means[1]) ** 2) + np.sum((deviations[0] - deviations[1]) ** 2)
    assert frechet_distance(*both) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("count", "other"), [(4, 4), (4, 50), (50, 50)])
def test_frechet_distance_of_fewer_and_of_more_pictures_than_features_is_the_formula(count, other):
    random = np.random.default_rng(2)
    features, others = random.normal(size=(count, 30)), random.normal(1, 2, (other, 30))
    covariances = np.cov(features.T), np.cov(others.T)
    # the root of a singular product from its eigenvalues, which are real and not negative but for rounding
    overlap = np.sqrt(np.maximum(np.linalg.eigvals(covariances[0] @ covariances[1]).real, 0)).sum()
    means = features.mean(axis=0) - others.mean(axis=0)
    expected = means @ means + np.trace(covariances[0] + covariances[1]) - 2 * overlap
    assert frechet_distance(moments(features), moments(others)) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_of_a_shift_is_its_square():
    random = np.random.default_rng(2)
    features = random.normal(size=(4, 30))
    distance = frechet_distance(moments(features), moments(features + 2))
    assert distance == pytest.approx(30 * 4, rel=1e-6)  # the covariances are equal
    with pytest.raises(ValueError, match="n of 2 or more"):
        moments(features[:1])


@pytest.mark.parametrize("count", [3, 20])
def test_moments_are_numpys(count):
    features = np.random.default_rng(3).normal(size=(count, 5)).astype(np.float32)
    mean, root = moments(features)
    assert root.shape == (min(count, 5), 5)
    np.testing.assert_allclose(mean, features.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(root.T @ root, np.cov(features.T), rtol=1e-5, atol=1e-6)
