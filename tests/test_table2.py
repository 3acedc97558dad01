"""Table 2 and its learning curve from their command, made once and made again, on the bundled photographs, smaller.

It has what any table may have: a row with seeds, series, a fusion network, a method that learns from few photographs.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from support.small_inception import small_inception

import launch
from colorjax.pictures.images import write_picture
from experiments import table2

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]

# Two of its networks: each takes long enough to compile.
SMALLER = """
from ml_collections import ConfigDict
from colorjax.config import method_config
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
    config.rows.fusion_2.seeds = (0, 1)
    config.rows.unet_all.model.update({"width": 4, "depth": 2})
    color = method_config("mean_color")
    config.rows.color = ConfigDict({"label": "Color of few", "method": color, "data": {"photographs": 3}})
    return config.lock()
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """The words that make the smoke table, with what they need; the last is its folder."""
    workdir = tmp_path_factory.mktemp("table2")
    (workdir / "smaller.py").write_text(SMALLER)
    with pytest.MonkeyPatch.context() as patch, small_inception():
        patch.setenv("COLORJAX_CACHE", str(workdir / "cache"))
        yield ["table", f"--config={workdir}/smaller.py", f"--workdir={workdir}/run"]


@pytest.fixture(scope="module")
def made(command, tmp_path_factory):
    """The folder of the smoke table."""
    assert launch.main(command) == 0
    return Path(command[-1].partition("=")[2])


def lines(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_table_rows_are_measured_on_the_same_pictures(made):
    rows = [
        "Gray copy of the input",
        "Mean color",
        "Fusion network, 2 photographs",
        "U-Net, group norm., all photographs",
        "Color of few",
    ]
    assert [line["row"] for line in lines(made / "table.csv")] == rows
    pictures = [(line["row"], line["picture"]) for line in lines(made / "pictures.csv")]
    assert pictures == [(row, picture) for row in rows for picture in ("chelsea", "rocket")]


def test_rows_with_seeds_have_a_folder_a_seed_and_are_one_row_of_the_table(made):
    for folder in ("fusion_2/seed-0", "fusion_2/seed-1", "unet_all"):
        assert (made / "rows" / folder / "history.jsonl").exists()
        assert (made / "rows" / folder / "evaluation.json").exists()
    curve = lines(made / "learning_curve.csv")
    fusion, unet = "Fusion network", "U-Net, group norm."
    points = [(line["series"], line["photographs"], line["seed"]) for line in curve]
    assert points == [(fusion, "2", "0"), (fusion, "2", "1"), (unet, "5", "0")]
    psnr = [float(line["psnr"]) for line in curve]
    assert psnr[0] != psnr[1]
    table = {line["row"]: float(line["psnr"]) for line in lines(made / "table.csv")}
    assert table["Fusion network, 2 photographs"] == pytest.approx((psnr[0] + psnr[1]) / 2)
    assert table["U-Net, group norm., all photographs"] == pytest.approx(psnr[2])


def test_table_again_trains_and_measures_nothing_twice(command, made, capsys):
    before = {path.name: path.read_text() for path in made.glob("*.csv")}
    assert launch.main(command) == 0
    said = "".join(capsys.readouterr())
    assert said.count("this run is finished") == 3
    assert said.count("measured already") == 6
    assert "Fusion network, 2 photographs, seed 1: measured already" in said
    assert {path.name: path.read_text() for path in made.glob("*.csv")} == before


def test_table_refuses_more_photographs_than_there_are_before_training(command, tmp_path, capsys):
    again = [*command[:2], f"--workdir={tmp_path / 'run'}", "--config.rows.color.data.photographs=900"]
    assert launch.main(again) == 2
    assert "row 'Color of few': config.data.photographs=900: skimage_photos has 5" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_table_report_says_what_the_papers_numbers_and_the_branch_are(made):
    for name in ("report.html", "table.md"):
        page = (made / name).read_text()
        for figure in ("22.8154", "0.9097", "29.204", "31.2109", "28.4802", "32.8144", "0.8106"):
            assert figure in page, (name, figure)
        assert page.count("near-infrared faces, another paper") == 4
        assert "random weights that know nothing" in page
        assert "Gray copy of the input) scores PSNR" in page


def test_variants_compare_the_networks_on_few_photographs_and_on_more():
    for variant in table2.VARIANTS:
        config = table2.get_config(variant)
        counts = {}
        adversarial = {name for name, row in config.rows.items() if "discriminator" in row.get("objective", {})}
        without = variant.startswith(("learning_curve", "pretrained"))
        assert adversarial == (set() if without else set(table2.ADVERSARIAL))
        for row in config.rows.values():
            if "model" in row and "series" in row:
                counts.setdefault(row.series, []).append(row.data.photographs)
        compared = {"Fusion network", "U-Net, group norm."}
        if variant.startswith("pretrained_features"):
            compared = {"Fusion, ImageNet's features", "Fusion, random features", "Fusion, embedding zeroed"}
        assert compared <= set(counts)
        curve = [20, 60, 200, 0]
        several = {"smoke": [2, 0], "learning_curve": curve, "pretrained_features": curve}
        several["pretrained_features_few"] = [5, 10, 0]
        expected = several.get(variant.partition("-")[0], [20, 0])
        assert all(found == expected for found in counts.values()), variant
        seeds = {row.get("seeds", ()) for row in config.rows.values() if "series" in row}
        expected_seeds = {"learning_curve": (0, 1, 2), "pretrained_features": table2.PRETRAINED_SEEDS}
        expected_seeds["pretrained_features_few"] = table2.PRETRAINED_SEEDS
        assert seeds == {expected_seeds.get(variant.partition("-")[0], ())}


def test_variants_without_published_weights_say_how_to_get_them(tmp_path, monkeypatch, capsys):
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
