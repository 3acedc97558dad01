"""A table with seeds and series from its command, made once and then made again, small in every way."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from ml_collections import ConfigDict

import launch
from colorjax.commands import table
from colorjax.config.tables import method_config, table_config
from colorjax.pictures.images import Photograph

EXPERIMENT = """
from ml_collections import ConfigDict
from colorjax.config import method_config, model_config, table_config

def get_config(variant=""):
    config = table_config()
    config.title = "A curve"
    config.task.name = "colorize"
    config.data.patch_size, config.data.patches_per_epoch, config.data.workers = 32, 8, 0
    config.training.batch_size, config.training.epochs = 8, 2
    config.protocol.resize, config.protocol.size = "short_side", 48
    config.inference.patch_size, config.inference.overlap = 48, 8
    model = model_config("unet", width=4, depth=1)
    few = {"data": {"photographs": 3}, "series": "U-Net"}
    config.rows.few = ConfigDict({"label": "Few", "model": model, "seeds": (0, 1), **few})
    config.rows.all = ConfigDict({"label": "All", "model": model, "series": "U-Net"})
    color = method_config("mean_color")
    config.rows.color = ConfigDict({"label": "Color of few", "method": color, "data": {"photographs": 3}})
    return config.lock()
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curve")
    (folder / "experiment.py").write_text(EXPERIMENT)
    words = ["table", f"--config={folder / 'experiment.py'}", f"--workdir={folder / 'run'}"]
    return folder / "run", words, launch.main(words)


def test_rows_with_seeds_have_a_folder_a_seed_and_are_one_row_of_the_table(command):
    workdir, _, status = command
    assert status == 0
    for folder in ("few/seed-0", "few/seed-1", "all"):
        assert (workdir / "rows" / folder / "history.jsonl").exists()
        assert (workdir / "rows" / folder / "evaluation.json").exists()
    with (workdir / "table.csv").open() as file:
        table = {line["row"]: line for line in csv.DictReader(file)}
    assert list(table) == ["Input as it is", "Mean color", "Few", "All", "Color of few"]
    with (workdir / "learning_curve.csv").open() as file:
        curve = list(csv.DictReader(file))
    assert [(line["photographs"], line["seed"]) for line in curve] == [("3", "0"), ("3", "1"), ("5", "0")]
    psnr = [float(line["psnr"]) for line in curve]
    assert psnr[0] != psnr[1]
    assert float(table["Few"]["psnr"]) == pytest.approx((psnr[0] + psnr[1]) / 2)
    assert float(table["All"]["psnr"]) == pytest.approx(psnr[2])


def test_again_nothing_is_trained_or_measured_twice(command, capsys):
    workdir, words, _ = command
    before = {path.name: path.read_text() for path in workdir.glob("*.csv")}
    assert launch.main(words) == 0
    said = "".join(capsys.readouterr())
    assert said.count("this run is finished") == 3
    assert said.count("measured already") == 6
    assert "Few, seed 1: measured already" in said
    assert {path.name: path.read_text() for path in workdir.glob("*.csv")} == before


def test_more_photographs_than_there_are_in_any_row_are_refused_before_anything_is_trained(command, tmp_path, capsys):
    _, words, _ = command
    again = [*words[:2], f"--workdir={tmp_path / 'run'}", "--config.rows.color.data.photographs=900"]
    assert launch.main(again) == 2
    assert "row 'Color of few': config.data.photographs=900: skimage_photos has 5" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_method_learns_from_the_photographs_of_its_own_row(tmp_path):
    """The mean color of one photograph of the very color to be found is right, that of all three is not."""
    colors = [(200, 60, 60), (60, 200, 60), (60, 60, 200)]
    solid = [Photograph(str(color), np.full((16, 16, 3), color, np.uint8)) for color in colors]

    def photographs(config, split):
        return solid[:1] if split == "test" else solid[: config.photographs or None]

    config = table_config()
    config.task.name = "colorize"
    row = {"label": "One", "method": method_config("mean_color"), "data": {"photographs": 1}, "series": "Mean color"}
    config.rows.one = ConfigDict(row)
    table.main(config.lock(), tmp_path, SimpleNamespace(photographs=photographs))
    with (tmp_path / "table.csv").open() as file:
        error = {line["row"]: float(line["ciede2000"]) for line in csv.DictReader(file)}
    assert error["One"] < 1 < 10 < error["Mean color"]
    assert (tmp_path / "learning_curve.csv").read_text().splitlines()[1].startswith("Mean color,One,1,0,")
