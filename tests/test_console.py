"""The command `colorjax` as an installed package has it, where this project's data sets are not."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorjax.commands import console
from colorjax.commands.catalog import COMMANDS

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture
def typed(tmp_path):
    """Return a function that runs `colorjax` in an empty folder, with what an installed package has.

    A folder with `colorjax` alone stands for site-packages: a wheel can't be built everywhere without a network.
    """
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "colorjax").symlink_to(ROOT / "colorjax")
    (tmp_path / "site" / "datasets.py").write_text("raise SystemExit('loaded')")
    (tmp_path / "empty").mkdir()
    module, function = PROJECT["project"]["scripts"]["colorjax"].split(":")
    script = f"import sys; from {module} import {function}; sys.argv[0] = 'colorjax'; sys.exit({function}())"

    def typed(*words):
        environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
        words = [sys.executable, "-P", "-c", script, *map(str, words)]
        return subprocess.run(
            words, cwd=tmp_path / "empty", env=environment, capture_output=True, text=True, check=False
        )

    return typed


def test_package_has_every_file_that_is_read():
    """Beside Python files a wheel has what `package-data` names."""
    folder = ROOT / "colorjax"
    named = {
        path for pattern in PROJECT["tool"]["setuptools"]["package-data"]["colorjax"] for path in folder.glob(pattern)
    }
    others = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert others - named == set()


def test_colorjax_has_the_commands_without_data_sets(typed):
    result = typed("--help")
    assert result.returncode == 0
    listed = re.findall(r"^    (\w+) ", result.stdout, re.MULTILINE)
    assert set(listed) == {
        "restore",
        "denoise",
        "colorize",
        "serve",
        "weights",
        "export",
        "status",
        "compare",
        "config",
        "measure",
    }
    assert "usage: colorjax" in result.stdout
    for name in COMMANDS.keys() - set(listed):
        assert f"{name}" in result.stdout.partition("python launch.py COMMAND")[2]


def test_colorjax_restores_a_picture(typed, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "empty" / "old.png")
    result = typed("restore", "old.png", "--output=new")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("restore: 1 of 1 picture done, in new")
    with Image.open(tmp_path / "empty" / "new" / "old.png") as image:
        assert image.size == (32, 24)


def test_colorjax_begins_its_errors_with_its_name(typed, tmp_path):
    result = typed("status", f"--workdir={tmp_path}")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("colorjax status: ")
    assert result.stderr.count("\n") == 1


def test_colorjax_prints_a_config(typed):
    result = typed("config", "--config=denoise_color", "--diff=denoise_gray")
    assert result.returncode == 0, result.stderr
    assert re.search(r"^config\.task\.name +denoise +denoise_gray$", result.stdout, re.MULTILINE)


def test_colorjax_reads_the_experiments_of_a_repository(typed):
    result = typed("config", f"--config={ROOT}/experiments/table1.py:smoke")
    assert result.returncode == 0, result.stderr
    assert "--config.rows.unet.model.name=unet\n" in result.stdout


def test_colorjax_says_where_the_other_commands_are(capsys):
    with pytest.raises(SystemExit) as caught:
        console.main(["train", "--workdir=runs"])
    assert caught.value.code == 2
    assert "train needs data sets; in the repository: python launch.py train" in capsys.readouterr().err


def test_colorjax_stopped_while_it_loads_is_one_line(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(console, "_parser", interrupted)
    assert console.main(["status"]) == 130
    assert capsys.readouterr().err == "colorjax: stopped (Ctrl-C)\n"
