"""Classes of photographs: from the folders of photo_folder to the batches and to a classifier beside the task."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from support.pictures import config as data_config
from support.pictures import make
from test_objectives import Classifying

import datasets
import launch
from colorjax.config.defaults import run_config
from colorjax.models import MODELS
from colorjax.runs.history import read_history
from datasets.photo_folder.photo_folder_dataset_builder import classes_of

NAMES = [f"{split}/{kind}/{i}.png" for split in ("train", "val", "test") for kind in ("bus", "car") for i in range(3)]


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ({"train": ["train/bus/a.png", "train/car/new/b.png"], "test": ["test/c.png"]}, {"a": "bus", "b": "car"}),
        ({"train": ["bus/a.png", "train/b.png"], "test": ["c.png"]}, {"a": "bus", "b": "train"}),
        ({"train": ["a.png", "b.png"]}, {}),
        ({"train": ["photos/a.png", "photos/b.png"]}, {}),
    ],
)
def test_class_is_the_uppermost_folder_below_the_splits(names, classes):
    found = {name.split("/")[-1].removesuffix(".png"): kind for name, kind in classes_of(names).items()}
    assert found == classes


@pytest.mark.parametrize("placement", ["host", "device"])
def test_class_of_each_patch_is_its_photographs(tmp_path, placement):
    config = run_config().data
    config.update({"name": "photo_folder", "source": str(make(tmp_path, *NAMES))})
    config.update({"placement": placement, "patch_size": 4, "workers": 0})
    photographs = datasets.photographs(config, "train")
    assert photographs.classes == ("bus", "car")
    assert [p.label for p in photographs] == [int("car" in p.name) for p in photographs]
    stream = datasets.patches(config, seed=0, batch_size=8, start_step=0, steps=2)
    for batch in stream:
        assert batch["class"].dtype == np.float32
        assert batch["class"].tolist() == np.eye(2)[[photographs[i].label for i in batch["photograph"]]].tolist()


def test_classifier_is_trained_beside_the_task(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "classifying", Classifying)
    source = make(tmp_path / "photographs", *NAMES)
    (tmp_path / "classify.py").write_text(
        "from colorjax.config import model_config, objective_config, run_config\n"
        "def get_config(variant=''):\n"
        "    config = run_config()\n"
        "    config.model = model_config('classifying', classes=2)\n"
        "    config.data.update({'name': 'photo_folder', 'patch_size': 8, 'patches_per_epoch': 16, 'workers': 0})\n"
        "    config.training.update({'batch_size': 8, 'epochs': 4, 'log_every': 1})\n"
        "    config.objective = objective_config('supervised', terms={'task': 1.0, 'classification': 0.01})\n"
        "    return config.lock()\n"
    )
    words = ["train", f"--config={tmp_path / 'classify.py'}", f"--config.data.source={source}"]
    assert launch.main([*words, f"--workdir={tmp_path / 'run'}"]) == 0
    lines = [line for line in read_history(tmp_path / "run") if "classification" in line]
    assert len(lines) == 8
    for line in lines:
        assert line["loss"] == pytest.approx(line["task"] + 0.01 * line["classification"], rel=1e-5)
    assert jax.numpy.log(2.0) * 0.9 < lines[0]["classification"] < jax.numpy.log(2.0) * 1.1  # it knows nothing yet


def test_classifier_without_classes_in_the_photographs_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(MODELS, "classifying", Classifying)
    (tmp_path / "classify.py").write_text(
        "from colorjax.config import model_config, objective_config, run_config\n"
        "def get_config(variant=''):\n"
        "    config = run_config()\n"
        "    config.model = model_config('classifying')\n"
        "    config.objective = objective_config('supervised', terms={'classification': 1.0})\n"
        "    config.data.update({'patch_size': 8, 'workers': 0})\n"
        "    config.training.batch_size = 8\n"
        "    return config.lock()\n"
    )
    assert launch.main(["train", f"--config={tmp_path / 'classify.py'}", f"--workdir={tmp_path / 'run'}"]) == 2
    assert "the training photographs have no classes" in capsys.readouterr().err.splitlines()[-1]


def test_classes_are_found_in_what_an_earlier_version_prepared(tmp_path):
    config = data_config("photo_folder", make(tmp_path / "photographs", *NAMES))
    today = datasets.prepare(config)
    path = Path(today.directory) / "summary.json"
    summary = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in summary.items() if key not in ("classes", "labels")}))
    shutil.rmtree(tmp_path / "photographs")
    photographs = datasets.photographs(config, "train")
    assert photographs.classes == ("bus", "car")
    assert [p.label for p in photographs] == [int("car" in p.name) for p in photographs]
    assert json.loads(path.read_text()) == summary
