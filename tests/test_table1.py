"""Table 1 from its command, end to end on the bundled photographs, only smaller in every way."""

import csv
import re
from pathlib import Path

import pytest

import launch

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SMALLER = [
    "--config.training.epochs=2",
    "--config.data.patches_per_epoch=8",
    "--config.data.patch_size=32",
    "--config.rows.cnn.model.width=4",
    "--config.rows.cnn.model.depth=2",
    "--config.rows.unet.model.width=4",
    "--config.rows.unet.model.depth=2",
    "--config.protocol.size=64",
    "--config.inference.patch_size=48",
    "--config.inference.overlap=8",
]
ROWS = [
    "Gray copy of the input",
    "Mean color",
    "Scribbles (Levin et al.)",
    "By example (reference found)",
    "Conventional CNN",
    "U-Net, group norm.",
    "Bundled weights",
]


def table(workdir, *more):
    return launch.main(
        ["table", f"--config={ROOT}/experiments/table1.py:smoke", f"--workdir={workdir}", *SMALLER, *more]
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a table, and the exit status of the command that made it."""
    workdir = tmp_path_factory.mktemp("table1")
    return workdir, table(workdir)


def test_table_command_makes_every_file(made):
    workdir, status = made
    assert status == 0
    for name in ("table.md", "table.csv", "pictures.csv", "report.html", "protocol.json", "config.json"):
        assert (workdir / name).stat().st_size > 0
    for row in ("cnn", "unet"):
        assert (workdir / "rows" / row / "history.jsonl").exists()
        assert list((workdir / "rows" / row / "tensorboard").iterdir())


def test_table_measures_every_row_on_every_picture(made):
    with (made[0] / "pictures.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["row"] for line in lines] == [row for row in ROWS for _ in range(2)]
    assert {line["picture"] for line in lines} == {"chelsea", "rocket"}
    with (made[0] / "table.csv").open() as file:
        assert [line["row"] for line in csv.DictReader(file)] == ROWS


def test_scribbles_come_nearer_to_the_truth_than_the_gray_copy(made):
    """The one row that needs no training is told true colors, so it must be better than none at all."""
    with (made[0] / "table.csv").open() as file:
        difference = {line["row"]: line for line in csv.DictReader(file)}["Scribbles (Levin et al.)"]
    assert float(difference["psnr_difference"]) > 1
    assert float(difference["ciede2000_difference"]) < 0


def test_table_page_needs_no_other_file_and_shows_the_published_figures(made):
    page = (made[0] / "report.html").read_text()
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:|#)""", page)
    assert not re.findall(r"@import|url\((?!['\"]?(?:data:|#))", page)
    assert "Proposed U-net Architecture" in page
    assert "94.3%" in page
    assert all(row.split(" (")[0] in page for row in ROWS)


def test_table_of_another_config_in_the_same_workdir_is_refused(made, capsys):
    assert table(made[0], "--config.seed=1") == 2
    error = capsys.readouterr().err
    assert "config.seed (0 there, 1 here)" in error
    assert error.count("\n") == 1
