"""Strict configs: a bad file, variant, key or value is one line that says what to write instead."""

import json
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorjax.config.defaults import run_config
from colorjax.config.defaults import test_data_config as data_config_of_test
from colorjax.config.files import load, override, set_value
from colorjax.config.rows import row_config
from colorjax.config.serialization import to_plain
from colorjax.config.tables import model_config, table_config
from colorjax.errors import UserError

FILE = """
from ml_collections import ConfigDict

def get_config(variant=""):
    return ConfigDict({
        "seed": 0,
        "training": {"epochs": 3, "rate": 0.5, "name": "adam", "flip": True, "level": (0.0, 1.0)},
    })
"""


@pytest.fixture
def config_file(tmp_path):
    path = tmp_path / "experiment.py"
    path.write_text(FILE)
    return path


def test_overrides_reach_their_keys_with_the_type_they_had(config_file):
    config = load(
        str(config_file),
        ["--config.seed=7", "--config.training.rate=1", "--config.training.name", "sgd"]
        + ["--config.training.flip=false", "--config.training.level=(1, 2)"],
    )
    assert config.seed == 7
    assert config.training.to_dict() == {
        "epochs": 3,
        "rate": 1.0,
        "name": "sgd",
        "flip": False,
        "level": (1.0, 2.0),
    }
    assert isinstance(config.training.rate, float)
    assert all(isinstance(value, float) for value in config.training.level)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("--config.training.epoch=3", "did you mean 'training.epochs'?"),
        ("--config.epochs=3", "did you mean 'training.epochs'?"),
        ("--config.training.epochs=1e3", "needs a whole number"),
        ("--config.training.epochs=True", "needs a whole number"),
        ("--config.training.rate=fast", "needs a number"),
        ("--config.training.flip=maybe", "needs true or false"),
        ("--config.training.level=1", "needs a tuple such as (0.0, 1.0)"),
        ("--config.training.level=(1,2,3)", "needs a tuple such as (0.0, 1.0)"),
        ("--config.training=3", "needs one of its keys"),
        ("--config.seed", "lacks a value"),
        ("--steps=3", "unknown argument '--steps=3'"),
    ],
)
def test_config_override_that_is_bad_is_one_line(config_file, override, line):
    with pytest.raises(UserError) as caught:
        load(str(config_file), [override])
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("data.training_splits", [("train",), ("train", "test"), ("train", "validation", "test"), ()]),
        ("data.shares", [(), (0.5, 0.5), (1.0, 2.0, 3.0)]),
    ],
)
def test_lists_of_any_length_may_be_set_to_any_number_of_members(key, values):
    section, name = key.split(".")
    for first in values:
        for value in values:
            config = run_config().unlock()
            config[section][name] = first
            override(config, [f"--config.{key}={value!r}"], "config")
            assert config[section][name] == value
            with config.unlocked():
                set_value(config, key, list(value), "sweep")
            assert config[section][name] == value
            table = table_config()
            table.rows.row = {"label": "Row", "model": model_config("unet"), section: {name: value}}
            assert row_config(table, "row")[section][name] == value
    wrong = "('train', 3)" if name == "training_splits" else "('train',)"
    for text in (wrong, "3", "train"):
        with pytest.raises(UserError, match=rf"^--config\.{key}=.*: needs a tuple of any length, each member a"):
            override(run_config(), [f"--config.{key}={text}"], "config")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("def get_config(variant=''):\n    return seed", "line 2: NameError"),
        ("def get_config(:", "SyntaxError"),
        ("x = 1", "defines no function get_config()"),
        ("import nothing_here", "line 1: ModuleNotFoundError: No module named 'nothing_here'"),
        ("{}['key']", "line 1: KeyError: key"),
        ("def get_config(variant=''):\n    pass", "get_config() must return a ConfigDict, not NoneType"),
        ("def get_config(variant=''):\n    return {}", "get_config() must return a ConfigDict, not dict"),
    ],
)
def test_config_file_error_names_file_and_line(tmp_path, body, line):
    path = tmp_path / "broken.py"
    path.write_text(textwrap.dedent(body))
    with pytest.raises(UserError, match="broken.py") as caught:
        load(str(path))
    assert line in str(caught.value)


def test_config_file_that_is_no_python_is_one_line():
    with pytest.raises(UserError, match=r"README\.md: is no Python file; give one that defines get_config\(\)"):
        load("README.md")


def test_config_file_may_import_its_neighbor_which_hides_nothing(tmp_path):
    (tmp_path / "neighbor_of_a_config.py").write_text(FILE)
    (tmp_path / "colorsys.py").write_text("1 / 0")  # as a module of Python's own is called
    (tmp_path / "own.py").write_text(
        "import colorsys\n\ndef get_config(variant=''):\n"
        "    import neighbor_of_a_config\n    return neighbor_of_a_config.get_config()\n"
    )
    before = list(sys.path)
    assert load(str(tmp_path / "own.py")).training.epochs == 3
    assert sys.path == before


def test_config_file_missing_names_the_nearest(config_file):
    with pytest.raises(UserError, match=r"no such file; did you mean '.*experiment\.py'\?"):
        load(str(config_file).replace("experiment.py", "experimnet.py"))


def test_config_key_that_does_not_exist_cannot_be_set_in_a_file(tmp_path):
    path = tmp_path / "typo.py"
    path.write_text(
        "from colorjax.config import run_config\n\ndef get_config(variant=''):\n"
        "    config = run_config().lock()\n    config.trainning = 3\n    return config\n"
    )
    with pytest.raises(UserError, match="line 5: .*training"):
        load(str(path))


@pytest.mark.parametrize("name", ["", "cbsd68"])
def test_config_measures_on_the_whole_though_training_takes_a_part(name):
    config = run_config()
    config.data.photographs, config.test_data.name = 20, name
    config.data.training_splits = ("train", "test")
    assert data_config_of_test(config).photographs == 0
    assert data_config_of_test(config).training_splits == ("train",)
    assert data_config_of_test(config).name == (name or config.data.name)
    assert config.data.photographs == 20


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_the_command_line(tmp_path_factory, whole, real):
    path = tmp_path_factory.mktemp("config") / "experiment.py"
    path.write_text(FILE)
    config = load(str(path), [f"--config.seed={whole}", f"--config.training.rate={real!r}"])
    assert (config.seed, config.training.rate) == (whole, real)


def test_config_that_a_run_left_behind_is_a_config(tmp_path):
    config = load("experiments/colorize_unet.py:smoke", ["--config.data.zoom=(1.0,2)"])
    (tmp_path / "config.json").write_text(json.dumps(to_plain(config)))
    again = load(str(tmp_path / "config.json"), ["--config.seed=5"])
    assert again.seed == 5
    with again.unlocked():
        again.seed = config.seed
    assert again == config
    assert again.data.zoom == (1.0, 2.0)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "no such file"),
        (b"{", "is not the config.json of a run"),
        (b"3", "is not the config.json of a run"),
        (b"\xff\x00", "is not the config.json of a run"),
    ],
)
def test_config_kept_that_cannot_be_read_is_one_line(tmp_path, content, line):
    path = tmp_path / "config.json"
    if content:
        path.write_bytes(content)
    with pytest.raises(UserError, match=line):
        load(str(path))
