import csv
import dataclasses
import html.parser
import json
import math
import re

import numpy as np
import pytest

from colorjax.errors import UserError
from colorjax.evaluation.evaluate import Cost, Evaluation, Sample
from colorjax.evaluation.protocol import Protocol
from colorjax.tables.markdown import markdown
from colorjax.tables.published import input_alone
from colorjax.tables.report import write_table
from colorjax.tables.table import make_table

HASHES = tuple(f"{i:02d}" for i in range(12))
PROTOCOL = Protocol("made", "twelve pictures", "denoise", HASHES, noise_kind="gaussian", noise_level=0.05)
COLUMNS = ("loss", "psnr", "ssim", "mse", "ciede2000", "colorfulness", "accuracy", "precision", "sensitivity")


def made(method, psnr, seed, pictures=HASHES):
    random = np.random.default_rng(seed)
    rows = []
    for name in pictures:
        row = {"picture": f"picture {name}", "hash": name, "height": 30 + int(name), "width": 40}
        row |= {column: float(random.uniform(0.4, 0.6)) for column in COLUMNS}
        rows.append(row | {"psnr": psnr + int(name) + float(random.normal(0, 0.1))})
    picture = random.integers(0, 256, (300, 260, 3), np.uint8)
    return Evaluation(method, "l1", PROTOCOL.hash, COLUMNS, tuple(rows), (Sample("picture 00", *[picture] * 3),))


@pytest.fixture
def evaluations():
    return {
        "Noisy input": made("observed", 20.0, 0),
        "Mean color": made("mean_color", 19.0, 1),
        # Measured in another order: pairs must still be pairs of one picture.
        "U-Net": made("unet", 25.0, 2, HASHES[::-1]),
    }


def test_means_intervals_and_paired_differences(evaluations):
    table = make_table("T", evaluations, PROTOCOL, "Noisy input")
    row = table.rows["U-Net"]
    assert row.mean["psnr"].mean == pytest.approx(evaluations["U-Net"].values("psnr").mean())
    assert row.difference["psnr"].mean == pytest.approx(5.0, abs=0.2)
    # The pictures themselves differ by up to 11 dB, which the pairs cancel.
    assert row.difference["psnr"].high - row.difference["psnr"].low < 0.3
    assert row.mean["psnr"].high - row.mean["psnr"].low > 3
    assert table.rows["Noisy input"].difference is None
    assert [c.name for c in table.columns][:6] == ["accuracy", "precision", "sensitivity", "loss", "psnr", "mse"]


def test_costs_stand_in_the_table_and_its_files(evaluations, tmp_path):
    told, cost = ("true colors",), Cost(1234567, 0.0123456)
    hash_ = PROTOCOL.with_told(told).hash
    evaluations["U-Net"] = dataclasses.replace(evaluations["U-Net"], cost=cost, told=told, protocol_hash=hash_)
    table = make_table("T", evaluations, PROTOCOL, "Noisy input")
    assert table.costs[2] == ("U-Net", "1,234,567", "0.0123", "true colors")
    assert table.costs[0] == ("Noisy input", "n/a", "n/a", "nothing")
    assert "| U-Net       | 1,234,567 |" in markdown(table)
    write_table(tmp_path, "T", evaluations, "Noisy input", PROTOCOL)
    with (tmp_path / "costs.csv").open() as file:
        assert list(csv.DictReader(file))[2] == {
            "row": "U-Net",
            "weights": "1234567",
            "seconds_per_megapixel": "0.0123456",
            "told": "true colors",
        }
    assert "1,234,567" in (tmp_path / "report.html").read_text()


def test_averaging_by_pixel_weighs_pictures_by_their_measured_size(evaluations):
    protocol = dataclasses.replace(PROTOCOL, averaging="pixel", border=2)
    by_pixel = {k: dataclasses.replace(e, protocol_hash=protocol.hash) for k, e in evaluations.items()}
    mean = make_table("T", by_pixel, protocol, "Noisy input").rows["U-Net"].mean["psnr"].mean
    rows = evaluations["U-Net"].rows
    expected = np.average([r["psnr"] for r in rows], weights=[(r["height"] - 4) * (r["width"] - 4) for r in rows])
    assert mean == pytest.approx(expected)
    assert mean != pytest.approx(evaluations["U-Net"].values("psnr").mean())


