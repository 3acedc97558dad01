"""Inception-ResNet-v2 against what Keras's own answers, through each format of its weights, and on its own."""

import os
import re
from contextlib import redirect_stdout
from io import StringIO

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from flax.traverse_util import flatten_dict
from safetensors.numpy import save_file
from support import inception_files
from support.timm_state import as_timm

import launch
from colorjax.errors import UserError
from colorjax.models.inception import weights as inception_weights
from colorjax.models.inception.network import END_POINTS, InceptionResNetV2, inception_input

pytestmark = pytest.mark.slow

SMALL = (1, 75, 75, 3)


@pytest.fixture(scope="module")
def keras_folder(tmp_path_factory):
    """The folder of the files that Keras would write."""
    folder = tmp_path_factory.mktemp("keras")
    inception_files.write_files(folder)
    yield folder
    for file in folder.iterdir():  # near a gigabyte
        file.unlink()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path_factory.getbasetemp() / "colorjax-cache"))


@pytest.fixture(scope="module")
def apply():
    """The network compiled, for the pictures that Keras was asked about."""
    return jax.jit(InceptionResNetV2().apply)


@pytest.fixture(scope="module")
def random_weights():
    return inception_weights.random(0)


def arrays(weights):
    return flatten_dict(weights.variables)


# The network is Keras's


