"""Learning curves: their points, their file, their chart and their place in the report."""

import csv
import re

import numpy as np
import pytest
from scipy.stats import t
from test_tables import HASHES, HISTORY, PROTOCOL, Page, made

from colorjax.evaluation.seeds import average
from colorjax.pages.svg import COLORS
from colorjax.tables.data_curve import Place, data_curves
from colorjax.tables.data_curve_chart import SERIES_COLORS, data_curve_chart
from colorjax.tables.report import write_table
from colorjax.tables.table import make_table

PLACES = {
    "U-Net, all": Place("U-Net", 641, 0),
    "U-Net, 20": Place("U-Net", 20, 0),
    "Fusion, 20": Place("Fusion", 20, 7),
}


@pytest.fixture
def evaluations():
    return {
        "Gray copy": made("observed", 20.0, 0),
        "Mean color": made("mean_color", 19.0, 1),
        "U-Net, all": average({seed: made("unet", 25.0 + seed, 10 + seed, HASHES[::-1]) for seed in (0, 1, 2)}),
        "U-Net, 20": average({seed: made("unet", 22.0 + 2 * seed, 20 + seed) for seed in (0, 1, 2)}),
        "Fusion, 20": made("fusion", 24.0, 30),
        "CNN": made("cnn", 21.0, 31),
    }


def test_points_are_in_the_order_of_their_photographs_with_the_interval_over_seeds(evaluations):
    curves = data_curves(make_table("T", evaluations, PROTOCOL, "Gray copy"), evaluations, PLACES)
    assert {k: [(p.photographs, p.row) for p in points] for k, points in curves.items()} == {
        "U-Net": [(20, "U-Net, 20"), (641, "U-Net, all")],
        "Fusion": [(20, "Fusion, 20")],
    }
    by_seed = [e.values("psnr").mean() for e in evaluations["U-Net, 20"].by_seed.values()]
    estimate = curves["U-Net"][0].estimate("psnr")
    error = np.std(by_seed, ddof=1) / np.sqrt(3)
    assert estimate.mean == pytest.approx(evaluations["U-Net, 20"].values("psnr").mean())
    np.testing.assert_allclose(estimate[1:3], t.interval(0.95, 2, loc=np.mean(by_seed), scale=error))
    assert np.isnan(curves["Fusion"][0].estimate("psnr").low)


def test_data_curve_file_has_a_line_a_row_and_seed(evaluations, tmp_path):
    write_table(tmp_path, "T", evaluations, "Gray copy", PROTOCOL, places=PLACES)
    lines = list(csv.DictReader((tmp_path / "learning_curve.csv").read_text().splitlines()))
    assert [(line["series"], line["row"], line["photographs"], line["seed"]) for line in lines] == [
        *[("U-Net", "U-Net, 20", "20", str(seed)) for seed in (0, 1, 2)],
        *[("U-Net", "U-Net, all", "641", str(seed)) for seed in (0, 1, 2)],
        ("Fusion", "Fusion, 20", "20", "7"),
    ]
    expected = evaluations["U-Net, 20"].by_seed[1]
    for column in ("psnr", "ssim", "ciede2000", "colorfulness", "accuracy"):
        assert float(lines[1][column]) == pytest.approx(expected.values(column).mean())


def test_data_curve_page_says_what_is_a_mean_and_draws_the_curves(evaluations, tmp_path):
    histories = {"U-Net, 20": HISTORY}
    write_table(tmp_path, "T", evaluations, "Gray copy", PROTOCOL, histories, places=PLACES)
    page = (tmp_path / "report.html").read_text()
    text = " ".join(" ".join(Page(page).text).split())
    for part in ("Data curves", "Student's t", "U-Net, 20: mean of 3 seeds (0, 1, 2).", "the first seed."):
        assert part in text, part
    assert "Fusion, 20: mean" not in text
    assert "U-Net, all: mean of 3 seeds (0, 1, 2)." in (tmp_path / "table.md").read_text()
    # Below the first seed's picture stand its own numbers, not the average's.
    first = evaluations["U-Net, 20"].by_seed[0].rows[0]["psnr"]
    assert f"{first:.1f} dB" in text
    assert f"{evaluations['U-Net, 20'].rows[0]['psnr']:.1f} dB" not in text


def test_data_curve_without_series_or_seeds_is_not_spoken_of(evaluations, tmp_path):
    single = {label: evaluation for label, evaluation in evaluations.items() if not evaluation.by_seed}
    write_table(tmp_path, "T", single, "Gray copy", PROTOCOL, {"CNN": HISTORY})
    page = (tmp_path / "report.html").read_text()
    assert "seed" not in page.replace("(seed 0)", "").replace("seeded resamples", "")
    assert "Learning" not in page
    assert not (tmp_path / "learning_curve.csv").exists()


def colors_of(svg):
    return set(re.findall(r"#[0-9a-f]{6}", svg))


def test_data_curve_gives_each_series_a_color_that_no_row_has(evaluations):
    assert not set(SERIES_COLORS) & set(COLORS)
    table = make_table("T", evaluations, PROTOCOL, "Gray copy")
    curves = data_curves(table, evaluations, PLACES)
    assert set(SERIES_COLORS[:2]) <= colors_of(data_curve_chart(curves, table))
    assert not set(SERIES_COLORS[2:]) & colors_of(data_curve_chart(curves, table))
    assert data_curve_chart({}, table) == ""


@pytest.mark.parametrize("labels", [["Fusion, 20"], ["U-Net, 20", "Fusion, 20"]])
def test_curves_of_one_point_are_drawn_too(evaluations, labels):
    table = make_table("T", evaluations, PROTOCOL, "Gray copy")
    curves = data_curves(table, evaluations, {label: PLACES[label] for label in labels})
    assert set(SERIES_COLORS[: len(labels)]) <= colors_of(data_curve_chart(curves, table))
