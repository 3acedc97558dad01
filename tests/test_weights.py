"""Networks as single files: what is written is what is read, and everything else is one line."""

import json
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import colorjax
from colorjax import weights
from colorjax.config.defaults import run_config
from colorjax.config.serialization import flatten
from colorjax.config.tables import model_config
from colorjax.errors import UserError
from colorjax.models import build_model
from colorjax.models.fusion import FusionNetwork
from colorjax.models.network import FrozenWeights
from colorjax.models.variables import sha256_of_arrays


def config_of(width=4, task="denoise"):
    config = run_config()
    config.task.name = task
    config.task.loss = "l1"
    config.data.source = "/somebody/photographs"
    config.training.start_from = "/somebody/first.safetensors"
    config.model = model_config("unet", width=width, depth=1, norm="group", block="half")
    return config.lock()


def variables_of(config, channels=3):
    model = build_model(config.model, channels)
    random = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 8, 8, channels)), train=False))
    return jax.tree.map(lambda leaf: random.normal(size=leaf.shape).astype(np.float32), shapes)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "network.safetensors"
    variables = variables_of(config_of())
    count = weights.save(path, config_of(), variables, 7)
    assert count == sum(leaf.size for leaf in jax.tree.leaves(variables))
    return path, variables


def test_weights_written_are_those_read(saved):
    path, variables = saved
    trained = weights.load(path)
    jax.tree.map(np.testing.assert_array_equal, trained.variables, variables)
    assert (trained.step, trained.name) == (7, "network")
    assert trained.config.model.to_dict() == config_of().model.to_dict()


def test_weights_file_does_not_say_where_things_lay(saved):
    path, _ = saved
    config = weights.load(path).config
    assert (config.data.source, config.training.start_from) == ("", "first.safetensors")
    assert b"somebody" not in path.read_bytes()


def test_weights_with_a_changed_number_are_found(saved):
    path, _ = saved
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"network\.safetensors: the SHA-256 is not the one"):
        weights.load(path)


def changed(path, metadata=None, arrays=None):
    with safe_open(path, framework="numpy") as file:
        old, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors = tensors if arrays is None else arrays(tensors)
    save_file(tensors, path, metadata={**old, **(metadata or {}), "sha256": sha256_of_arrays(tensors)})


def test_weights_of_another_architecture(saved):
    path, _ = saved
    changed(path, {"config": json.dumps(json.loads(_config_text(path)) | {"model": dict(config_of(8).model)})})
    with pytest.raises(UserError, match="weights of another architecture: .* has the shape"):
        weights.load(path)


def test_missing_weights(saved):
    path, _ = saved
    changed(path, arrays=lambda tensors: dict(sorted(tensors.items())[1:]))
    with pytest.raises(UserError, match="weights of another architecture: it lacks 1 of the network's variables"):
        weights.load(path)


def _config_text(path):
    with safe_open(path, framework="numpy") as file:
        return file.metadata()["config"]


@pytest.mark.parametrize(
    ("metadata", "line"),
    [
        ({"format": "else"}, "not written by colorjax"),
        ({"config": "{"}, "its config can't be read"),
        ({"config": json.dumps({"task": {"name": "denoise"}})}, "its config can't be read"),
        ({"config": json.dumps({"model": {"name": "resnet"}})}, "a network that this colorjax does not have"),
    ],
)
def test_weights_with_other_headers(saved, metadata, line):
    path, _ = saved
    changed(path, metadata)
    with pytest.raises(UserError, match=line):
        weights.load(path)


def test_weights_from_before_a_setting_have_its_default(saved):
    path, _ = saved
    config = json.loads(_config_text(path))
    del config["data"]["zoom_of"], config["inference"]["statistics"]
    changed(path, {"config": json.dumps(config)})
    found = weights.load(path).config
    assert (found.data.zoom_of, found.inference.statistics) == ("pixels", "shared")


