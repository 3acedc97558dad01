"""Runs are found by their config, wherever in the folder they are."""

import json

import pytest

from colorjax.errors import UserError
from colorjax.runs.find import find_runs


def make(folder, **config):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))


def test_a_sweeps_runs_in_the_order_of_their_numbers(tmp_path):
    for name in ("rate=0.1", "rate=0.02", "rate=3e-05", "rate=0.001", "trial-10", "trial-9"):
        make(tmp_path / "runs" / name, model={"name": "unet"}, seed=1)
    make(tmp_path / "code" / "ab12" / "runs" / "old", model={})
    runs = find_runs(tmp_path)
    assert [run.name for run in runs] == ["rate=3e-05", "rate=0.001", "rate=0.02", "rate=0.1", "trial-9", "trial-10"]
    assert runs[0].settings == {"model.name": "unet", "seed": 1}
    assert runs[0].history == []


def test_a_runs_own_folder_is_one_run(tmp_path):
    make(tmp_path / "mine", model={})
    make(tmp_path / "mine" / "evaluation" / "rows" / "network", model={})
    (found,) = find_runs(tmp_path / "mine")
    assert found.name == "mine"


def test_a_tables_rows_with_seeds(tmp_path):
    make(tmp_path / "table", rows={"unet": {}})
    for seed in (0, 1):
        make(tmp_path / "table" / "rows" / "unet" / f"seed-{seed}", model={}, seed=seed)
    assert [run.name for run in find_runs(tmp_path / "table")] == ["unet/seed-0", "unet/seed-1"]
    assert [run.name for run in find_runs(tmp_path)] == ["table/rows/unet/seed-0", "table/rows/unet/seed-1"]


def test_folders_without_runs_are_one_line(tmp_path):
    with pytest.raises(UserError, match="no run in it"):
        find_runs(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find_runs(tmp_path / "nowhere")
