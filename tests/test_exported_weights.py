"""A run's network as a file, through the commands: exported, measured, and what another run starts from."""

import csv

import jax
import numpy as np
import pytest
from support import networks as made_networks

import colorjax.evaluation.measure
import launch
from colorjax import weights
from colorjax.metrics.registry import METRICS
from colorjax.training import load_network

pytestmark = pytest.mark.slow

EXPERIMENT = """
from colorjax.config import model_config, run_config

def get_config(variant=""):
    config = run_config()
    config.task.name, config.task.loss = "denoise", "l1"
    config.task.noise.kind, config.task.noise.level = "gaussian", (0.1, 0.1)
    config.model = model_config("unet", width=4, depth=1, norm="group", block="half")
    config.optimizer.learning_rate = 1e-9  # next to nothing is learned: a network is what it started from
    config.data.patch_size, config.data.patches_per_epoch, config.data.workers = 16, 8, 0
    config.training.batch_size, config.training.epochs, config.training.validation_photographs = 8, 1, 1
    config.protocol.resize, config.protocol.size = "short_side", 32
    config.protocol.noise_kind, config.protocol.noise_level = "gaussian", 0.1
    config.inference.patch_size, config.inference.overlap = 48, 8
    return config.lock()
"""


@pytest.fixture(scope="module", autouse=True)
def _one_metric():
    """Compile one of the metrics: they are not what is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(colorjax.evaluation.measure, "METRICS", {"psnr": METRICS["psnr"]})
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The words of a training, and the folder of the trained run."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "experiment.py").write_text(EXPERIMENT)
    assert launch.main(["train", config_of(folder), f"--workdir={folder / 'run'}"]) == 0
    return folder


def config_of(folder):
    return f"--config={folder / 'experiment.py'}"


@pytest.fixture(scope="module")
def exported(run):
    path = run / "network.safetensors"
    assert launch.main(["export", f"--workdir={run / 'run'}", f"--output={path}"]) == 0
    return path


def test_exported_file_holds_the_best_checkpoint_and_its_config(run, exported):
    config, variables, step = load_network(run / "run")
    trained = weights.load(exported)
    jax.tree.map(np.testing.assert_array_equal, trained.variables, variables)
    assert trained.step == step
    assert trained.config.inference == config.inference


def test_exported_file_may_have_other_settings_than_its_run(run, tmp_path):
    path = tmp_path / "other.safetensors"
    words = ["export", f"--workdir={run / 'run'}", f"--output={path}", "--config.inference.patch_size=64"]
    assert launch.main(words) == 0
    assert weights.load(path).config.inference.patch_size == 64


def test_exported_file_is_measured_as_its_checkpoint_is(run, exported, tmp_path):
    assert launch.main(["evaluate", config_of(run), f"--workdir={run / 'run'}"]) == 0
    assert launch.main(["evaluate", f"--weights={exported}", f"--workdir={tmp_path}"]) == 0
    with (run / "run/evaluation/table.csv").open() as file, (tmp_path / "evaluation/table.csv").open() as other:
        assert list(csv.DictReader(file)) == list(csv.DictReader(other))


def test_training_starts_from_an_exported_file(run, exported, tmp_path):
    words = [f"--config.training.start_from={exported}", "--config.seed=5"]
    assert launch.main(["train", config_of(run), f"--workdir={tmp_path}", *words]) == 0
    variables = load_network(tmp_path)[1]
    jax.tree.map(
        lambda *both: np.testing.assert_allclose(*both, atol=1e-6), variables, weights.load(exported).variables
    )


def test_training_starts_from_what_fits(run, exported, tmp_path, capsys):
    words = [f"--config.training.start_from={exported}", "--config.seed=5"]
    words += ["--config.training.start_parts=fitting", "--config.task.name=denoise_gray"]
    assert launch.main(["train", config_of(run), f"--workdir={tmp_path}", *words]) == 0
    assert "so they begin at random: HalfBlock_0/Conv_0/kernel, HalfBlock_0/shortcut/kernel, output/" in (
        capsys.readouterr().err
    )
    gray, color = load_network(tmp_path)[1]["params"], weights.load(exported).variables["params"]
    assert gray["output"]["kernel"].shape[-1] == 1
    for name in ("HalfBlock_1", "TransposedConvolution_0", "HalfBlock_2"):
        jax.tree.map(lambda *both: np.testing.assert_allclose(*both, atol=1e-6), gray[name], color[name])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["export", "--workdir={run}/run", "--output={made}/a.npz"], "the name of such a file ends in .safetensors"),
        (["export", "--workdir={made}", "--output={made}/a.safetensors"], "holds no trained network"),
        (
            ["export", "--workdir={run}/run", "--output={made}/a.safetensors", "--config.inference.patch_sizes=64"],
            "did you mean 'inference.patch_size'?",
        ),
        (
            ["export", "--workdir={run}/run", "--output={made}/a.safetensors", "--config.model.width=8"],
            "weights of another architecture",
        ),
        (["export", "--workdir={run}/run", "--output=/proc/a.safetensors"], "can't write /proc/a.safetensors: "),
        (["evaluate", "--workdir={made}/w"], "give --config=FILE[:VARIANT], or --weights=NAME"),
        (
            ["evaluate", "{config}", "--workdir={made}/w", "--weights={made}/wide.safetensors"],
            "wide.safetensors: weights of another architecture: ",
        ),
        (["evaluate", "--workdir={made}/w", "--weights=nothing"], "nothing: there is no such file"),
        (
            ["train", "{config}", "--workdir={made}/w", "--config.training.start_from={made}/wide.safetensors"],
            "config.training.start_from: weights of another architecture: ",
        ),
        (["train", "{config}", "--workdir={made}/w", "--config.training.start_from=nothing"], "there is no such file"),
        (
            ["train", "{config}", "--workdir={made}/w", "--config.training.start_parts=fiting"],
            "config.training.start_parts='fiting'; did you mean 'fitting'?",
        ),
        (
            ["train", "{config}", "--workdir={made}/w", "--config.training.start_parts=fitting"],
            "config.training.start_parts='fitting' is for start_from, which is not set",
        ),
        (["train", "{config}", "--workdir={made}/w", "--config.optimizer.name=muom"], "did you mean 'muon'?"),
        (
            ["train", "{config}", "--workdir={made}/w", "--config.training.start_from={made}/wide.safetensors"]
            + ["--config.training.start_parts=fitting", "--config.model.width=5", "--config.task.name=denoise_gray"],
            "none has the name and shape of one of the network's",
        ),
    ],
)
def test_exported_words_that_do_not_go_together_are_one_line(run, tmp_path, capsys, words, line):
    made_networks.write(tmp_path / "wide.safetensors", "denoise", width=8)
    words = [word.format(run=run, made=tmp_path, config=config_of(run)) for word in words]
    assert launch.main(words) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["wide.safetensors"]