def test_weights_from_before_a_section_have_its_defaults(saved):
    path, _ = saved
    config = json.loads(_config_text(path))
    del config["inference"]
    changed(path, {"config": json.dumps(config)})
    assert weights.load(path).config.inference.to_dict() == run_config().inference.to_dict()


def test_weights_of_a_network_with_empty_conditioning_are_written_and_read(tmp_path):
    config = config_of(task="colorize").unlock()
    config.model = model_config("fusion", embedding="zero", width=4, encoder_width=4)
    model = build_model(config.model, 2)
    shapes = jax.eval_shape(
        lambda: model.init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)), train=False, embedding=jnp.zeros((1, 1000)))
    )
    variables = jax.tree.map(lambda leaf: np.ones(leaf.shape, np.float32), shapes)
    weights.save(tmp_path / "fusion.safetensors", config.lock(), variables, 1)
    trained = weights.load(tmp_path / "fusion.safetensors")
    jax.tree.map(np.testing.assert_array_equal, trained.variables, variables)
    colored = colorjax.colorize(np.full((8, 8, 1), 128, np.uint8), weights=str(tmp_path / "fusion.safetensors"))
    assert np.ptp(colored[0, 0]) > 0


def test_weights_leave_a_frozen_branch_out(tmp_path, monkeypatch):
    config = config_of(task="colorize").unlock()
    config.model = model_config("fusion", width=4, encoder_width=4)
    frozen = FrozenWeights({"params": {"kernel": np.zeros(1)}})
    monkeypatch.setattr(FusionNetwork, "frozen", lambda model: frozen)
    with pytest.raises(UserError, match="fusion has a frozen branch"):
        weights.save(tmp_path / "fusion.safetensors", config.lock(), {}, 1)


def test_weights_file_that_is_none(tmp_path):
    path = tmp_path / "text.safetensors"
    path.write_text("no weights")
    with pytest.raises(UserError, match=r"text\.safetensors: no safetensors file"):
        weights.load(path)
    with pytest.raises(UserError, match="there is no such file, and no network of that name comes with colorjax"):
        weights.load("denoise_colour")


def test_shipped_networks_fit_their_configs_and_have_cards():
    folder = Path(weights.__file__).parent / "pretrained"
    files = {path.stem for path in folder.glob("*.safetensors")}
    assert files == set(weights.names()) == {path.stem for path in folder.glob("*.md")}
    assert sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) < 45e6
    for name in weights.names():
        assert weights.load(name).name == name


def test_shipped_files_do_not_say_where_things_lay():
    for name in weights.names():
        settings = flatten(weights.load(name).config)
        assert [key for key, value in settings.items() if isinstance(value, str) and "/" in value] == []


def test_weights_shipped_that_were_changed_are_refused(tmp_path, monkeypatch):
    folder = shutil.copytree(Path(weights.__file__).parent / "pretrained", tmp_path / "pretrained")
    monkeypatch.setattr(weights, "_folder", lambda: folder)
    name = weights.names()[0]
    changed(folder / f"{name}.safetensors", {"step": "1"})  # the numbers are the same
    with pytest.raises(UserError, match="the SHA-256 is not the one"):
        weights.load(name)


def test_weights_beside_the_shipped_ones_are_like_any_other(saved, tmp_path, monkeypatch):
    path, _ = saved
    folder = shutil.copytree(Path(weights.__file__).parent / "pretrained", tmp_path / "pretrained")
    monkeypatch.setattr(weights, "_folder", lambda: folder)
    shutil.copy(path, folder)
    assert weights.load(folder / path.name).step == 7


def test_weights_in_another_order_in_memory_are_written_as_they_are(tmp_path):
    variables = jax.tree.map(np.asfortranarray, variables_of(config_of()))
    weights.save(tmp_path / "network.safetensors", config_of(), variables, 7)
    jax.tree.map(np.testing.assert_array_equal, weights.load(tmp_path / "network.safetensors").variables, variables)
