"""Weights in a file as a row of a table: measured anew when the file holds others, and only then."""

from types import SimpleNamespace

import numpy as np
import pytest
from support import networks as made_networks

from colorjax.commands.measuring import measure_rows
from colorjax.config.rows import table_runs
from colorjax.config.tables import method_config, table_config
from colorjax.evaluation import measure
from colorjax.methods import build_method
from colorjax.metrics.registry import METRICS
from colorjax.pictures.images import Photograph

PHOTOGRAPH = Photograph("made", np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
FILE = "network.safetensors"
DATA = SimpleNamespace(photographs=lambda config, split: [PHOTOGRAPH])


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "METRICS", {"psnr": METRICS["psnr"]})  # each is compiled
    config = table_config()
    config.task.name, config.task.loss = "denoise", "l1"
    del config.rows["mean_color"]
    config.rows.shipped = {
        "label": "Shipped",
        "method": method_config("pretrained", weights=str(tmp_path / FILE)),
    }
    return config.lock()


def test_pretrained_file_replaced_under_its_name_is_measured_anew(table, tmp_path, capsys):
    def measured():
        measure_rows(table, tmp_path / "table", table_runs(table, tmp_path / "rows"), DATA)
        text = (tmp_path / "rows" / "shipped" / "evaluation.json").read_text()
        return text, "Shipped: measured already" in capsys.readouterr().err

    made_networks.write(tmp_path / FILE, "denoise", seed=1)
    first, known = measured()
    assert not known
    assert measured() == (first, True)
    made_networks.write(tmp_path / FILE, "denoise", seed=2)
    second, known = measured()
    assert not known
    assert second != first


def test_fingerprint_tells_how_weights_are_used(tmp_path):
    found = []
    for size in (32, 64):
        path = made_networks.write(tmp_path / f"{size}.safetensors", "colorize", working_size=size)
        found.append(build_method({"name": "pretrained", "weights": str(path)}).fingerprint())
    assert found[0]["weights"] == found[1]["weights"]
    assert found[0] != found[1]
