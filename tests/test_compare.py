"""Runs beside each other: grouping, means, order, files, and the page."""

import csv
import html.parser
import itertools
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.runs import STEPS, make_run, settings, train, validation

import launch
from colorjax.comparison.results import compare
from colorjax.comparison.scales import Scale
from colorjax.comparison.settings import differing, short_names, show, show_rows, swept, whole_name
from colorjax.comparison.tables import foot
from colorjax.config.serialization import flatten
from colorjax.errors import UserError
from colorjax.runs.find import find_runs

RATES, WIDTHS, SEEDS = (1e-4, 1e-3, 1e-2), (16, 32), (0, 1, 2)


def reached(rate, width, seed):
    """The best PSNR that the made run with these settings has."""
    return 20 + 3 * math.cos(math.log10(rate) + 3) + width / 32 + 0.25 * seed**2


def curve(best):
    """A history whose best validation is not the last; SSIM and loss there follow from its PSNR."""
    values = [best - 5, best - 1, best, best - 0.5]
    lines = [
        validation(10 * k, v, ssim=v / 30, loss=1 / v, accuracy=v / 50, colorfulness=v - 22)
        for k, v in enumerate(values, 1)
    ]
    return [*lines, train(STEPS)]


@pytest.fixture
def sweep(tmp_path):
    for rate, width, seed in itertools.product(RATES, WIDTHS, SEEDS):
        config = settings(optimizer__learning_rate=rate, model__width=width, seed=seed, data__photographs_seed=seed)
        name = f"learning_rate={rate:g},width={width},seed={seed}"
        make_run(tmp_path / "runs" / name, config, curve(reached(rate, width, seed)))
    return tmp_path


def compared(folder, **arguments):
    return compare("title", find_runs(folder), **arguments)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_groups_over_seeds_have_numpys_mean_and_deviation(sweep):
    comparison = compared(sweep)
    assert comparison.keys == comparison.by == ("model.width", "optimizer.learning_rate")
    assert len(comparison.groups) == len(RATES) * len(WIDTHS)
    for group in comparison.groups:
        width, rate = group.settings
        values = [reached(rate, width, seed) for seed in SEEDS]
        summary = group.summary("psnr")
        assert summary == pytest.approx((np.mean(values), np.std(values, ddof=1), 3))
        # SSIM is that of the checkpoint with the best PSNR, which is its own best here only by chance of the formula.
        assert group.summary("ssim").mean == pytest.approx(np.mean(values) / 30)
    means = [group.summary("psnr").mean for group in comparison.groups]
    assert means == sorted(means, reverse=True)


@pytest.mark.parametrize(
    ("metric", "merit"),
    [("loss", lambda value: value), ("accuracy", lambda value: -value), ("colorfulness", abs)],
)
def test_compare_puts_the_best_first_whichever_direction_is_better(sweep, metric, merit):
    means = [group.summary(metric).mean for group in compared(sweep, metric=metric).groups]
    assert means == sorted(means, key=merit)


def test_grouped_by_one_setting_over_all_others(sweep):
    comparison = compared(sweep, by="learning_rate")
    assert comparison.by == ("optimizer.learning_rate",)
    for group in comparison.groups:
        values = [reached(group.settings[0], width, seed) for width in WIDTHS for seed in SEEDS]
        assert group.summary("psnr") == pytest.approx((np.mean(values), np.std(values, ddof=1), 6))
    assert {group.settings for group in compared(sweep, by="seed").groups} == {(0,), (1,), (2,)}


def test_runs_that_are_not_done_are_in_no_mean(sweep):
    for state in ("failed", "pruned", "running", "waiting"):
        config = settings(optimizer__learning_rate=1e-3, model__width=16, seed=7, data__photographs_seed=7)
        make_run(sweep / "runs" / state, config, curve(99.0) if state != "waiting" else [], state, "because")
    comparison = compared(sweep)
    (group,) = (group for group in comparison.groups if group.settings == (16, 1e-3))
    values = [reached(1e-3, 16, seed) for seed in SEEDS]
    assert group.summary("psnr") == pytest.approx((np.mean(values), np.std(values, ddof=1), 3))
    assert len(group.results) == 7
    assert any("have the settings of another, seed and all" in remark for remark in comparison.remarks)


