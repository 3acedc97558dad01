"""FID's Inception: its end points are those of Keras's layers, and a file in the published layout is converted."""

import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import jax
import numpy as np
import pytest
import safetensors.numpy
from support import fid_inception, inception_files

import launch
from colorjax.errors import UserError
from colorjax.models import inception_v3_weights
from colorjax.models.inception_v3 import BLOCKS, InceptionV3

pytestmark = pytest.mark.slow  # its networks compile for long


@pytest.fixture(scope="module")
def state():
    return fid_inception.state_dict()


@pytest.fixture(scope="module")
def converted(state, tmp_path_factory):
    """The weights that the command makes of a file, and what it says."""
    folder = tmp_path_factory.mktemp("fid")
    path = folder / "pt_inception.safetensors"
    path.write_bytes(safetensors.numpy.save(state))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLORJAX_CACHE", str(folder / "cache"))
        inception_v3_weights.load.cache_clear()
        assert launch.main(["weights", "inception_fid", f"--from={path}"]) == 0
        weights = inception_v3_weights.load()
    inception_v3_weights.load.cache_clear()
    assert (folder / "cache/inception_fid.safetensors").is_file()
    return weights


@pytest.fixture(scope="module")
def points(converted):
    return jax.device_get(jax.jit(InceptionV3().apply)(converted.variables, fid_inception.inputs()))


def test_end_points_are_those_of_keras_with_max_pooling_in_the_last_block(points):
    _, theirs = fid_inception.read_kept()
    assert points.keys() - theirs.keys() == {"logits"}
    for name, expected in theirs.items():
        assert points[name].dtype == np.float32
        inception_files.assert_summary(name, points[name], expected, 1e-4)


def test_the_last_block_differs_from_the_one_before_in_its_pooling_alone():
    assert BLOCKS["mixed_7b"]._replace(pooling="largest") == BLOCKS["mixed_7c"] != BLOCKS["mixed_7b"]


def test_logits_are_those_of_the_file(points, state):
    expected = points["pooled"] @ state["fc.weight"].T + state["fc.bias"]
    np.testing.assert_allclose(points["logits"], expected, rtol=1e-4, atol=1e-4)


def test_there_are_as_many_weights_as_kerass(converted):
    counts, _ = fid_inception.read_kept()
    ours = [sum(leaf.size for leaf in jax.tree.leaves(converted.variables[key])) for key in ("params", "batch_stats")]
    # 23,834,568 with 1,000 classes and scales of the normalizations, in torchvision and without its auxiliary head
    assert ours == list(counts) == [23_834_568 + 8 * 2049 - 17_216, 2 * 17_216]


def test_inputs_of_another_shape_are_refused(converted):
    for shape in ((75, 75, 3), (1, 75, 75, 1), (1, 74, 75, 3)):
        with pytest.raises(ValueError, match="H and W at least 75"):
            jax.eval_shape(InceptionV3().apply, converted.variables, np.zeros(shape, np.float32))


# Files


class FloatStorage:
    """Stands for the type of PyTorch's storages."""


def _rebuild_tensor_v2():
    """Stands for the function that a pickle of PyTorch's calls for each tensor."""


class Storage(NamedTuple):
    """A storage in a pickle; its numbers are in a file of its own."""

    key: str
    size: int


class Pickler(pickle.Pickler):
    """Writes arrays as PyTorch writes its tensors."""

    def persistent_id(self, value):
        return ("storage", FloatStorage, value.key, "cpu", value.size) if isinstance(value, Storage) else None

    def reducer_override(self, value):
        if not isinstance(value, np.ndarray):
            return NotImplemented
        self.arrays.append(np.asarray(value, np.float32, order="C"))
        storage = Storage(str(len(self.arrays) - 1), value.size)
        strides = tuple(step // 4 for step in self.arrays[-1].strides)
        return _rebuild_tensor_v2, (storage, 0, value.shape, strides, False, {})


def save(path, state):
    """Write a state dict as an archive of PyTorch's."""
    with pytest.MonkeyPatch.context() as patch, zipfile.ZipFile(path, "w") as archive:
        for thing, module in ((FloatStorage, "torch"), (_rebuild_tensor_v2, "torch._utils")):
            patch.setattr(thing, "__module__", module)
            patch.setitem(sys.modules, module, SimpleNamespace(**{thing.__name__: thing}))
        with archive.open("archive/data.pkl", "w") as file:
            pickler = Pickler(file, 2)
            pickler.arrays = []
            pickler.dump(state)
        for number, array in enumerate(pickler.arrays):
            archive.writestr(f"archive/data/{number}", array.tobytes())
    return path


def test_file_of_pytorchs_is_the_same_network(converted, state, tmp_path, monkeypatch):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path / "cache"))
    _, weights = inception_v3_weights.convert(save(tmp_path / "pt_inception.pth", state))
    assert "pt_inception.pth, a state dict of PyTorch" in weights.origin
    jax.tree.map(np.testing.assert_array_equal, weights.variables, converted.variables)


