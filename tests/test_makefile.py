"""Which Python `make` takes, seen in the commands that it would run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


def taken(folder, exit_statuses, *words, **environment):
    """Return the Python that `make setup` would take, where those of these names end with these statuses."""
    for name, status in exit_statuses.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\nexit {status}\n")
        path.chmod(0o755)
    # `make PYTHON=... test` hands its own words on in these.
    outer = ("PYTHON", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL")
    inherited = {name: value for name, value in os.environ.items() if name not in outer}
    search = {"PATH": f"{folder}:{os.environ['PATH']}"}
    command = ["make", "--dry-run", "setup", f"VENV={folder / 'none'}", *words]
    done = subprocess.run(
        command, cwd=ROOT, env=inherited | search | environment, capture_output=True, text=True, check=True
    )
    (line,) = [line for line in done.stdout.splitlines() if " -m venv " in line]
    return line.split()[0]


@pytest.mark.parametrize(
    ("exit_statuses", "expected"),
    [
        ({"python3.13": 0, "python3.12": 0, "python3": 0}, "python3.13"),
        ({"python3.13": 127, "python3.12": 0, "python3": 0}, "python3.12"),  # as pyenv's shims end
        ({"python3.13": 127, "python3.12": 1, "python3": 0}, "python3"),
        ({"python3.13": 127, "python3.12": 127, "python3": 127}, "python3"),  # whose own words then say what is wrong
    ],
)
def test_make_takes_the_newest_python_that_runs(exit_statuses, expected, tmp_path):
    assert taken(tmp_path, exit_statuses) == expected


def test_make_takes_the_python_that_it_is_given(tmp_path):
    running = {"python3.13": 0, "python3.12": 0, "python3": 0}
    assert taken(tmp_path, running, "PYTHON=python3.12") == "python3.12"
    assert taken(tmp_path, running, PYTHON="python3") == "python3"


def test_make_says_in_one_line_that_a_python_is_too_old(tmp_path):
    old = tmp_path / "old"
    # It evaluates what the Makefile asks, as a Python 3.10 would.
    old.write_text('#!/bin/sh\nshift\nexec python3 -c "import sys; sys.version_info = (3, 10); $1"\n')
    old.chmod(0o755)
    command = ["make", "setup", f"VENV={tmp_path / 'none'}", f"PYTHON={old}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "colorjax needs Python 3.11 or later" in done.stderr
    assert not (tmp_path / "none").exists()
