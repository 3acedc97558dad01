"""Methods that are told something besides the image, each a file of its own, as rows of a table."""

import csv
import json

import pytest
from support.tinted import Tinted
from support.wiener import Wiener

import datasets
from colorjax.commands import table
from colorjax.config.tables import method_config, table_config
from colorjax.errors import UserError
from colorjax.methods import METHODS

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(METHODS, "wiener", Wiener)
    monkeypatch.setitem(METHODS, "tinted", Tinted)


def config_of(task, method, **protocol):
    config = table_config()
    config.title, config.task.name = "told", task
    config.protocol.update({"resize": "short_side", "size": 32} | protocol)
    config.rows[method] = {"label": method.capitalize(), "method": method_config(method)}
    return config


def made(config, folder):
    table.main(config.lock(), folder, datasets)
    with (folder / "table.csv").open() as file:
        rows = {line["method"]: line for line in csv.DictReader(file)}
    hashes = {name: json.loads((folder / "rows" / name / "evaluation.json").read_text()) for name in config.rows}
    return rows, (folder / "table.md").read_text(), {name: kept["protocol_hash"] for name, kept in hashes.items()}


def test_noise_told_to_a_method_is_in_the_foot_and_in_the_hash(tmp_path):
    noise = {"noise_kind": "gaussian", "noise_level": 0.1}
    rows, page, hashes = made(config_of("denoise", "wiener", **noise), tmp_path)
    assert float(rows["wiener"]["psnr"]) > float(rows["observed"]["psnr"]) + 2
    assert (
        f"Wiener is told the kind and the level of the noise; with this its protocol has the hash {hashes['wiener']}."
        in page
    )
    assert hashes["observed"] == hashes["mean_color"] != hashes["wiener"]


def test_reference_given_to_a_method_is_in_the_foot_and_in_the_hash(tmp_path):
    rows, page, hashes = made(config_of("colorize", "tinted"), tmp_path)
    assert float(rows["tinted"]["colorfulness"]) > float(rows["observed"]["colorfulness"])
    assert "Tinted is told for each picture a reference, one of 5 training photographs (seed 0, hash " in page
    assert hashes["observed"] == hashes["mean_color"] != hashes["tinted"]


@pytest.mark.parametrize(
    ("task", "method", "line"),
    [
        ("denoise", "scribble", "'scribble', which is told true colors, can't be measured on the task 'denoise'"),
        ("denoise", "tinted", "'tinted', which is told a reference photograph, .*'denoise'; it is for colorize$"),
        ("colorize", "wiener", "'wiener', which is told the noise, can't be measured on the task 'colorize'"),
    ],
)
def test_method_in_a_table_of_another_task_is_refused_by_name(tmp_path, task, method, line):
    with pytest.raises(UserError, match=line):
        table.main(config_of(task, method).lock(), tmp_path / "table", datasets)
    assert not (tmp_path / "table").exists()
