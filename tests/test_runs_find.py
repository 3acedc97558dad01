"""Runs are found by their config, wherever in the folder they are."""

import json

import pytest

from colorjax.errors import UserError
from colorjax.runs.find import find_runs
from colorjax.runs.history import last_step, read_history


def make(folder, **config):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))


def test_find_runs_orders_a_sweep_by_number(tmp_path):
    for name in ("rate=0.1", "rate=0.02", "rate=3e-05", "rate=0.001", "trial-10", "trial-9"):
        make(tmp_path / "runs" / name, model={"name": "unet"}, seed=1)
    make(tmp_path / "code" / "ab12" / "runs" / "old", model={})
    runs = find_runs(tmp_path)
    assert [run.name for run in runs] == ["rate=3e-05", "rate=0.001", "rate=0.02", "rate=0.1", "trial-9", "trial-10"]
    assert runs[0].settings == {"model.name": "unet", "seed": 1}
    assert runs[0].history == []


def test_find_runs_takes_a_runs_own_folder_for_one_run(tmp_path):
    make(tmp_path / "mine", model={})
    make(tmp_path / "mine" / "evaluation" / "rows" / "network", model={})
    (found,) = find_runs(tmp_path / "mine")
    assert found.name == "mine"


def test_find_runs_knows_a_tables_rows_with_seeds(tmp_path):
    make(tmp_path / "table", rows={"unet": {}})
    for seed in (0, 1):
        make(tmp_path / "table" / "rows" / "unet" / f"seed-{seed}", model={}, seed=seed)
    assert [run.name for run in find_runs(tmp_path / "table")] == ["unet/seed-0", "unet/seed-1"]
    assert [run.name for run in find_runs(tmp_path)] == ["table/rows/unet/seed-0", "table/rows/unet/seed-1"]


@pytest.mark.parametrize("content", [b'{"model": {', b"3", b"\xff\x00"])
def test_find_runs_loses_nothing_to_a_damaged_config(tmp_path, content):
    make(tmp_path / "runs" / "good", model={"name": "unet"})
    make(tmp_path / "table" / "rows" / "unet", model={"name": "unet"})
    make(tmp_path / "runs" / "bad")
    (tmp_path / "runs" / "bad" / "state.json").write_text('{"state": "done"}')
    for path in (tmp_path / "runs" / "bad", tmp_path / "table"):
        (path / "config.json").write_bytes(content)
    bad, good, row = find_runs(tmp_path)
    assert [run.name for run in (bad, good, row)] == ["bad", "good", "table/rows/unet"]
    assert (bad.readable, good.readable) == (False, True)
    assert bad.settings == {}


def test_lines_of_a_history_that_are_none_are_left_out(tmp_path):
    whole = {"step": 8, "kind": "train", "loss": 0.5}
    lines = [b"3", b"[]", b'{"step": 9}', b'{"kind": "train"}', json.dumps(whole).encode(), b"\xff\x00", b'{"step": 1']
    (tmp_path / "history.jsonl").write_bytes(b"\n".join(lines))
    assert read_history(tmp_path) == [whole]
    assert last_step(tmp_path) == 8


def test_folders_without_runs_are_one_line(tmp_path):
    with pytest.raises(UserError, match="no run in it"):
        find_runs(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find_runs(tmp_path / "nowhere")