def test_files_hold_every_number(sweep, capsys):
    make_run(sweep / "runs" / "off", settings(seed=9, data__photographs_seed=9), curve(30.0), "failed", "why, oh why")
    assert launch.main(["compare", f"--workdir={sweep}"]) == 0
    printed = capsys.readouterr().out
    runs = {row["run"]: row for row in rows_of(sweep / "runs.csv")}
    assert len(runs) == 19
    row = runs["learning_rate=0.001,width=32,seed=2"]
    assert (row["state"], row["step"], row["steps"], row["best_step"], row["seed"]) == ("done", "50", "50", "30", "2")
    assert (float(row["optimizer.learning_rate"]), int(row["model.width"])) == (1e-3, 32)
    assert float(row["psnr"]) == pytest.approx(reached(1e-3, 32, 2))
    assert float(row["accuracy"]) == pytest.approx(reached(1e-3, 32, 2) / 50)
    assert (runs["off"]["state"], runs["off"]["reason"]) == ("failed", "why, oh why")

    groups = rows_of(sweep / "compare.csv")
    assert len(groups) == 6
    best = groups[0]
    values = [reached(1e-3, 32, seed) for seed in SEEDS]
    assert (float(best["optimizer.learning_rate"]), int(best["model.width"])) == (1e-3, 32)
    assert float(best["psnr"]) == pytest.approx(np.mean(values))
    assert float(best["psnr_deviation"]) == pytest.approx(np.std(values, ddof=1))
    assert (best["psnr_count"], best["runs"], best["states"]) == ("3", "3", "3 done")

    text = (sweep / "compare.md").read_text()
    assert f"| 32    | 0.001         |    3 | {np.mean(values):.2f} ± {np.std(values, ddof=1):.2f} |" in text
    assert "| off | failed | why, oh why |   50 |" in text
    assert text.splitlines()[2] in printed
    assert f"report: {sweep / 'compare.html'}" in printed


@pytest.mark.parametrize(("done", "said"), [(0, False), (2, False), (3, True)])
def test_compare_of_many_groups_names_the_best_mean(tmp_path, done, said):
    for i in range(4):
        state = "done" if i < done else "stopped"
        make_run(tmp_path / f"{i}", settings(optimizer__learning_rate=0.1 + i), [validation(50, 20.0)], state)
    assert any("owes a part of that to chance" in line for line in foot(compared(tmp_path))) == said


def test_missing_numbers(tmp_path):
    make_run(tmp_path / "none", settings(seed=0), [train(STEPS)])
    make_run(tmp_path / "null", settings(seed=1), [validation(10, None, ssim=0.5), validation(20, 20.0, ssim=None)])
    make_run(tmp_path / "both", settings(seed=2), [validation(10, 24.0, ssim=0.75)])
    (group,) = compared(tmp_path).groups
    assert group.summary("psnr") == pytest.approx((22.0, np.std([20, 24], ddof=1), 2))
    mean, deviation, count = group.summary("ssim")
    assert (mean, count) == (0.75, 1)
    assert math.isnan(deviation)
    assert launch.main(["compare", f"--workdir={tmp_path}", "--metric=ssim"]) == 0
    runs = {row["run"]: row for row in rows_of(tmp_path / "runs.csv")}
    assert [runs[name]["ssim"] for name in ("none", "null", "both")] == ["", "", "0.75"]


@pytest.mark.parametrize("history", [[], [validation(50, 20.0)]])
@pytest.mark.parametrize("count", [1, 2])
def test_compare_of_the_least_there_can_be(tmp_path, count, history, capsys):
    for i in range(count):
        make_run(tmp_path / f"{i}", settings(), history)
    assert launch.main(["compare", f"--workdir={tmp_path}"]) == 0
    assert len(rows_of(tmp_path / "compare.csv")) == 1
    line = f"| all runs | {'   1' if history and count == 1 else '   2' if history else '   0'} |"
    assert line in capsys.readouterr().out


