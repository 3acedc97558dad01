"""Published weights: a made file in each layout gives the function that its authors' program computes from it.

The answers are those of PyTorch, kept by `support/torch_denoisers.py`, and for MatConvNet those of SciPy's correlation.
"""

import contextlib
import pickle
import zipfile
from io import BytesIO

import numpy as np
import pytest
import safetensors.numpy
import scipy.io
import scipy.signal
from support import torch_denoisers as original

import launch
from colorjax import weights
from colorjax.errors import UserError
from colorjax.methods import Observation, build_method
from colorjax.models import build_model
from colorjax.models.ircnn import DILATIONS
from colorjax.models.published.convert import PLACES, convert
from colorjax.models.torch_pickle import read_tensors
from colorjax.tasks import build_task

ANSWERS = original.HERE / "torch_denoisers.npz"
DRUNET = original.HERE / "torch_drunet.pth"  # in PyTorch's zip format
FFDNET = original.HERE / "torch_ffdnet.pth"  # in its legacy format


def kept(key):
    with np.load(ANSWERS) as file:
        return file[key]


def state_dict(name):
    lines = [line.split() for line in kept(f"{name}/shapes")]
    shapes = {key: tuple(map(int, shape)) for key, *shape in lines}
    return {key: original.tensor(key, shape) if shape else np.zeros((), np.int64) for key, shape in shapes.items()}


def restored(path, image, level=original.LEVEL):
    """What a converted file makes of an image [H, W, C]; the config's task says what the network is given."""
    trained = weights.load(path)
    task = build_task(trained.config.task)
    model = build_model(trained.config.model, task.output_channels)
    noisy = np.broadcast_to(image, (*image.shape[:2], 3))
    inputs = task.inputs(noisy, np.float32(level)) if task.takes_noise_level else task.inputs(noisy)
    outputs = model.apply(trained.variables, inputs[np.newaxis], train=False)  # not jitted: equal layers compile once
    return np.asarray(task.picture(outputs[0], inputs))[..., : image.shape[2]], trained.config


def task_of(path):
    task = weights.read_config(path).task
    return task.name, task.noise.kind, tuple(round(255 * level) for level in task.noise.level)


# PyTorch


@pytest.mark.parametrize(
    ("name", "network", "task", "levels"),
    [
        ("dncnn", "dncnn", "denoise", (25, 25)),
        ("dncnn_norm", "dncnn", "denoise_gray", (25, 25)),
        ("ircnn", "ircnn", "denoise_gray", (25, 25)),
        ("ffdnet", "ffdnet", "denoise_told", (0, 75)),
        ("drunet", "drunet", "denoise_told", (0, 50)),
    ],
)
def test_state_dict_gives_pytorchs_answer(name, network, task, levels, tmp_path):
    source = tmp_path / f"{network}_25.safetensors"
    source.write_bytes(safetensors.numpy.save(state_dict(name)))
    target, converted = convert(source, network)
    expected = kept(f"{name}/answer")
    found, _ = restored(target, original.image(16, 24, expected.shape[2]))
    np.testing.assert_allclose(found, expected, atol=3e-5 * np.abs(expected).max())
    assert task_of(target) == (task, "gaussian", levels)
    assert target.name == f"{network}_25.safetensors"
    assert "a state dict of PyTorch" in converted.origin


@pytest.mark.parametrize(("path", "network"), [(DRUNET, "drunet"), (FFDNET, "ffdnet")])
def test_files_in_pytorchs_formats_have_the_tensors_that_were_saved(path, network):
    found, expected = read_tensors(path), state_dict(network)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor)
    image = original.image(16, 24, 3)
    target = convert(path, network)[0]
    expected = kept(f"{network}/answer")
    np.testing.assert_allclose(restored(target, image)[0], expected, atol=3e-5 * np.abs(expected).max())


# MatConvNet


def cell(members):
    made = np.empty((1, len(members)), object)
    for place, member in enumerate(members):
        made[0, place] = member
    return made


