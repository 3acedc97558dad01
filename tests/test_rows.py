"""Rows of a table: what each changes of the shared sections, and the runs that it stands for."""

import pytest
from ml_collections import ConfigDict

from colorjax.config.defaults import run_config
from colorjax.config.files import load
from colorjax.config.rows import row_config, table_runs
from colorjax.config.tables import method_config, model_config, table_config
from colorjax.errors import UserError


@pytest.fixture
def table():
    config = table_config()
    config.data.patch_size = 64
    config.optimizer.learning_rate = 0.25
    config.rows.small = ConfigDict({"label": "Small", "model": {"name": "unet", "width": 2}})
    return config


def test_row_has_the_shared_sections_and_its_own_model(table):
    table.rows.quick = ConfigDict({"label": "Quick", "model": {"name": "unet", "width": 3}, "seed": 5})
    small, quick = row_config(table, "small"), row_config(table, "quick")
    assert small.optimizer.learning_rate == 0.25
    assert (small.model.width, quick.model.width) == (2, 3)
    assert (small.seed, quick.seed) == (0, 5)
    assert set(small) == set(run_config()) | {"model"}
    assert set(row_config(table, "mean_color")) == set(run_config()) | {"method"}


def test_row_changes_single_settings_and_leaves_the_shared_ones_to_the_others(table):
    table.rows.few = ConfigDict(
        {
            "label": "Few",
            "model": {"name": "unet", "width": 2},
            "series": "A curve",
            "data": {"photographs": 20, "zoom": (1, 2)},
            "optimizer": {"learning_rate": 1},
            "task": {"noise": {"kind": "gaussian"}},
        }
    )
    shared, few = row_config(table, "small"), row_config(table, "few")
    assert few.data.to_dict() == {**shared.data.to_dict(), "photographs": 20, "zoom": (1.0, 2.0)}
    assert few.optimizer.to_dict() == {**shared.optimizer.to_dict(), "learning_rate": 1.0}
    assert isinstance(few.optimizer.learning_rate, float)
    assert few.task.noise.to_dict() == {"kind": "gaussian", "level": (0.0, 0.0)}
    assert few.training == shared.training
    assert shared.data.photographs == 0
    assert table.data.photographs == 0
    assert table.task.noise.kind == "none"


def test_rows_are_reached_by_the_command_line_all_or_one(tmp_path):
    path = tmp_path / "experiment.py"
    path.write_text(
        "from ml_collections import ConfigDict\nfrom colorjax.config import model_config, table_config\n"
        "def get_config(variant=''):\n    config = table_config()\n    for n in (20, 40):\n"
        "        config.rows[f'of_{n}'] = ConfigDict({'label': f'{n}', 'model': model_config('unet'),"
        " 'data': {'photographs': n}})\n    return config.lock()\n"
    )
    table = load(str(path), ["--config.data.source=photos", "--config.rows.of_20.data.photographs=10"])
    rows = [row_config(table, name).data for name in ("of_20", "of_40")]
    assert [(data.source, data.photographs) for data in rows] == [("photos", 10), ("photos", 40)]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"data": {"photograph": 20}}, "config.rows.bad.data.photograph: no such key; did you mean 'photographs'?"),
        ({"dta": {"photographs": 20}}, "config.rows.bad.dta: no such key; did you mean 'data'?"),
        ({"serie": "A"}, "config.rows.bad.serie: no such key; did you mean 'series'?"),
        ({"task": {"noise": {"levl": 1}}}, "config.rows.bad.task.noise.levl: no such key; did you mean 'level'?"),
        ({"data": {"photographs": "20"}}, "config.rows.bad.data.photographs: needs a whole number"),
        ({"data": 20}, "config.rows.bad.data: needs one of its keys"),
        ({"protocol": {"border": 2}}, "config.rows.bad.protocol: no such key"),
        ({"seeds": ()}, "config.rows.bad.seeds = (): needs whole numbers"),
        ({"seeds": (0, -1)}, "config.rows.bad.seeds = (0, -1): needs whole numbers"),
        ({"seeds": (0, 1, 0)}, "twice"),
        ({"seeds": (0, 1), "seed": 3}, "config.rows.bad has both seed and seeds"),
        (
            {"seeds": (0, 1), "data": ConfigDict({"photographs_seed": 3})},
            "config.rows.bad has both seeds and data.photographs_seed",
        ),
        ({"label": "Small"}, "config.rows.bad.label: the row 'small' has the label 'Small' too"),
        ({"method": method_config("observed")}, "config.rows.bad: needs either a model"),
    ],
)
def test_row_that_is_bad_is_one_line_that_names_it(table, row, line, tmp_path):
    table.rows.bad = ConfigDict({"label": "Bad", "model": model_config("unet"), **row})
    with pytest.raises(UserError) as caught:
        table_runs(table, tmp_path)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_row_with_seeds_is_run_once_a_seed_on_photographs_drawn_anew(table, tmp_path):
    table.data.photographs_seed = 7
    table.rows.often = ConfigDict({"label": "Often", "model": model_config("unet"), "seeds": (0, 2)})
    table.rows.color = ConfigDict({"label": "Color of few", "method": method_config("mean_color"), "seeds": (4,)})
    runs = table_runs(table, tmp_path)
    assert list(runs) == ["observed", "mean_color", "small", "often", "color"]
    assert [run.directory for run in runs["often"]] == [tmp_path / "often" / "seed-0", tmp_path / "often" / "seed-2"]
    assert [(run.config.seed, run.config.data.photographs_seed) for run in runs["often"]] == [(0, 0), (2, 2)]
    assert [run.label for run in runs["often"]] == ["Often, seed 0", "Often, seed 2"]
    assert runs["color"][0].config.data.photographs_seed == 4
    (small,) = runs["small"]
    assert (small.directory, small.label) == (tmp_path / "small", "Small")
    assert (small.config.seed, small.config.data.photographs_seed) == (0, 7)


def test_seeds_of_a_method_that_learns_nothing_are_refused(table, tmp_path):
    table.rows.again = ConfigDict({"label": "Again", "method": method_config("observed"), "seeds": (0, 1)})
    with pytest.raises(UserError, match="'observed' learns nothing"):
        table_runs(table, tmp_path)


@pytest.mark.parametrize("section", ["training", "optimizer", "inference"])
def test_row_of_a_method_refuses_settings_that_it_does_not_read(table, section, tmp_path):
    row = {"label": "Bad", "method": method_config("mean_color"), section: ConfigDict({})}
    table.rows.bad = ConfigDict(row)
    with pytest.raises(UserError, match=rf"config\.rows\.bad\.{section}: a method that needs no training"):
        table_runs(table, tmp_path)