def test_runs_of_different_models_have_different_settings(tmp_path):
    for name, model in {
        "unet": {"name": "unet", "width": 16, "norm": "group"},
        "wide": {"name": "unet", "width": 64, "norm": "group"},
        "cnn": {"name": "cnn", "layers": 5},
    }.items():
        make_run(tmp_path / "rows" / name, settings(model=model), curve(20.0))
    comparison = compared(tmp_path)
    assert comparison.keys == ("model.name", "model.width")  # that a CNN has no norm follows from its name
    assert {group.settings for group in comparison.groups} == {("unet", 16), ("unet", 64), ("cnn", None)}
    assert launch.main(["compare", f"--workdir={tmp_path}"]) == 0
    assert {row["model.width"] for row in rows_of(tmp_path / "compare.csv")} == {"16", "64", ""}


def test_compare_says_what_can_not_be_compared(tmp_path):
    make_run(tmp_path / "a", settings(training__validation_photographs=4), curve(20.0))
    make_run(tmp_path / "b", settings(), curve(21.0))
    (remark,) = compared(tmp_path).remarks
    assert remark.endswith("measure the same: training.validation_photographs differ.")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["--by=learning_rat"],
            "--by=learning_rat: no run has such a setting; did you mean 'optimizer.learning_rate'?",
        ),
        (["--by=name"], "--by=name: this may be data.name or model.name; give the whole name"),
        (["--metric=ssmi"], "--metric=ssmi: no run was validated by it; did you mean 'ssim'?"),
        (["--metric=mse"], "--metric=mse: no run was validated by it"),
    ],
)
def test_bad_input_is_one_line(sweep, words, line, capsys):
    assert launch.main(["compare", f"--workdir={sweep}", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"launch.py compare: {line}")
    assert error.count("\n") == 1
    assert not (sweep / "compare.md").exists()


def test_names_and_values_of_settings():
    a = flatten(settings(seed=1, data__photographs_seed=1))
    b = flatten(settings(seed=2, data__photographs_seed=2, optimizer__learning_rate=[1, 2]))
    assert differing([a, b]) == ["seed", "data.photographs_seed", "optimizer.learning_rate"]
    assert swept(differing([a, b]), [a, b]) == ["optimizer.learning_rate"]
    own = [a, b | {"data.photographs_seed": 5}]
    assert swept(differing(own), own) == ["data.photographs_seed", "optimizer.learning_rate"]
    assert short_names(["a.rate", "model.width", "b.rate", "data.name"]) == {
        "a.rate": "a.rate",
        "b.rate": "b.rate",
        "model.width": "width",
        "data.name": "data.name",
    }
    assert whole_name("name", [a, a | {"model.name": "cnn"}]) == "model.name"  # the one that differs
    with pytest.raises(UserError, match="known: optimizer.learning_rate"):
        whole_name("zzz", [a, a | {"optimizer.learning_rate": 1.0}])
    shown = [show(value) for value in (1e-3, 0.123456789, [0, 0.5], "", None, True)]
    assert shown == ["0.001", "0.1235", "(0, 0.5)", "''", "–", "True"]
    assert show_rows([(0.123456, "a"), (0.2, "b")]) == [["0.1235", "a"], ["0.2", "b"]]
    assert show_rows([(0.123456,), (0.123457,), (0.123457,)]) == [["0.123456"], ["0.123457"], ["0.123457"]]
    assert show_rows([(0.1234567891, [1]), (0.1234567892, [1])]) == [["0.1234567891", "(1)"], ["0.1234567892", "(1)"]]
    assert show_rows([(), ()]) == [[], []]


@pytest.mark.parametrize(
    ("values", "kind", "fractions"),
    [
        ([1e-4, 1e-2, 1e-3], "log", {1e-4: 0, 1e-3: 0.5, 1e-2: 1}),
        ([2, 4, 3], "linear", {2: 0, 3: 0.5, 4: 1}),
        ([1, 10, 4, 6, 8], "linear", {1: 0, 10: 1}),  # far apart, but evenly
        ([0, 1e-4, 1e-2], "names", {0: 0, 1e-4: 0.5, 1e-2: 1}),
        (["group", "batch"], "names", {"batch": 0, "group": 1}),
        ([[0, 1], [0, 0.5]], "names", {(0, 0.5): 0, (0, 1): 1}),
        ([True, False], "names", {False: 0, True: 1}),
        ([-100, 1, 0], "linear", {-100: 0, 1: 1}),
        ([3], "linear", {3: 0.5}),
        (["a", [1]], "names", {"a": 0, (1,): 1}),
    ],
)
def test_scales(values, kind, fractions):
    scale = Scale(values)
    assert scale.kind == kind
    assert {value: scale.fraction(value) for value in fractions} == pytest.approx(fractions)


def test_marks_of_many_values_are_round_and_within():
    scale = Scale(np.geomspace(1.7e-5, 8e-3, 50).tolist())
    marks = scale.marks()
    assert [text for _, text in marks] == ["3e-5", "1e-4", "3e-4", "1e-3", "3e-3"]
    assert [float(text) for _, text in marks] == pytest.approx([value for value, _ in marks])
    assert Scale([1, 100]).marks() == [(1, "1"), (100, "100")]


class Page(html.parser.HTMLParser):
    """What is on a page: its headings, the labels of its figures, the cells of its tables, what it loads."""

    def __init__(self, text):
        super().__init__()
        self.headings, self.figures, self.cells, self.loads, self._in = [], [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self._in = tag
        attributes = dict(attributes)
        self.loads += [value for name, value in attributes.items() if name in ("src", "href") and value[:1] != "#"]
        if tag == "figure":
            self.figures.append(attributes["aria-label"])

    def handle_data(self, text):
        if self._in in ("h1", "h2") and text.strip():
            self.headings.append(text.strip())
        if self._in == "td" and text.strip():
            self.cells.append(text.strip())


def test_compare_page_has_the_pictures_and_needs_no_other_file(sweep):
    make_run(sweep / "runs" / "off", settings(seed=9, data__photographs_seed=9), curve(19.0), "failed", "<b>why</b>")
    assert launch.main(["compare", f"--workdir={sweep}"]) == 0
    text = (sweep / "compare.html").read_text()
    page = Page(text)
    assert len(page.figures) == 3
    assert page.headings[0] == f"Runs in {sweep.name}"
    assert not page.loads
    assert "off" in page.cells
    assert "&lt;b&gt;why&lt;/b&gt;" in text
    assert "currentColor" in text
    # One run of 19 is not done: its line is broken in parallel coordinates and learning curves.
    assert len(re.findall("stroke-dasharray: [0-9]", text)) == 2
    assert launch.main(["compare", f"--workdir={sweep}"]) == 0
    assert (sweep / "compare.html").read_text() == text


def test_long_curves_are_thinned_but_for_their_best(tmp_path):
    values = np.random.default_rng(0).normal(20, 1, 20_000)
    values[1234] = 40.0
    make_run(tmp_path / "long", history=[validation(i + 1, value) for i, value in enumerate(values)])
    make_run(tmp_path / "short", settings(seed=1), curve(20.0))
    assert launch.main(["compare", f"--workdir={tmp_path}"]) == 0
    assert (tmp_path / "compare.html").stat().st_size < 400_000
    row = {row["run"]: row for row in rows_of(tmp_path / "runs.csv")}["long"]
    assert (float(row["psnr"]), row["best_step"]) == (40.0, "1235")


@pytest.mark.process
def test_compare_and_status_do_not_wait_for_jax(sweep):
    code = (
        "import sys, launch\nfor command in ('status', 'compare'): launch.main([command, '--workdir=' + sys.argv[1]])"
    )
    probe = f"{code}\nprint('jax' in sys.modules)"
    root = Path(launch.__file__).parent
    run = subprocess.run(
        [sys.executable, "-c", probe, str(sweep)], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.endswith("\nFalse\n")


def test_compare_folder_that_can_not_be_written_is_one_line(sweep, capsys):
    (sweep / "compare.csv").mkdir()
    assert launch.main(["compare", f"--workdir={sweep}"]) == 1
    assert "can't be written (Is a directory)" in capsys.readouterr().err


def test_differing_settings_of_open_sections_may_be_missing():
    plain, edges = (
        {"model.name": "unet", "objective.terms.task": 1.0},
        {"model.name": "unet", "objective.terms.task": 1.0},
    )
    edges["objective.terms.edges"] = 0.1
    assert differing([plain, edges]) == ["objective.terms.edges"]
    assert differing([{"model.name": "cnn"}, {"model.name": "unet", "model.depth": 3}]) == ["model.name"]