def test_markdown_is_aligned_and_its_foot_says_what_the_numbers_are(evaluations):
    text = markdown(make_table("A title", evaluations, PROTOCOL, "Noisy input"))
    assert text.startswith("# A title\n")
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 3
    for block in blocks:
        pipes = [[i for i, letter in enumerate(line) if letter == "|"] for line in block]
        assert all(places == pipes[0] for places in pipes)
    foot = text.split("\n\n", 2)[2]
    for part in ("made", PROTOCOL.hash, "12 photographs", "l1", "95%", "not the same", "bootstrap", "100 dB"):
        assert part in foot, part


def test_column_without_a_value_on_some_pictures_says_so(evaluations):
    for evaluation in evaluations.values():
        next(row for row in evaluation.rows if row["hash"] == "03")["ssim"] = float("nan")
    table = make_table("T", evaluations, PROTOCOL, "Noisy input")
    assert table.rows["U-Net"].mean["ssim"].count == 11
    assert "SSIM is not defined on 1 of the pictures" in markdown(table)


def test_interval_of_one_picture_is_none():
    protocol = dataclasses.replace(PROTOCOL, pictures=("00",))
    one = {
        name: dataclasses.replace(made(name, 20, i, ("00",)), protocol_hash=protocol.hash)
        for i, name in enumerate(["observed", "mean_color"])
    }
    assert "n/a" in markdown(make_table("T", one, protocol, "observed"))


def test_tables_that_would_mislead_are_refused(evaluations):
    with pytest.raises(UserError, match="did you mean 'U-Net'"):
        make_table("T", evaluations, PROTOCOL, "UNet")
    with pytest.raises(UserError, match="'observed'"):
        make_table("T", {k: e for k, e in evaluations.items() if k != "Noisy input"}, PROTOCOL, "U-Net")
    with pytest.raises(UserError, match="'U-Net' was measured under another"):
        make_table("T", evaluations | {"U-Net": made("unet", 1, 0, HASHES[:3])}, PROTOCOL, "Noisy input")
    other = dataclasses.replace(evaluations["U-Net"], loss="squared_error")
    with pytest.raises(UserError, match="'U-Net' was measured under another"):
        make_table("T", evaluations | {"U-Net": other}, PROTOCOL, "Noisy input")


def test_mean_color_must_be_there_where_colors_are_asked_for(evaluations):
    without = {name: row for name, row in evaluations.items() if name != "Mean color"}
    assert "Mean color" not in markdown(make_table("T", without, PROTOCOL, "U-Net"))
    protocol = dataclasses.replace(PROTOCOL, task="colorize")
    without = {name: dataclasses.replace(row, protocol_hash=protocol.hash) for name, row in without.items()}
    with pytest.raises(UserError, match="every table has a row for the method 'mean_color'"):
        make_table("T", without, protocol, "U-Net")


class Page(html.parser.HTMLParser):
    """Collects the open tags, the text and the addresses of a page."""

    VOID = {"meta", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.addresses = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text.append(text)


HISTORY = [
    {"step": 10, "kind": "train", "loss": 0.5, "examples_per_second": 9.0},
    {"step": 20, "kind": "train", "loss": 0.4},
    {"step": 20, "kind": "validation", "loss": 0.45, "psnr": 21.0, "ssim": 0.8},
    {"step": 40, "kind": "validation", "loss": 0.35, "psnr": 22.0, "ssim": 0.82},
]
PUBLISHED = {"caption": "From a paper.", "columns": ("Methods", "PSNR"), "rows": (("Theirs & others", "31.2"),)}


def test_table_writes_all_its_files(evaluations, tmp_path):
    text = write_table(tmp_path, "Made <table>", evaluations, "Noisy input", PROTOCOL, {"U-Net": HISTORY}, PUBLISHED)
    assert (tmp_path / "table.md").read_text().startswith(text)
    assert json.loads((tmp_path / "protocol.json").read_text())["hash"] == PROTOCOL.hash
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert [row["row"] for row in rows] == ["Noisy input", "Mean color", "U-Net"]
    assert float(rows[2]["psnr"]) == pytest.approx(evaluations["U-Net"].values("psnr").mean())
    assert float(rows[2]["psnr_low"]) < float(rows[2]["psnr"]) < float(rows[2]["psnr_high"])
    assert float(rows[2]["psnr_difference"]) == pytest.approx(5.0, abs=0.2)
    assert rows[0]["psnr_difference"] == ""
    pictures = list(csv.DictReader((tmp_path / "pictures.csv").read_text().splitlines()))
    assert len(pictures) == 3 * 12
    assert {row["hash"] for row in pictures if row["row"] == "U-Net"} == set(HASHES)

    page = Page((tmp_path / "report.html").read_text())
    assert page.open == []
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in page.addresses)
    shown = " ".join(page.text)
    for part in ("Made <table>", "U-Net", "Theirs & others", "31.2", "other quantities", PROTOCOL.hash, "picture 00"):
        assert part in shown, part


