"""Tables with several noises: methods down, noises across."""

import csv

import pytest
from support.pictures import picture as noise

import datasets
from colorjax.commands import table
from colorjax.config import method_config, table_config
from colorjax.config.tables import of_noise
from colorjax.errors import UserError
from colorjax.pictures.images import Photograph
from experiments import denoising_table


@pytest.fixture
def config():
    config = table_config()
    config.title = "Two noises"
    config.task.name = "denoise"
    del config.rows["mean_color"]
    config.rows.zebra = {"label": "Zebra", "method": method_config("gaussian", told=True)}
    config.rows.ant = {"label": "Ant", "method": method_config("median")}
    config.noises.weak = {"label": "Weak", "kind": "gaussian", "level": 0.02}
    config.noises.strong = {"label": "Strong", "kind": "gaussian", "level": 0.2}
    return config.lock()


def test_each_noise_is_a_table_of_its_own_and_all_are_one(config, tmp_path, capsys, monkeypatch):
    photographs = [Photograph(f"photo {n}", noise(n, (24, 30))) for n in range(3)]
    monkeypatch.setattr(datasets, "photographs", lambda *_: photographs)
    table.main(config, tmp_path, datasets)
    shown = capsys.readouterr().out
    assert "| Method" in shown
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], row["noise"]) for row in rows[:4]] == [
        ("Input as it is", "Weak"), ("Zebra", "Weak"), ("Ant", "Weak"), ("Input as it is", "Strong")
    ]  # fmt: skip
    # -20 log10 of the noise's standard deviation
    noisy = {row["noise"]: float(row["psnr"]) for row in rows if row["method"] == "Input as it is"}
    assert abs(noisy["Weak"] - 33.98) < 0.5
    assert 13.5 < noisy["Strong"] < 16  # clipping takes a part of it away
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "weak/report.html" in page
    assert (tmp_path / "strong" / "report.html").exists()
    assert page.count("<figure>") == 4  # two photographs of each noise
    for name in ("weak", "strong"):
        text = (tmp_path / name / "table.md").read_text(encoding="utf-8")
        assert text.index("| Input as it is") < text.index("| Zebra") < text.index("| Ant")


def test_networks_are_trained_on_the_noise_that_they_are_measured_on(config):
    one = of_noise(config, "strong")
    assert one.protocol.noise_level == 0.2
    assert one.task.noise.kind == "gaussian"
    assert one.task.noise.level == (0.2, 0.2)
    assert list(one.rows) == ["observed", "zebra", "ant"]
    with config.unlocked():
        config.noises.strong = {"kind": "gaussian", "level": 0.2}
    with pytest.raises(UserError, match=r"config\.noises\.strong: needs 'label'"):
        of_noise(config, "strong")


def test_every_section_has_the_untrained_methods_and_the_bundled_network():
    config = denoising_table.get_config()
    assert list(config.noises) == list(denoising_table.NOISES)
    assert {"bm3d", "median", "shipped"} <= set(config.rows)
    learned = denoising_table.get_config("learned")
    assert {"plain", "group_norm", "residual", "dense"} <= set(learned.rows)