def without(state, *names):
    return {name: array for name, array in state.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda s: without(s, "Mixed_7c.branch_pool.bn.bias"), "it lacks Mixed_7c.branch_pool.bn.bias"),
        (
            lambda s: s | {"AuxLogits.fc.bias": np.ones(1000, np.float32)},
            "1 tensors are not of FID's Inception .*, as Aux",
        ),
        (lambda s: s | {"fc.weight": s["fc.weight"][:1000], "fc.bias": s["fc.bias"][:1000]}, r"fc/\w+ has the shape"),
        (lambda s: s | {"fc.weight": np.ones(3, np.float32)}, r"fc.weight has the shape \(3,\), not 2 axes"),
        (
            lambda s: s | {"Conv2d_1a_3x3.bn.weight": np.ones(3, np.float32)},
            r"Conv2d_1a_3x3 has a kernel, scale and mean of \(32, 3, 3, 3\), \(3,\), \(32,\)",
        ),
        (lambda s: s | {"fc.bias": np.full(1008, np.nan, np.float32)}, "params/fc/bias has values that are not finite"),
    ],
)
def test_weights_of_another_network_are_one_line(change, line, state):
    with pytest.raises(UserError, match=f"^FILE: .*{line}") as error:
        inception_v3_weights.checked(change(state), "FILE")
    assert "\n" not in str(error.value)


def test_files_that_are_none_are_one_line_with_the_place(tmp_path, capsys):
    archive = tmp_path / "inception-2015-12-05.pt"
    with zipfile.ZipFile(archive, "w") as file:  # as TorchScript's: an object of a class in the archive itself
        file.writestr("inception/data.pkl", b"\x80\x02c__torch__.metrics\nInceptionV3\n)\x81.")
        file.writestr("inception/code/__torch__/metrics.py", "class InceptionV3(Module): ...")
    for path, line in (
        (
            archive,
            "it holds __torch__.metrics.InceptionV3, and only tensors are read; what is read is the file of https",
        ),
        (tmp_path / "none.pth", "No such file or directory; it is to be had at https://github.com/mseitzer"),
        ("", "are not fetched: give the file, --from=FILE, of https://github.com/mseitzer/pytorch-fid/"),
    ):
        assert launch.main(["weights", "inception_fid", f"--from={path}"]) == 2
        (said,) = capsys.readouterr().err.splitlines()
        assert line in said


def test_weights_that_are_not_there_or_damaged_are_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path))
    inception_v3_weights.load.cache_clear()
    with pytest.raises(
        UserError, match=r"get https://\S+ and run 'python launch.py weights inception_fid --from=FILE'"
    ):
        inception_v3_weights.load()
    (tmp_path / "inception_fid.safetensors").write_bytes(b"not weights")
    with pytest.raises(UserError, match="delete it and convert the weights again"):
        inception_v3_weights.load()


# Keras itself


@pytest.mark.keras
def test_answers_kept_are_those_of_keras(tmp_path):
    path = tmp_path / "answers.npz"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "XLA_"))}
    words = [sys.executable, "-m", "support.keras_inception_v3", path]
    subprocess.run(words, check=True, timeout=600, env=environment | {"PYTHONPATH": str(Path(__file__).parent)})
    (counts, kept), (new_counts, new) = fid_inception.read_kept(), fid_inception.read_kept(path)
    assert list(counts) == list(new_counts)
    assert kept.keys() == new.keys()
    for name, expected in kept.items():
        for key, part in expected.items():
            np.testing.assert_allclose(new[name][key], part, rtol=1e-6, atol=1e-5 * expected["largest"], err_msg=name)
