"""Networks that are told the noise's level: the map in training, in measurements and for a person's pictures."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from PIL import Image
from support import networks as made_networks

import colorjax
import launch
from colorjax import denoising
from colorjax.commands import measuring
from colorjax.commands.measuring import measure_rows
from colorjax.config.rows import Run, table_runs
from colorjax.config.tables import method_config, table_config
from colorjax.errors import UserError
from colorjax.evaluation import measure
from colorjax.methods import NetworkMethod, Observation, build_method
from colorjax.metrics.registry import METRICS
from colorjax.models.network import Network
from colorjax.pictures.images import Photograph
from colorjax.tasks import Denoise, DenoiseGrayTold, DenoiseTold

TOLD = DenoiseTold("l1", "gaussian", (0.05, 0.3))
GRAY = DenoiseGrayTold("l1", "gaussian", (0.05, 0.3))
TILES = {"patch_size": 64, "overlap": 8, "batch_size": 1}
make_example = jax.jit(lambda task, keys, clean: task.example(keys, clean), static_argnums=0)


class Echo(Network):
    """Outputs the map of the level itself."""

    output_channels: int

    @nn.compact
    def __call__(self, inputs, train):
        return jnp.broadcast_to(inputs[..., -1:], (*inputs.shape[:-1], self.output_channels))


def echo(task=TOLD, **fields):
    return NetworkMethod("echo", Echo(task.output_channels), {}, task, **TILES, **fields)


def noisy(level, side=64, channels=3):
    return (0.5 + level * np.random.default_rng(0).normal(size=(side, side, channels))).astype(np.float32)


# Training


@pytest.mark.parametrize("task", [TOLD, GRAY], ids=lambda task: task.name)
def test_map_has_the_level_that_was_drawn_for_the_examples_noise(task, key):
    clean = jnp.full((4, 64, 64, 3), 0.5)
    inputs, targets = make_example(task, jax.random.split(key, 4), clean)[:2]
    assert inputs.shape == (4, 64, 64, task.input_channels)
    levels = np.asarray(inputs[..., -1])
    assert (levels == levels[:, :1, :1]).all()
    np.testing.assert_allclose(np.std(targets, axis=(1, 2, 3)), levels[:, 0, 0], rtol=0.05)
    assert np.ptp(levels[:, 0, 0]) > 0.02
    np.testing.assert_allclose(np.std(inputs[..., :-1], axis=(1, 2, 3)), levels[:, 0, 0], rtol=0.05)


@pytest.mark.parametrize("task", [TOLD, GRAY], ids=lambda task: task.name)
def test_perfect_outputs_give_the_clean_image_back(task, key):
    clean = jax.random.uniform(key, (2, 8, 9, 3))
    example = make_example(task, jax.random.split(key, 2), clean)
    alone = make_example(task, jax.random.split(key, 2)[1], clean[1])
    np.testing.assert_allclose(task.picture(example.targets, example.inputs), task.truth(clean), atol=1e-6)
    np.testing.assert_allclose(example.inputs[1], alone.inputs, atol=1e-6)


def test_level_of_other_noises_is_in_their_own_unit_and_of_camera_shake_a_share_of_the_longest(key):
    clean = jnp.full((1, 8, 8, 3), 0.5)
    for kind, level, expected in (("poisson", 0.2, 0.2), ("salt_and_pepper", 0.05, 0.05), ("camera_shake", 9.0, None)):
        inputs = make_example(DenoiseTold("l1", kind, (level, level)), jax.random.split(key, 1), clean).inputs
        found = float(inputs[0, 0, 0, 3])
        assert 0 < found < 1 if expected is None else found == pytest.approx(expected)


# Measurements


def level_in_map(method, image, noise):
    outputs = method.restore(Observation(image, noise)).outputs
    assert (outputs == outputs[0, 0, 0]).all()
    return float(outputs[0, 0, 0])


def test_network_is_told_gaussian_noise_and_estimates_the_level_otherwise():
    method, image = echo(), noisy(0.1)
    assert method.needs == {"noise"}
    assert echo(told=False).needs == echo(Denoise("l1")).needs == frozenset()
    assert method.tasks == {"denoise", "denoise_told"}
    assert level_in_map(method, image, ("gaussian", 0.2)) == pytest.approx(0.2)
    for noise in (None, ("poisson", 0.2)):
        assert level_in_map(method, image, noise) == pytest.approx(0.1, rel=0.1)
    gray = np.repeat(noisy(0.1, channels=1), 3, axis=-1)
    assert level_in_map(echo(GRAY), gray, None) == pytest.approx(0.1, rel=0.1)
    speckled = echo(DenoiseTold("l1", "speckle", (0.0, 0.5)))  # a network of another noise is told the level of that
    assert level_in_map(speckled, image, ("speckle", 0.4)) == pytest.approx(0.4)


def test_level_above_those_of_the_training_is_one_line():
    assert echo().remark(("gaussian", 0.3)) == echo(Denoise("l1", "gaussian", (0.0, 0.1))).remark(("speckle", 1)) == ""
    line = "the noise level 100 is above those that echo was trained for, up to 76.5; it is used all the same"
    assert echo().remark(("gaussian", 100 / 255)) == line


def test_level_that_is_estimated_in_a_measurement_is_one_line():
    line = "it is not told the level of this noise, which is estimated from each picture"
    assert echo().remark(("speckle", 0.1)) == echo(told=False).remark(("gaussian", 0.1)) == line


@pytest.fixture
def told_file(tmp_path):
    return made_networks.write(tmp_path / "told.safetensors", "denoise_told", noise=("gaussian", (0.0, 0.2)))


PHOTOGRAPH = Photograph("made", np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))


def test_told_network_is_a_row_of_the_table_of_denoising(told_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measure, "METRICS", {"psnr": METRICS["psnr"]})  # each is compiled
    table = table_config()
    table.task.name, table.task.loss = "denoise", "l1"
    table.protocol.noise_kind, table.protocol.noise_level = "gaussian", 0.1
    del table.rows["mean_color"]
    for name, told in (("told", True), ("estimated", False)):
        method = method_config("pretrained", weights=str(told_file), told=told)
        table.rows[name] = {"label": name, "method": method}
    data = SimpleNamespace(photographs=lambda config, split: [PHOTOGRAPH])
    runs = table_runs(table.lock(), tmp_path / "rows")
    protocol, evaluations = measure_rows(table, tmp_path / "table", runs, data)
    said = [line for line in capsys.readouterr().err.splitlines() if " told " in line]
    assert said == ["estimated: it is not told the level of this noise, which is estimated from each picture"]
    assert evaluations["told"].told == ("the kind and the level of the noise",)
    assert evaluations["estimated"].protocol_hash == evaluations["Input as it is"].protocol_hash == protocol.hash
    assert evaluations["told"].protocol_hash != protocol.hash
    assert evaluations["told"].values("loss") != evaluations["estimated"].values("loss")
    # As a network that was trained for the row: its own task's outputs are measured as those of the table's.
    trained = colorjax.weights.load(told_file)
    with trained.config.unlocked():
        trained.config.protocol = table.protocol
    run = Run("trained", trained.config, tmp_path / "trained", str(told_file))
    again = measuring._measure_weights(run, protocol, table.task.loss, [PHOTOGRAPH])
    np.testing.assert_allclose(again.values("psnr"), evaluations["told"].values("psnr"), atol=1e-4)
    np.testing.assert_allclose(again.values("loss"), evaluations["told"].values("loss"), rtol=1e-3)


def test_level_for_a_network_without_a_map_is_one_line():
    method = build_method({"name": "pretrained", "weights": "denoise_color", "told": True})
    with pytest.raises(UserError, match=r"method\.told: the network 'denoise_color' takes no noise level$"):
        _ = method.tasks


# A person's pictures


@pytest.fixture
def echoing(monkeypatch):
    monkeypatch.setattr(denoising, "loaded_network", lambda weights: echo(GRAY if weights == "gray" else TOLD))


def test_pictures_are_denoised_by_the_level_that_is_given(echoing):
    for channels, weights in ((3, "color"), (1, "gray"), (1, "color")):
        picture = np.full((20, 30, channels), 100, np.uint8)
        picture[0, 0] = 90
        remarks = []
        result = denoising.denoise(picture, weights, noise_level=25, remark=remarks.append)
        np.testing.assert_array_equal(result, picture + 25)
        assert remarks == []
    deep = denoising.denoise(np.full((20, 30, 3), 1000, np.uint16), "color", noise_level=10)
    np.testing.assert_array_equal(deep, 1000 + 2570)


def test_level_that_is_not_given_is_estimated_and_said(echoing):
    picture = np.rint(255 * noisy(0.08)).astype(np.uint8)
    remarks = []
    result = denoising.denoise(picture, "color", remark=remarks.append)
    assert abs(np.median(result.astype(int) - picture) - 20.4) < 2
    assert len(remarks) == 1
    start, _, estimated = remarks[0].rpartition(" ")
    assert start == "no noise level was given; it is estimated as"
    assert abs(float(estimated) - 20.4) < 2


def test_denoise_command_takes_the_level_and_says_what_is_far_beyond_the_training(echoing, tmp_path, capsys):
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(90, 110, (20, 24, 3), np.uint8)).save(path)
    words = ["denoise", str(path), f"--output={tmp_path / 'out'}", "--weights=color"]
    assert launch.main([*words, "--noise-level=100"]) == 0
    err = capsys.readouterr().err
    assert err == (
        "denoise: the noise level 100 is above those that echo was trained for, up to 76.5; it is used all the same\n"
    )
    found = np.asarray(Image.open(tmp_path / "out" / "a.png")).astype(int) - np.asarray(Image.open(path))
    np.testing.assert_array_equal(found, 100)
    assert launch.main(words) == 0
    assert "a.png: no noise level was given; it is estimated as " in capsys.readouterr().err
    assert launch.main([*words, "--noise-level=0.2"]) == 2
    assert "noise level 0.2: it is of 255" in capsys.readouterr().err
