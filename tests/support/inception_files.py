"""Inception-ResNet-v2 as Keras writes it to files, made without Keras, and what Keras answers with those weights.

`keras_inception.npz` is of Keras: how it lays out each of its files, and of each end point a part of its answer to
`inputs()`. `keras_inception.py` writes it, and `make test-keras` holds it to Keras. The weights are of no file: they
follow from the place of each in the network.
"""

import json
import math
from pathlib import Path

import h5py
import numpy as np

KEPT = Path(__file__).with_name("keras_inception.npz")
FILES = ("whole.h5", "whole.weights.h5", "headless.h5")
SHAPE = (2, 139, 171, 3)


def inputs():
    """Return two pictures in [-1, 1]."""
    return 2 * _uniform(2**20, 0, SHAPE) - 1


def weight(layer, number, name, shape):
    """Return what Keras's variable `name`, the `number`-th of the `layer`-th layer that has any, holds.

    The values are near those of a trained network in size.
    """
    uniform = _uniform(layer, number, shape)
    if name == "moving_variance":
        return np.float32(0.5) + np.float32(1.5) * uniform
    deviation = np.sqrt(2 / np.prod(shape[:-1])) if name == "kernel" else 0.2  # He et al.; beta, moving_mean, bias
    return np.float32(deviation * np.sqrt(12)) * (uniform - np.float32(0.5))


def _uniform(layer, number, shape):
    """Return float32 numbers in [0, 1) from the bits of a generator, which NumPy promises not to change."""
    count = math.prod(shape)
    bits = np.random.Philox(key=[layer, number]).random_raw(-(-count // 2)).view(np.uint32)[:count]
    return ((bits >> 8).astype(np.float32) * np.float32(2**-24)).reshape(shape)


def layout_of(path, places):
    """Return how a file is laid out, for `write`; `places` has the layer and number of each weight by its bytes."""
    groups, datasets = {}, {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            datasets[name] = places[item[()].tobytes()]
        else:
            groups[name] = {key: _plain(value) for key, value in item.attrs.items() if key != "keras_version"}

    with h5py.File(path) as file:
        visit("/", file)
        file.visititems(visit)
    return {"groups": groups, "datasets": datasets}


def _plain(value):
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


def read_kept():
    """Return the layouts, and the kept part of the answers as {end point: summary}."""
    with np.load(KEPT) as stored:
        layouts = json.loads(bytes(stored["layouts"]))
        answers = {}
        for path in stored.files:
            if "/" in path:
                name, key = path.split("/")
                answers.setdefault(name, {})[key] = stored[path]
    return layouts, answers


def write_files(folder):
    """Write each of `FILES` as Keras would."""
    layouts, _ = read_kept()
    weights = {
        (layer, number): weight(layer, number, name, shape)
        for layer, variables in enumerate(layouts["weights"])
        for number, (name, shape) in enumerate(variables)
    }
    for name in FILES:
        with h5py.File(folder / name, "w") as file:
            for path, attributes in layouts[name]["groups"].items():
                group = file.require_group(path)
                for key, value in attributes.items():
                    group.attrs[key] = np.array(value, dtype="S") if isinstance(value, list) else value
            for path, place in layouts[name]["datasets"].items():
                file.create_dataset(path, data=weights[tuple(place)])


def some_values(array):
    """Return some 1,000 values of an array, not all of one channel."""
    return array.reshape(-1)[:: (array.size // 1000) | 1]


def summary(array):
    """Return what is kept of an end point [B, ..., C]: some 1,000 values, the mean of each channel, and its size."""
    array = np.asarray(array)
    return {
        "shape": np.array(array.shape),
        "norm": np.linalg.norm(np.float64(array)),
        "largest": np.abs(array).max(),
        "values": some_values(array),
        "channels": array.mean(axis=tuple(range(array.ndim - 1))),
    }


def assert_summary(name, ours, expected, tolerance):
    """Fail unless an end point is as expected, its summary's differences relative to the end point's own size."""
    ours = summary(ours)
    assert tuple(ours["shape"]) == tuple(expected["shape"]), name
    np.testing.assert_allclose(ours["norm"], expected["norm"], rtol=tolerance, err_msg=name)
    np.testing.assert_allclose(ours["largest"], expected["largest"], rtol=tolerance, err_msg=name)
    error = np.linalg.norm(ours["values"] - expected["values"]) / np.linalg.norm(expected["values"])
    assert error < tolerance, (name, error)
    for key in ("values", "channels"):
        assert np.abs(ours[key] - expected[key]).max() < tolerance * expected["largest"], (name, key)