def test_report_without_training_pictures_or_published_figures(evaluations, tmp_path):
    bare = {label: dataclasses.replace(e, samples=()) for label, e in evaluations.items()}
    write_table(tmp_path, "T", bare, "Noisy input", PROTOCOL)
    page = (tmp_path / "report.html").read_text()
    assert Page(page).open == []
    assert "Training" not in page
    assert "Published" not in page
    assert "<img" not in page
    write_table(tmp_path, "T", bare, "Noisy input", PROTOCOL)
    assert (tmp_path / "report.html").read_text() == page


def test_remarks_stand_at_the_top_and_in_the_foot(evaluations, tmp_path):
    remark = "Fusion network: the weights of its branch are random & useless."
    printed = write_table(tmp_path, "T", evaluations, "Noisy input", PROTOCOL, remarks=[remark])
    assert remark in printed
    text = (tmp_path / "table.md").read_text()
    assert text.index(remark) < text.index("## ")
    assert f"\n- {remark}\n" in text
    page = (tmp_path / "report.html").read_text()
    top, table, rest = (page.index(mark) for mark in ("<body>", "<table>", "What the numbers are"))
    escaped = remark.replace("&", "&amp;")
    assert 'class="note"' in page[top:table]
    assert escaped in page[top:table]
    assert f"<li>{escaped}</li>" in page[rest:]
    write_table(tmp_path, "T", evaluations, "Noisy input", PROTOCOL)
    assert 'class="note"' not in (tmp_path / "report.html").read_text()


def test_published_figures_stand_beside_what_the_input_alone_scores_here(evaluations, tmp_path):
    write_table(tmp_path, "T", evaluations, "Mean color", PROTOCOL, published=PUBLISHED)
    rows = evaluations["Noisy input"].rows
    psnr, ssim = (np.mean([row[name] for row in rows]) for name in ("psnr", "ssim"))
    scores = f"the input as it is (Noisy input) scores PSNR {psnr:.2f} dB and SSIM {ssim:.3f}, with nothing restored"
    page = " ".join(" ".join(Page((tmp_path / "report.html").read_text()).text).split())
    text = (tmp_path / "table.md").read_text()
    for place in (page, text):
        for part in (scores, "other quantities", "From a paper.", "not to be compared", "Theirs & others", "31.2"):
            assert part in place, part
    write_table(
        tmp_path, "T", evaluations, "Mean color", PROTOCOL, published={"caption": "", "columns": (), "rows": ()}
    )
    assert "Published" not in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize("task", ["colorize", "colorize_bins"])
def test_gray_input_predicts_no_color_and_says_so_with_the_metrics_that_there_are(evaluations, task):
    protocol = dataclasses.replace(PROTOCOL, task=task, noise_kind="none", channels="luminance")
    columns = ("loss", "psnr", "ssim", "mse")
    gray = {
        label: dataclasses.replace(
            evaluation, protocol_hash=protocol.hash, columns=columns, rows=tuple({**r, "ssim": math.nan} for r in rows)
        )
        for label, evaluation in evaluations.items()
        for rows in [evaluation.rows]
    }
    sentence = input_alone(make_table("T", gray, protocol, "Noisy input"))
    assert re.search(r"scores PSNR \d\d\.\d\d dB, with no color predicted at all\.$", sentence)
