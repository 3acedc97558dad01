"""Table 2 and its learning curve from their command, end to end on the bundled photographs, only smaller."""

import csv
from pathlib import Path

import numpy as np
import pytest
from support.small_inception import small_inception

import launch
from colorjax.pictures.images import write_picture
from experiments import table2

ROOT = Path(__file__).parents[1]

# Two of its rows: each takes long enough to compile.
SMALLER = """
from experiments import table2

def get_config(variant=""):
    config = table2.get_config("smoke").unlock()
    for name in list(config.rows):
        if name not in ("observed", "mean_color", "fusion_2", "unet_all"):
            del config.rows[name]
    config.data.update({"patches_per_epoch": 8, "patch_size": 16})
    config.training.update({"epochs": 1, "validation_photographs": 1})
    config.protocol.size = 48
    config.inference.update({"patch_size": 32, "overlap": 8})
    config.rows.fusion_2.model.update({"width": 4, "encoder_width": 8})
    config.rows.fusion_2.inference.patch_size = 48
    config.rows.unet_all.model.update({"width": 4, "depth": 2})
    return config.lock()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of the smoke table."""
    workdir = tmp_path_factory.mktemp("table2")
    (workdir / "smaller.py").write_text(SMALLER)
    with pytest.MonkeyPatch.context() as patch, small_inception():
        patch.setenv("COLORJAX_CACHE", str(workdir / "cache"))
        assert launch.main(["table", f"--config={workdir}/smaller.py", f"--workdir={workdir}/run"]) == 0
    return workdir / "run"


def lines(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_all_rows_are_measured_on_the_same_pictures(made):
    rows = [
        "Gray copy of the input",
        "Mean color",
        "Fusion network, 2 photographs",
        "U-Net, group norm., all photographs",
    ]
    assert [line["row"] for line in lines(made / "table.csv")] == rows
    pictures = [(line["row"], line["picture"]) for line in lines(made / "pictures.csv")]
    assert pictures == [(row, picture) for row in rows for picture in ("chelsea", "rocket")]


def test_the_curve_has_a_point_for_each_number_of_photographs(made):
    points = {(line["series"], line["photographs"]) for line in lines(made / "learning_curve.csv")}
    assert points == {("Fusion network", "2"), ("U-Net, group norm.", "5")}


def test_the_report_says_what_the_papers_numbers_and_the_branch_are(made):
    for name in ("report.html", "table.md"):
        page = (made / name).read_text()
        for figure in ("22.8154", "0.9097", "29.204", "31.2109", "28.4802", "32.8144", "0.8106"):
            assert figure in page, (name, figure)
        assert page.count("near-infrared faces, another paper") == 4
        assert "random weights that know nothing" in page
        assert "Gray copy of the input) scores PSNR" in page


def test_each_variant_compares_the_networks_on_few_photographs_and_on_more():
    for variant in table2.VARIANTS:
        config = table2.get_config(variant)
        counts = {}
        for row in config.rows.values():
            if "model" in row:
                counts.setdefault(row.series, []).append(row.data.photographs)
        assert {"Fusion network", "U-Net, group norm."} <= set(counts)
        expected = {"smoke": [2, 0], "learning_curve": [20, 60, 200, 0]}.get(variant.partition("-")[0], [20, 0])
        assert all(found == expected for found in counts.values()), variant
        seeds = {row.get("seeds", ()) for row in config.rows.values() if "model" in row}
        assert seeds == ({(0, 1, 2)} if "curve" in variant else {()})


def test_without_published_weights_the_larger_variants_say_how_to_get_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pictures").mkdir()
    random = np.random.default_rng(0)
    for i in range(30):
        write_picture(tmp_path / "pictures" / f"{i}.png", random.uniform(size=(4, 4, 3)).astype(np.float32))
    words = [f"--config={ROOT}/experiments/table2.py:folder", f"--config.data.source={tmp_path / 'pictures'}"]
    assert launch.main(["table", *words, f"--workdir={tmp_path / 'run'}"]) == 2
    error = capsys.readouterr().err
    assert "row 'Fusion network, 20 photographs': there are no weights of Inception-ResNet-v2" in error
    assert "launch.py weights inception --from=" in error
    assert not (tmp_path / "run").exists()
