"""What earlier versions left on people's disks: their networks give the same pictures, what they began goes on.

`tests/released/VERSION/` has the files, and `tests/support/make_released.py` makes them for each release.
"""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import colorjax.evaluation.measure
import launch
from colorjax.config import files
from colorjax.errors import UserError
from colorjax.metrics.registry import METRICS
from colorjax.runs.run_state import read_state
from colorjax.sweeps.search import read_search, save_search
from colorjax.training.workdir import require_same_config

pytestmark = pytest.mark.slow

RELEASES = sorted(path.parent for path in Path(__file__).with_name("released").glob("*/configs.py"))
NETWORKS = [path for release in RELEASES for path in sorted(release.glob("*.safetensors"))]
TOLERANCE = 1e-3  # as in test_golden.py, for the same reason

each_release = pytest.mark.parametrize("release", RELEASES, ids=[path.name for path in RELEASES])


@pytest.fixture(autouse=True, scope="module")
def _one_metric():
    """Compile one of the metrics: they are not what is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(colorjax.evaluation.measure, "METRICS", {"psnr": METRICS["psnr"]})
        yield


def history(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def losses(path):
    return {line["step"]: line["loss"] for line in history(path) if line["kind"] == "train"}


def assert_same_run(path, whole):
    """Assert that a history has the losses and validations of one that nothing stopped."""
    found, expected = losses(path), losses(whole)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(list(found.values()), [expected[step] for step in found], rtol=TOLERANCE)
    found, expected = (
        [line["psnr"] for line in history(path) if line["kind"] == "validation"] for path in (path, whole)
    )
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE)


def assert_went_on(path, begun):
    """Assert that a history begins with what was there, its times too: nothing was trained again."""
    assert history(begun)
    assert path.read_text().startswith(begun.read_text())


def test_there_is_a_release():
    assert len(NETWORKS) >= 5


@pytest.mark.parametrize("network", NETWORKS, ids=[f"{path.parent.name}-{path.stem}" for path in NETWORKS])
def test_released_networks_give_the_same_pictures(network, tmp_path):
    command = "colorize" if network.stem.startswith("colorize") else "denoise"
    picture = network.with_name("gray.png" if network.stem == "denoise_gray" else "picture.png")
    assert launch.main([command, str(picture), f"--weights={network}", f"--output={tmp_path}"]) == 0
    with Image.open(tmp_path / picture.name) as found, Image.open(network.with_suffix(".png")) as expected:
        assert found.mode == expected.mode
        assert np.abs(np.int16(found) - np.int16(expected)).max() <= 1


@each_release
def test_released_runs_go_on(release, tmp_path):
    shutil.copytree(release / "begun", tmp_path / "run")
    assert launch.main(["train", f"--config={release / 'configs.py'}:begun", f"--workdir={tmp_path / 'run'}"]) == 0
    assert_went_on(tmp_path / "run/history.jsonl", release / "begun/history.jsonl")
    assert_same_run(tmp_path / "run/history.jsonl", release / "begun-whole.jsonl")


@each_release
def test_released_runs_go_on_from_the_config_that_they_kept(release, tmp_path):
    shutil.copytree(release / "begun", tmp_path / "run")
    config = tmp_path / "run/config.json"
    assert launch.main(["train", f"--config={config}", f"--workdir={tmp_path / 'run'}"]) == 0
    assert_went_on(tmp_path / "run/history.jsonl", release / "begun/history.jsonl")
    assert_same_run(tmp_path / "run/history.jsonl", release / "begun-whole.jsonl")


@each_release
def test_released_runs_are_exported(release, tmp_path):
    output = tmp_path / "network.safetensors"
    assert launch.main(["export", f"--workdir={release / 'begun'}", f"--output={output}", "--checkpoint=last"]) == 0


@each_release
def test_released_searches_go_on(release, tmp_path):
    shutil.copytree(release / "search", tmp_path / "search")
    words = [f"--config={release / 'configs.py'}:begun", "--search.trials=2", "--search.pruner=none"]
    assert launch.main(["search", *words, f"--workdir={tmp_path / 'search'}"]) == 0
    for trial in ("trial-0", "trial-1"):
        assert read_state(tmp_path / "search/runs" / trial).state == "done"
        assert_went_on(
            *(folder / "runs" / trial / "history.jsonl" for folder in (tmp_path / "search", release / "search"))
        )
        assert_same_run(tmp_path / "search/runs" / trial / "history.jsonl", release / f"search-{trial}.jsonl")


def without(config, key):
    """Return a plain config without a setting or section, as a version kept it that had not got it."""
    copy = json.loads(json.dumps(config))
    *parents, last = key.split(".")
    section = copy
    for name in parents:
        section = section[name]
    del section[last]
    return copy


@each_release
@pytest.mark.parametrize("key", ["protocol.border", "model.block", "inference"])
def test_settings_that_are_new_since_a_run_began_count_as_their_defaults(release, key, tmp_path):
    config = files.load(f"{release / 'configs.py'}:begun", ["--config.inference.patch_size=256"])
    config = config.copy_and_resolve_references().unlock()
    config.inference.overlap = 32  # the defaults, both
    kept = json.loads(json.dumps(config.to_dict()))
    (tmp_path / "config.json").write_text(json.dumps(without(kept, key)))
    require_same_config(tmp_path, config.lock())
    assert files.load(str(tmp_path / "config.json")).protocol.border == 0
    changed = config.copy_and_resolve_references().unlock()
    changed.protocol.border, changed.model.block, changed.inference.overlap = 4, "residual", 16
    with pytest.raises(UserError, match=f"holds a run of another config.*{key}"):
        require_same_config(tmp_path, changed)


@each_release
def test_settings_that_are_new_since_a_search_began_count_as_their_defaults(release, tmp_path):
    content = json.loads((release / "search/search.json").read_text())
    expected = read_search(release / "search")
    content["config"] = without(content["config"], "protocol.border")
    content["settings"] = without(content["settings"], "warmup_steps")
    (tmp_path / "search.json").write_text(json.dumps(content))
    found = read_search(tmp_path)
    assert found.config == expected.config
    assert found.settings == expected.settings
    save_search(expected, tmp_path)


@each_release
def test_released_tables_are_measured_anew(release, tmp_path, capsys):
    shutil.copytree(release / "table", tmp_path / "table")
    rows = tmp_path / "table/rows"
    kept = {path: json.loads(path.read_text())["fingerprint"] for path in rows.glob("*/evaluation.json")}
    assert len(kept) == 3
    assert launch.main(["table", f"--config={release / 'configs.py'}:table", f"--workdir={tmp_path / 'table'}"]) == 0
    assert "measured already" not in capsys.readouterr().err
    for path, fingerprint in kept.items():
        assert json.loads(path.read_text())["fingerprint"] != fingerprint
    with (tmp_path / "table/table.csv").open() as found, (release / "table/table.csv").open() as expected:
        for row, before in zip(csv.DictReader(found), csv.DictReader(expected), strict=True):
            assert row["row"] == before["row"]
            assert float(row["psnr"]) == pytest.approx(float(before["psnr"]), rel=TOLERANCE)
