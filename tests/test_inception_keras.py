"""Inception-ResNet-v2 against Keras itself, and what is kept of Keras's answers too; `make test-keras` runs these."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from support import inception_files

from colorjax.models.inception import weights as inception_weights
from colorjax.models.inception.network import END_POINTS, InceptionResNetV2

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def keras_folder(tmp_path_factory):
    """The folder that keras_inception.py has filled."""
    folder = tmp_path_factory.mktemp("keras")
    # Keras knows nothing of the strictness that conftest.py asks of this project's code.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "XLA_"))}
    words = [sys.executable, "-m", "support.keras_inception", folder]
    subprocess.run(words, check=True, timeout=600, env=environment | {"PYTHONPATH": str(Path(__file__).parent)})
    yield folder
    for file in folder.iterdir():  # near a gigabyte
        file.unlink()


@pytest.fixture(scope="module")
def converted(keras_folder, tmp_path_factory):
    """By file name, what the converter makes of each of Keras's files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLORJAX_CACHE", str(tmp_path_factory.mktemp("converted")))
        return {name: inception_weights.convert(keras_folder / name)[1] for name in inception_files.FILES}


def answers(folder, size):
    """Return the inputs of that size and Keras's end points."""
    with np.load(folder / "answers.npz") as stored:
        theirs = {name.split("/")[1]: stored[name] for name in stored.files if name.startswith(f"{size}/")}
    return theirs.pop("inputs"), theirs


@pytest.mark.parametrize(("file", "size"), [("whole.h5", "own"), ("whole.h5", "other"), ("headless.h5", "own")])
def test_end_points_are_those_of_keras(keras_folder, converted, file, size):
    inputs, theirs = answers(keras_folder, size)
    weights = converted[file]
    ours = jax.jit(InceptionResNetV2(weights.classes).apply)(weights.variables, inputs)
    assert set(ours) == set(END_POINTS) - (set() if weights.classes else {"logits", "softmax"})
    # Keras gives the softmax alone, and asks its network with classifier for its own size alone.
    missing = {"logits"} if size == "own" else {"pooled", "logits", "softmax"}
    assert set(END_POINTS) - set(theirs) == missing
    for name, expected in theirs.items():
        if name == "softmax" and not weights.classes:
            continue
        assert ours[name].shape == expected.shape, name
        error = np.linalg.norm(ours[name] - expected) / np.linalg.norm(expected)
        assert error < 1e-4, (name, error)
        assert np.abs(ours[name] - expected).max() < 1e-4 * np.abs(expected).max(), name


def test_logits_are_those_behind_kerass_softmax(keras_folder, converted):
    """They are its logarithm up to one number for each picture."""
    inputs, theirs = answers(keras_folder, "own")
    softmax = np.log(np.float64(theirs["softmax"]))
    logits = jax.jit(InceptionResNetV2().apply)(converted["whole.h5"].variables, inputs)["logits"]
    ours = np.asarray(logits, np.float64)
    difference = (ours - softmax) - (ours - softmax).mean(axis=1, keepdims=True)
    assert np.abs(difference).max() < 1e-4 * np.abs(ours).max()


def test_keras_answers_kept_are_those_of_keras(keras_folder):
    with np.load(keras_folder / inception_files.KEPT.name) as new, np.load(inception_files.KEPT) as kept:
        assert set(new.files) == set(kept.files)
    _, kept = inception_files.read_kept()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inception_files, "KEPT", keras_folder / inception_files.KEPT.name)
        _, new = inception_files.read_kept()
    for name, expected in kept.items():
        for key, part in expected.items():
            np.testing.assert_allclose(new[name][key], part, rtol=0, atol=1e-5 * expected["largest"], err_msg=name)


def test_keras_layouts_kept_are_those_of_keras(keras_folder, converted, tmp_path):
    """The files that are made without Keras have Keras's groups, attributes and numbers."""
    inception_files.write_files(tmp_path)
    for name in inception_files.FILES:
        assert contents(tmp_path / name) == contents(keras_folder / name)
        ours, theirs = (flatten_dict(found.variables) for found in (read(tmp_path / name), converted[name]))
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[path], theirs[path]) for path in ours)


def contents(path):
    with h5py.File(path) as file:
        places = {}
        file.visititems(
            lambda name, item: places.update({item[()].tobytes(): name}) if isinstance(item, h5py.Dataset) else None
        )
    return inception_files.layout_of(path, places)


def read(path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLORJAX_CACHE", str(path.parent / "cache"))
        return inception_weights.convert(path)[1]