@pytest.fixture(scope="module")
def converted(keras_folder, tmp_path_factory):
    """By file name, what the converter makes of each of Keras's files, and what the command says to it."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for name in inception_files.FILES:
            folder = tmp_path_factory.mktemp("converted")
            patch.setenv("COLORJAX_CACHE", str(folder))
            with redirect_stdout(StringIO()) as said:
                assert launch.main(["weights", "inception", f"--from={keras_folder / name}"]) == 0
            found[name] = inception_weights.load(classifier=False), said.getvalue(), folder
    return found


@pytest.fixture(scope="module")
def points(apply, converted):
    """Every end point for the pictures that Keras was asked about."""
    return jax.device_get(apply(converted["whole.h5"][0].variables, inception_files.inputs()))


def test_end_points_are_those_that_keras_gave(points):
    theirs = inception_files.read_kept()[1]
    assert set(points) == set(END_POINTS)
    assert set(END_POINTS) - set(theirs) == {"logits"}  # Keras gives the softmax alone
    for name, expected in theirs.items():
        assert points[name].dtype == jnp.float32
        inception_files.assert_summary(name, points[name], expected, 1e-4)


def test_logits_are_those_behind_kerass_softmax(points):
    """They are its logarithm up to one number for each picture."""
    softmax = np.float64(inception_files.read_kept()[1]["softmax"]["values"])
    logits = np.float64(points["logits"])
    ours = inception_files.some_values(scipy.special.log_softmax(logits, axis=1))
    assert np.abs(ours - np.log(softmax)).max() < 1e-4 * np.abs(logits).max()


def test_logits_follow_from_the_pooled_features_and_the_softmax_from_them(points, converted):
    last = points["conv2d_7b"].mean(axis=(1, 2))
    np.testing.assert_allclose(points["pooled"], last, rtol=1e-5, atol=1e-5)
    classifier = converted["whole.h5"][0].variables["params"]["classifier"]
    np.testing.assert_allclose(points["logits"], last @ classifier["kernel"] + classifier["bias"], rtol=1e-3, atol=1e-3)
    powers = np.exp(np.float64(points["logits"]) - points["logits"].max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(points["softmax"], expected, rtol=1e-4, atol=1e-9)


def test_formats_of_keras_hold_the_same(converted):
    whole, keras3, headless = (arrays(converted[name][0]) for name in inception_files.FILES)
    assert whole.keys() == keras3.keys()
    assert all(np.array_equal(whole[path], keras3[path]) for path in whole)
    assert whole.keys() - headless.keys() == {("params", "classifier", name) for name in ("kernel", "bias")}
    assert all(np.array_equal(whole[path], headless[path]) for path in headless)


# timm's names and layouts


@pytest.fixture(scope="module")
def timm_state(keras_folder):
    return as_timm(keras_folder / "whole.h5", np.random.default_rng(5))


def test_timms_state_dict_is_the_same_network(timm_state, points, apply, tmp_path):
    save_file(timm_state, tmp_path / "model.safetensors")
    _, weights = inception_weights.convert(tmp_path / "model.safetensors")
    assert "timm" in weights.origin
    expected = points["logits"]
    logits = apply(weights.variables, inception_files.inputs())["logits"]
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_timms_classifier_with_the_background_class_has_1001_classes(timm_state, tmp_path):
    state = {name: array for name, array in timm_state.items() if not name.startswith("classif")}
    state |= {"classif.weight": np.ones((1001, 1536), np.float32), "classif.bias": np.ones(1001, np.float32)}
    save_file(state, tmp_path / "model.safetensors")
    _, weights = inception_weights.convert(tmp_path / "model.safetensors")
    assert weights.classes == inception_weights.load().classes == 1001


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("repeat_1.3.branch1.2.bn.bias"), "lacks repeat_1.3.branch1.2.bn.bias"),
        (
            lambda s: s.update({"conv2d_2a.bn.weight": np.ones(5, np.float32)}),
            r"conv2d_2a has a kernel, scale and mean of \(32, 32, 3, 3\), \(5,\), \(32,\)",
        ),
        (
            lambda s: s.update({"repeat.0.conv2d.weight": np.ones((5, 5), np.float32)}),
            r"repeat.0.conv2d.weight has the shape \(5, 5\)",
        ),
        (lambda s: s.update({"aux.weight": np.ones(1, np.float32)}), "1 tensors are not .* as aux.weight"),
        (
            lambda s: s.update({"conv2d_1a.conv.weight": np.ones((32, 3, 5, 3), np.float32)}),
            r"conv2d_1a/convolution/kernel has the shape \(5, 3, 3, 32\), the network wants \(3, 3, 3, 32\)",
        ),
        (
            lambda s: s.update({"classif.bias": np.full(1000, np.nan, np.float32)}),
            "params/classifier/bias has values that are not finite",
        ),
    ],
)
def test_timm_state_that_does_not_fit_is_refused(timm_state, tmp_path, change, message):
    state = dict(timm_state)
    change(state)
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=message):
        inception_weights.convert(tmp_path / "model.safetensors")


# Files that are something else


def keras_file(path, layers):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for name, weights in layers.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{i}:0".encode() for i in range(len(weights))]
            for i, weight in enumerate(weights):
                group.create_dataset(f"{name}/{i}:0", data=weight)
    return path


def test_keras_file_of_another_network_is_refused(tmp_path):
    path = keras_file(tmp_path / "vgg.h5", {"block1_conv1": [np.ones((3, 3, 3, 8), np.float32), np.ones(8)]})
    with pytest.raises(UserError, match="of another network: 0 layers of normalization, not 204"):
        inception_weights.convert(path)


def test_keras_file_with_a_wrong_kernel_is_refused(keras_folder, tmp_path):
    path = tmp_path / "changed.h5"
    path.write_bytes((keras_folder / "headless.h5").read_bytes())
    with h5py.File(path, "a") as file:
        kernels = []
        file.visititems(
            lambda name, item: kernels.append(name) if getattr(item, "shape", 0) == (1, 1, 64, 80) else None
        )
        del file[kernels[0]]
        file.create_dataset(kernels[0], data=np.ones((1, 1, 64, 81), np.float32))
    with pytest.raises(UserError, match=r"conv2d_3b/convolution/kernel has the shape \(1, 1, 64, 81\)"):
        inception_weights.convert(path)


@pytest.mark.parametrize("layers", [["dense"], ["dense", "vars", "kernel"], ["dense", "vars"]])
def test_keras_3_file_built_otherwise_is_one_line(layers, tmp_path):
    with h5py.File(tmp_path / "other.weights.h5", "w") as file:
        file.create_dataset("/".join(["layers", *layers]), data=np.ones((2, 2), np.float32))
    with pytest.raises(UserError, match="other.weights.h5") as caught:
        inception_weights.convert(tmp_path / "other.weights.h5")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x80\x04" + b"pickle" * 50])
def test_inception_file_of_no_known_format_is_one_line(content, tmp_path, capsys):
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    assert launch.main(["weights", "inception", f"--from={path}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"launch.py weights: --from={path}: neither HDF5 nor safetensors")
    assert error.count("\n") == 1


def test_inception_file_cut_off_is_one_line(keras_folder, tmp_path, capsys):
    path = tmp_path / "half.h5"
    path.write_bytes((keras_folder / "headless.h5").read_bytes()[: 2**20])
    assert launch.main(["weights", "inception", f"--from={path}"]) == 2
    error = capsys.readouterr().err
    assert str(path) in error
    assert error.count("\n") == 1


# The cache


def test_inception_without_weights_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path / "empty"))
    with pytest.raises(UserError) as caught:
        inception_weights.load()
    first, *lines = str(caught.value).splitlines()
    assert str(tmp_path / "empty") in first
    assert [line.split()[0] for line in lines] == ["curl", "echo", "python"]
    assert re.search(r"launch\.py weights inception --from=(\S+)", lines[2])[1] in lines[0]


def test_weights_command_says_what_it_read_and_load_finds_it(converted, monkeypatch):
    weights, said, folder = converted["headless.h5"]
    assert "headless.h5, Keras's legacy HDF5 weights, without classifier: 54,336,736 numbers, no classes" in said
    assert weights.sha256 in said
    monkeypatch.setenv("COLORJAX_CACHE", str(folder))
    with pytest.raises(UserError, match="no weights of Inception-ResNet-v2 with its classifier"):
        inception_weights.load()
    monkeypatch.setenv("COLORJAX_CACHE", str(converted["whole.weights.h5"][2]))
    assert inception_weights.load().classes == converted["whole.weights.h5"][0].classes == 1000


def test_weights_converted_last_are_used(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path))
    whole, headless = (tmp_path / name for name in inception_weights.FILES)
    for second, file in enumerate((whole, headless, whole)):
        file.touch()
        os.utime(file, (1e9 + second, 1e9 + second))
        assert inception_weights.find(classifier=False) == file
        assert inception_weights.find() == whole


def test_inception_cache_that_is_broken_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path))
    save_file({"x": np.ones(1, np.float32)}, tmp_path / "inception_resnet_v2.safetensors")
    with pytest.raises(UserError, match="can't be read .*; delete it and convert the weights again"):
        inception_weights.load()


def test_inception_cache_that_cant_be_written_is_said(keras_folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(UserError, match="can't write .*set COLORJAX_CACHE"):
        inception_weights.convert(keras_folder / "headless.h5")


def test_random_weights_depend_on_the_seed_alone(random_weights):
    again, other = inception_weights.random(0), inception_weights.random(1)
    assert all(np.array_equal(value, arrays(again)[path]) for path, value in arrays(random_weights).items())
    assert random_weights.sha256 == again.sha256 != other.sha256
    assert "random" in random_weights.origin
    assert sum(value.size for value in arrays(random_weights).values()) == 55_873_736  # as Keras counts


# On its own


def test_inception_sees_the_pictures_own_contrast(key):
    """The well-known mistake scales a picture in [0, 1] as if it were in 0..255: [-1, -0.992], almost a constant."""
    picture = jax.random.uniform(key, (16, 16, 3))
    seen = inception_input(picture)
    assert seen.min() >= -1
    assert seen.max() <= 1
    np.testing.assert_allclose(seen.std(), 2 * picture.std(), rtol=1e-5)
    np.testing.assert_allclose(inception_input(jnp.array([0.0, 0.5, 1.0])), [-1, 0, 1])
    levels = np.arange(256)
    np.testing.assert_allclose(inception_input(jnp.float32(levels) / 255), levels / 127.5 - 1, atol=1e-6)


def test_frozen_no_gradient_comes_through_and_trainable_everything_learns(random_weights):
    inputs = np.random.default_rng(0).uniform(-1, 1, SMALL).astype(np.float32)
    variables = random_weights.variables
    early = ("conv2d_1a", "conv2d_4a", "mixed_5b", "block35_1")  # what comes later only takes longer to compile

    def step(frozen):
        module = InceptionResNetV2(frozen=frozen)

        @jax.jit
        def gradient(params):
            def loss(params):
                points, updates = module.apply(
                    variables | {"params": params}, inputs, train=True, mutable=["batch_stats"]
                )
                return jnp.square(points["block35_1"]).mean(), updates["batch_stats"]

            gradient, statistics = jax.grad(loss, has_aux=True)(params)
            return [{name: tree[name] for name in early} for tree in (gradient, statistics)]

        return jax.device_get(gradient(variables["params"]))

    def moved(statistics):
        before = {name: variables["batch_stats"][name] for name in early}
        pairs = zip(jax.tree.leaves(statistics), jax.tree.leaves(before), strict=True)
        return [not np.array_equal(*pair) for pair in pairs]

    gradient, statistics = step(frozen=True)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(gradient))
    assert not any(moved(statistics))
    gradient, statistics = step(frozen=False)
    assert all(np.isfinite(leaf).all() and np.any(leaf) for leaf in jax.tree.leaves(gradient))
    assert all(moved(statistics))


def test_bfloat16_is_close_to_float32(random_weights, apply):
    inputs = inception_files.inputs()
    wide = apply(random_weights.variables, inputs)
    narrow = jax.jit(InceptionResNetV2(dtype="bfloat16").apply)(random_weights.variables, inputs)
    for name in ("mixed_5b", "block35_10", "pooled"):
        assert narrow[name].dtype == jnp.float32
        error = np.linalg.norm(narrow[name] - wide[name]) / np.linalg.norm(wide[name])
        assert 1e-4 < error < 5e-2, (name, error)


@pytest.mark.parametrize("shape", [(1, 74, 299, 3), (1, 299, 74, 3), (1, 299, 299, 1), (299, 299, 3)])
def test_inputs_of_another_shape_are_refused(shape, random_weights):
    with pytest.raises(ValueError, match="at least 75"):
        jax.eval_shape(InceptionResNetV2().apply, random_weights.variables, np.zeros(shape, np.float32))
