"""What a method in a table learns from."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from ml_collections import ConfigDict

from colorjax.commands import table
from colorjax.config.tables import method_config, table_config
from colorjax.errors import UserError
from colorjax.methods.mean_color import MeanColor
from colorjax.pictures.images import Photograph


def test_method_learns_from_the_photographs_of_its_own_row(tmp_path):
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


def test_photographs_that_a_method_cannot_learn_from_stop_a_table_before_it_begins(tmp_path):
    gray = [Photograph(str(value), np.full((16, 16, 3), value, np.uint8)) for value in (20, 90, 160)]
    config = table_config()
    config.task.name = "colorize"
    config.rows.learch = ConfigDict({"label": "LEARCH", "method": method_config("learch")})
    with pytest.raises(UserError, match="row 'LEARCH': the method learch learns from 2 photographs with colors"):
        table.main(config.lock(), tmp_path / "run", SimpleNamespace(photographs=lambda config, split: gray))
    assert not (tmp_path / "run").exists()


def test_method_learns_again_only_when_what_it_learns_from_changes(tmp_path, capsys, monkeypatch):
    learned_from = []
    fit = MeanColor.fit
    monkeypatch.setattr(MeanColor, "fit", lambda self, given: learned_from.append(training) or fit(self, given))

    def photographs(config, split):
        value, label = (200, -1) if split == "test" else training
        return [Photograph(split, np.full((16, 16, 3), (value, 60, 60), np.uint8), label)]

    config = table_config()
    config.task.name = "colorize"
    errors = {}
    for training in ((200, 0), (60, 0), (60, 0), (60, 1)):
        table.main(config, tmp_path, SimpleNamespace(photographs=photographs))
        with (tmp_path / "table.csv").open() as file:
            error = {line["row"]: float(line["ciede2000"]) for line in csv.DictReader(file)}
        errors.setdefault(training[0], []).append(error["Mean color"])
    assert errors[200][0] < 1 < 10 < errors[60][0] == errors[60][1] == errors[60][2]
    assert learned_from == [(200, 0), (60, 0), (60, 1)]
    assert capsys.readouterr().err.count(f"measured already, {tmp_path / 'rows' / 'mean_color'}\n") == 1
