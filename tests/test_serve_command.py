"""The command `serve` before its server starts; tests/page has what comes after."""

import importlib.util

import pytest

import launch


@pytest.fixture
def _packages_are_there(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())


@pytest.mark.parametrize("missing", [["starlette"], ["starlette", "uvicorn"]])
def test_missing_packages_are_one_line_that_installs_them(missing, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else object())
    assert launch.main(["serve"]) == 2
    line = capsys.readouterr().err
    assert line.startswith(
        f"launch.py serve: the page needs {' and '.join(missing)}: pip install -r requirements-page.txt"
    )
    assert line.count("\n") == 1


@pytest.mark.usefixtures("_packages_are_there")
@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("--port=70000", "--port=70000: it is from 1 to 65535, or 0 for a free one"),
        ("--runs=nowhere", "--runs=nowhere: no such folder"),
        ("--references=nowhere", "--references=nowhere: no such folder"),
    ],
)
def test_wrong_option_is_one_line(word, line, capsys):
    assert launch.main(["serve", word]) == 2
    assert capsys.readouterr().err == f"launch.py serve: {line}\n"