class Made:
    """A network of MatConvNet: its layers, and what it computes."""

    def __init__(self, widths, dilations=None, normalized=False, shuffled=False):
        random, last = np.random.default_rng(0), len(widths) - 2
        self.shuffled, self.steps, layers = shuffled, [], []
        for number, (before, after) in enumerate(zip(widths, widths[1:], strict=False)):
            dilation = dilations[number] if dilations else 1
            kernel = random.normal(0, (2 / (9 * before)) ** 0.5, (3, 3, before, after)).astype(np.float32)
            bias = random.normal(0, 0.1, (after, 1)).astype(np.float32)
            sizes = {"stride": 1.0, "pad": [[dilation] * 4], "dilate": float(dilation)}
            layers.append({"type": "conv", "weights": cell([kernel, bias]), **sizes})
            self.steps.append((kernel, bias, dilation, None))
            if normalized and 0 < number < last:
                scale, shift, mean, deviation = (random.uniform(0.5, 1.5, (after, 1)) for _ in range(4))
                moments = np.concatenate([mean, deviation], axis=1)
                layers.append({"type": "bnorm", "weights": cell([scale, shift, moments])})
                self.steps[-1] = (kernel, bias, dilation, (scale, shift, mean, deviation))
            if number < last:
                layers.append({"type": "relu", "leak": 0.0})
        if shuffled:
            layers = [{"type": "SubP", "scale": 0.5}, {"type": "concat"}, *layers, {"type": "SubP", "scale": 2.0}]
        self.layers = cell(layers)

    def save(self, path):
        scipy.io.savemat(path, {"net": {"layers": self.layers}})
        return path

    def __call__(self, image, level=original.LEVEL):
        """The chain's outputs; with pixels shuffled as `vl_nnSubP` does, column by column for each channel."""
        features = image.astype(np.float64)
        squares = [(row, column) for column in range(2) for row in range(2)]
        if self.shuffled:
            planes = [features[row::2, column::2, c] for c in range(image.shape[2]) for row, column in squares]
            features = np.stack([*planes, np.full_like(planes[0], level)], axis=-1)
        for number, (kernel, bias, dilation, norm) in enumerate(self.steps):
            features = correlated(features, kernel, dilation) + bias[:, 0]
            if norm is not None:
                scale, shift, mean, deviation = (values[:, 0] for values in norm)
                features = scale * (features - mean) / deviation + shift
            if number < len(self.steps) - 1:
                features = np.maximum(features, 0)
        if not self.shuffled:
            return features
        outputs = np.empty(image.shape)
        for place in range(features.shape[2]):
            row, column = squares[place % 4]
            outputs[row::2, column::2, place // 4] = features[..., place]
        return outputs


def correlated(features, kernel, dilation):
    """The correlation [H, W, Cout] of features [H, W, Cin] with zeros around them, by SciPy."""
    spread = np.zeros((2 * dilation + 1, 2 * dilation + 1, *kernel.shape[2:]))
    spread[::dilation, ::dilation] = kernel
    outputs = [
        sum(scipy.signal.correlate2d(features[..., i], spread[..., i, o], "same") for i in range(kernel.shape[2]))
        for o in range(kernel.shape[3])
    ]
    return np.stack(outputs, axis=-1)


@pytest.mark.parametrize(
    ("network", "file", "made", "task", "levels"),
    [
        ("dncnn", "sigma=15", Made([1, *[3] * 16, 1]), "denoise_gray", (15, 15)),
        ("dncnn", "model_sigma=00to10", Made([3, *[2] * 16, 3], normalized=True), "denoise", (0, 10)),
        ("dncnn", "GD_Gray_Blind", Made([1, *[2] * 19, 1]), "denoise_gray", (0, 55)),
        ("ffdnet", "FFDNet_color", Made([13, 5, 5, 12], shuffled=True), "denoise_told", (0, 75)),
        ("ffdnet", "FFDNet_gray", Made([5, 5, 5, 4], shuffled=True), "denoise_gray_told", (0, 75)),
    ],
)
def test_file_of_matconvnet_gives_scipys_answer(network, file, made, task, levels, tmp_path):
    target, converted = convert(made.save(tmp_path / f"{file}.mat"), network)
    image = original.image(12, 14, 1 if "gray" in task else 3)
    found, _ = restored(target, image)
    expected = made(image) if made.shuffled else image - made(image)
    np.testing.assert_allclose(found, expected, atol=3e-5 * np.abs(expected).max())
    assert task_of(target) == (task, "gaussian", levels)
    assert "a file of MatConvNet" in converted.origin


def test_ircnn_of_matconvnet_is_a_network_for_each_level(tmp_path):
    widths = [3, *[2] * 6, 3]
    made = Made(widths, DILATIONS)
    others = Made(widths, DILATIONS, normalized=True)
    scipy.io.savemat(tmp_path / "modelcolor.mat", {"CNNdenoiser": cell([others.layers, made.layers])})
    target, converted = convert(tmp_path / "modelcolor.mat", "ircnn")
    assert sorted(path.name for path in target.iterdir()) == [f"ircnn_modelcolor_0{n}.safetensors" for n in (2, 4)]
    assert converted.about.startswith("2 networks, each for color pictures, width 2; Gaussian noise of 2 to 4")
    image = original.image(12, 14, 3)
    for level, network in ((2, others), (4, made)):
        path = target / f"ircnn_modelcolor_0{level}.safetensors"
        np.testing.assert_allclose(restored(path, image)[0], image - network(image), atol=2e-5)
        assert task_of(path) == ("denoise", "gaussian", (level, level))


def test_ircnn_of_pytorch_is_a_network_for_each_level(tmp_path):
    state = state_dict("ircnn")
    several = {f"{n}/{key}": value * np.float32(n + 1) for n in range(2) for key, value in state.items()}
    source = tmp_path / "ircnn_gray.safetensors"
    source.write_bytes(safetensors.numpy.save(several))
    target, _ = convert(source, "ircnn")
    image, expected = original.image(16, 24, 1), kept("ircnn/answer")
    found, _ = restored(target / "ircnn_gray_02.safetensors", image)
    np.testing.assert_allclose(found, expected, atol=3e-5 * np.abs(expected).max())


# As rows and from the command line


def test_converted_file_is_a_row_and_the_command_says_what_it_was(tmp_path, capsys):
    source = Made([13, 5, 5, 12], shuffled=True).save(tmp_path / "FFDNet_color.mat")
    assert launch.main(["weights", "ffdnet", f"--from={source}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "read     FFDNet from FFDNet_color.mat, a file of MatConvNet: 1,372 numbers, for color pictures, width 5, "
        "depth 3; Gaussian noise of 0 to 75, told by a map"
    )
    path = lines[-1].removeprefix("written  ")
    assert weights.load("ffdnet_color").sha256 == weights.load(path).sha256  # known by its name
    method = build_method({"name": "pretrained", "weights": path, "told": True})
    assert "denoise" in method.tasks
    image = original.image(64, 32, 3)  # sides that tiles need not extend
    result = method.restore(Observation(image, ("gaussian", original.LEVEL))).image
    np.testing.assert_allclose(result, restored(path, image)[0], atol=1e-5)


# Bad files


@pytest.mark.parametrize("network", PLACES)
def test_nothing_is_fetched_and_the_error_says_where_the_file_is(network):
    with pytest.raises(UserError, match=r"are not fetched: give the file, --from=FILE, of https://github.com/cszn/"):
        convert(None, network)


def refused(source, network, line):
    with pytest.raises(UserError, match=line) as error:
        convert(source, network)
    assert str(error.value).startswith(str(source))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("network", "made", "line"),
    [
        ("dncnn", Made([1, *[2] * 4, 1]), "DnCNN has 17 or 20 convolutions, this network has 5"),
        ("dncnn", Made([2, *[2] * 16, 1]), "DnCNN has 1 or 3 channels in and as many out; this network has 2 and 1"),
        ("dncnn", Made([5, 5, 5, 4], shuffled=True), "this network on squares of pixels has 5 and 4"),
        ("dncnn", Made([1, *[2] * 6, 1], DILATIONS), "its convolution 2 is 3x3, dilated by 2"),
        ("ircnn", Made([1, *[2] * 16, 1]), "IRCNN has 7 convolutions, this network has 17"),
        ("ircnn", Made([1, *[2] * 6, 1]), "its convolution 2 is 3x3, dilated by 1"),
        ("ffdnet", Made([1, *[2] * 16, 1]), "FFDNet has 5 or 13 channels in, and 4 or 12 out; this network has 1 and"),
        ("drunet", Made([5, 5, 5, 4], shuffled=True), "DRUNet was published for PyTorch; give that file"),
    ],
)
def test_weights_of_another_network_are_one_line(network, made, line, tmp_path):
    refused(made.save(tmp_path / "a.mat"), network, line)


def test_matlab_files_that_are_no_networks_are_one_line(tmp_path):
    path = tmp_path / "a.mat"
    data = Made([1, *[2] * 6, 1], DILATIONS).save(path).read_bytes()
    for length in (100, 128, 140, 400, len(data) // 2, len(data) - 8):
        path.write_bytes(data[:length])
        refused(path, "ircnn", "no MATLAB file that can be read: it is cut short or damaged|no network of MatConvNet")
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    refused(path, "ircnn", "a file of MATLAB 7.3, which is not read; save it in MATLAB with -v7")
    scipy.io.savemat(path, {"x": np.ones((2, 2))})
    refused(path, "ircnn", "it has no network of MatConvNet")
    scipy.io.savemat(path, {"net": {"layers": cell([{"type": "pool"}])}})
    refused(path, "ircnn", "it is no chain of convolutions with ReLU between them: pool")
    strided = {"type": "conv", "weights": cell([np.ones((3, 3, 1, 2)), np.ones(2)]), "stride": 2.0, "pad": 1.0}
    scipy.io.savemat(path, {"net": {"layers": cell([strided])}})
    refused(path, "dncnn", "layer 1 is none of these networks': a convolution that changes the image's size")
    refused(tmp_path / "none.mat", "dncnn", "No such file")


def test_an_earlier_ffdnet_that_finds_the_noise_is_refused(tmp_path):
    path = Made([13, 5, 5, 12], shuffled=True).save(tmp_path / "model_color.mat")
    refused(path, "ffdnet", "whose output is the noise; use FFDNet_color")


def test_state_dicts_of_other_networks_are_one_line(tmp_path):
    path = tmp_path / "a.safetensors"

    def save(state):
        path.write_bytes(safetensors.numpy.save(state))
        return path

    drunet = state_dict("drunet")
    refused(save(drunet), "dncnn", "weights of another network: it has m_body.0.res.0.weight")
    refused(save(state_dict("dncnn")), "drunet", "weights of another network: it has no m_head.weight")
    refused(save({**drunet, "m_up1.3.weight": drunet["m_up1.0.weight"]}), "drunet", r"it has m_up1\.3\.weight")
    lacking = {key: value for key, value in drunet.items() if key != "m_up1.1.res.0.weight"}
    refused(save(lacking), "drunet", "weights of another architecture: it lacks 1 of the network's variables")
    wrong = drunet | {"m_body.0.res.0.weight": np.ones((3, 16, 3, 3), np.float32)}
    refused(save(wrong), "drunet", "body_block_0/first/kernel has the shape")
    infinite = drunet | {"m_body.0.res.0.weight": np.full((16, 16, 3, 3), np.nan, np.float32)}
    refused(save(infinite), "drunet", "values that are not finite")
    chain = state_dict("dncnn")
    refused(save({**chain, "model.4.weight": np.ones((3, 2, 3, 3), np.float32)}), "dncnn", "its convolution 3 has 2")
    refused(save({**chain, "model.4.weight": np.ones((3, 3), np.float32)}), "dncnn", "neither a convolution nor")
    path.write_bytes(path.read_bytes()[:-5])
    refused(path, "dncnn", "no safetensors file that can be read")


class Evil:
    """Would write a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def archive(value, compression=zipfile.ZIP_STORED, name="archive/data.pkl"):
    """A file in PyTorch's zip format with `value` in place of the tensors."""
    data = BytesIO()
    with zipfile.ZipFile(data, "w", compression) as file:
        file.writestr(name, pickle.dumps(value, 2))
    return data.getvalue()


def test_archive_that_holds_anything_but_tensors_is_refused_and_not_run(tmp_path):
    written, path = tmp_path / "written", tmp_path / "evil.pth"
    for value in ({"a": Evil(str(written))}, {"a": print}, {"a": [1, 2]}, {"a": {"b": 3}}, [1]):
        path.write_bytes(archive(value))
        refused(path, "dncnn", r"no file of weights that can be read: it (holds|is) ")
    assert not written.exists()
    path.write_bytes(archive({}, zipfile.ZIP_DEFLATED))
    refused(path, "dncnn", "it is a compressed archive")
    path.write_bytes(archive({}, name="word/document.xml"))
    refused(path, "dncnn", "it is a zip archive, but none of PyTorch's")
    path.write_bytes(archive({}))
    refused(path, "dncnn", "its networks are not numbered from 0 on")


def test_archive_cut_anywhere_or_with_a_changed_byte_is_one_line_or_the_same(tmp_path):
    data, path = DRUNET.read_bytes(), tmp_path / "cut.pth"
    for length in range(0, len(data), len(data) // 40):
        path.write_bytes(data[:length])
        refused(path, "drunet", "no file of weights that can be read")
    random = np.random.default_rng(0)
    for place in random.integers(0, len(data), 60):
        changed = bytearray(data)
        changed[place] ^= 0x15
        path.write_bytes(changed)
        with contextlib.suppress(UserError):  # any other error fails the test
            assert all(isinstance(value, np.ndarray) for value in read_tensors(path).values())


def test_small_file_does_not_become_a_large_array(tmp_path):
    storage = b"(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\ntQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"I0\n(I100000\nI100000\nt(I0\nI0\nttR"
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", b"(dS'a'\n" + tensor + b"s.")
        file.writestr("archive/data/0", bytes(16))
    refused(path, "dncnn", "a tensor that is larger than its storage")
