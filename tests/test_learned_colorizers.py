"""The colorizers of Zhang et al. and of Iizuka et al. by their experiments: trained, stopped, resumed and measured."""

import csv
import json
import os
import signal

import jax
import numpy as np
import pytest
from PIL import Image
from support.pictures import picture

import datasets
import launch
from colorjax.runs.history import read_history
from colorjax.training import load_network

pytestmark = pytest.mark.slow

STEPS = 8
#: What makes a training soon done; all else is the experiment's.
SMALLER = {
    "model.width": 2,
    "data.patch_size": 16,
    "data.patches_per_epoch": 16,
    "data.workers": 0,
    "optimizer.warmup_steps": 0,
    "training.batch_size": 8,
    "training.epochs": STEPS // 2,
    "training.log_every": 1,
    "training.validate_every": 4,
    "training.checkpoint_every": 5,
    "inference.patch_size": 16,
    "protocol.size": 16,
}
OF = {
    "zhang.py:small": {},
    # with ADADELTA and the classification
    "iizuka.py:paper": {"model.classes": 2, "model.side": 32, "data.name": "photo_folder"},
}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A folder of photographs of two classes in color."""
    folder = tmp_path_factory.mktemp("photographs")
    for number in range(12):
        path = folder / ("bus", "car")[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(picture(number, (20 + number, 24))).save(path)
    return folder


@pytest.fixture(autouse=True)
def _two_devices(monkeypatch):
    """Eight would take turns on the cores here, in each of many steps."""
    two = jax.devices()[:2]
    monkeypatch.setattr(jax, "devices", lambda: two)


def run(command, experiment, folder, workdir):
    settings = SMALLER | OF[experiment] | {"data.source": folder}
    words = [f"--config.{key}={value}" for key, value in settings.items()]
    return launch.main([command, f"--config=experiments/{experiment}", *words, f"--workdir={workdir}"])


class Stopped:
    """A stream of batches that sends this process SIGTERM before one of them."""

    def __init__(self, stream, at):
        self.stream, self.at = stream, at

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def __iter__(self):
        for number, batch in enumerate(self.stream):
            if number == self.at:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch


@pytest.mark.parametrize("experiment", OF)
def test_run_that_was_stopped_goes_on_bit_for_bit_and_is_measured(experiment, photographs, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run("train", experiment, photographs, whole) == 0
    patches = datasets.patches
    with monkeypatch.context() as patch:
        patch.setattr(datasets, "patches", lambda *given, **named: Stopped(patches(*given, **named), at=5))
        assert run("train", experiment, photographs, parts) == 75
    stopped = max(int(path.name) for path in (parts / "checkpoints").iterdir())
    assert 0 < stopped < STEPS
    assert run("train", experiment, photographs, parts) == 0
    for which in ("last", "best"):
        (_, one, step), (_, other, other_step) = load_network(whole, which), load_network(parts, which)
        assert step == other_step
        jax.tree.map(np.testing.assert_array_equal, one, other)
    assert checksum(whole) == checksum(parts)  # of the state, with the optimizer's
    assert history(whole) == history(parts)

    assert run("evaluate", experiment, photographs, parts) == 0
    with (parts / "evaluation/table.csv").open() as file:
        (row,) = [row for row in csv.DictReader(file) if row["method"] == experiment.partition(".")[0]]
    assert all(np.isfinite(float(row[metric])) for metric in ("loss", "psnr", "ab_psnr", "auc", "rebalanced_auc"))


def checksum(workdir):
    return json.loads((workdir / f"checkpoints/{STEPS}/run/metadata").read_text())["checksum"]


def history(workdir):
    lines = read_history(workdir)
    assert len(lines) >= STEPS
    return [{key: value for key, value in line.items() if key != "examples_per_second"} for line in lines]
