"""The command `config`: what it prints can be typed again, and what differs is all that differs."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import launch
from colorjax.config import run_config
from colorjax.config.files import load
from colorjax.config.serialization import flatten, to_plain
from colorjax.weights import load as load_weights

ROOT = Path(__file__).parents[1]
UNET = "experiments/colorize_unet.py"


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def told(capsys):
    """Return a function that runs the command and returns its lines."""

    def told(*words):
        assert launch.main(["config", *map(str, words)]) == 0
        out, err = capsys.readouterr()
        assert not err
        return out.splitlines()

    return told


def run_folder(folder, config):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(to_plain(config)))
    return folder


def rows(lines):
    """Return setting -> the two values, of a table of differences."""
    return {key: (here, there) for key, here, there in (re.split(r" {2,}", line) for line in lines[1:])}


@pytest.mark.parametrize(
    ("source", "base"),
    [
        (f"{UNET}:paper", f"{UNET}:smoke"),
        ("experiments/denoise_unet.py:gaussian-residual", "experiments/denoise_unet.py:gaussian-dense"),
        ("experiments/table1.py:smoke", "experiments/table1.py:folder"),
    ],
)
def test_config_prints_words_that_give_the_same_config(told, source, base):
    words = shlex.split("\n".join(told(f"--config={source}")))
    wanted = load(source)
    assert len(words) == len(flatten(wanted))
    assert to_plain(load(base)) != to_plain(wanted)
    assert to_plain(load(base, words)) == to_plain(wanted)


def test_config_quotes_what_a_shell_would_read_otherwise(told, tmp_path):
    texts = ["it's $HOME", 'say "no"', "a b", "", "`ls`!", "back\\slash", "it's", "('a',)"]
    config = run_config()
    config.data.training_splits = tuple(texts)
    for i, text in enumerate(texts):
        config.data[f"text_{i}"] = text
    printed = "\n".join(told(f"--config={run_folder(tmp_path / 'run', config)}"))
    shown = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {printed.replace(chr(10), ' ')}"], capture_output=True, text=True, check=True
    )
    values = dict(word.split("=", 1) for word in shown.stdout.split("\0") if word)
    assert [values[f"--config.data.text_{i}"] for i in range(len(texts))] == texts
    assert values["--config.data.training_splits"] == repr(tuple(texts))


def test_config_has_the_changes_of_the_command_line(told):
    lines = told(f"--config={UNET}", "--config.seed=7", "--config.optimizer.name", "muon")
    assert "--config.seed=7" in lines
    assert "--config.optimizer.name=muon" in lines


def test_config_of_a_folder_and_of_weights(told, tmp_path):
    trained = load_weights("denoise_gray").config
    copied = tmp_path / "copy.safetensors"
    copied.write_bytes((ROOT / "colorjax/pretrained/denoise_gray.safetensors").read_bytes())
    sources = ["denoise_gray", copied, run_folder(tmp_path / "run", trained), tmp_path / "run" / "config.json"]
    pages = [told(f"--config={source}") for source in sources]
    assert pages == [pages[0]] * 4
    assert f"--config.training.batch_size={trained.training.batch_size}" in pages[0]
    for source in sources[1:]:
        assert told("--config=denoise_gray", f"--diff={source}") == [
            f"denoise_gray and {source} have the same settings"
        ]


def test_diff_shows_what_differs_and_nothing_else(told, tmp_path):
    words = ["--config.seed=3", "--config.optimizer.learning_rate=0.25", "--config.data.zoom=(0.5, 2)"]
    run = run_folder(tmp_path / "run", load(UNET, [*words, "--config.data.source=with  blanks"]))
    lines = told(f"--config={UNET}", f"--diff={run}", "--config.data.source=here", "--config.training.keep=9")
    before = load(UNET)
    assert lines[0].split() == ["setting", UNET, str(run)]
    assert "  with  blanks" in lines.pop(1)
    assert rows(lines) == {
        "config.data.zoom": (str(before.data.zoom), "(0.5, 2.0)"),
        "config.optimizer.learning_rate": (str(before.optimizer.learning_rate), "0.25"),
        "config.seed": (str(before.seed), "3"),
        "config.training.keep": ("9", str(before.training.keep)),
    }


def test_diff_is_aligned(told):
    lines = told(f"--config={UNET}:smoke", f"--diff={UNET}:paper")
    column = lines[0].index(UNET)
    assert column > len(max((line.split()[0] for line in lines), key=len))
    for line in lines:
        assert line[column - 1] == " " != line[column]


def test_diff_shows_settings_that_one_side_lacks(told, tmp_path):
    older = load(UNET).copy_and_resolve_references().unlock()
    del older.optimizer.weight_average
    older.optimizer.momentum = 0.5
    lines = told(f"--config={UNET}", f"--diff={run_folder(tmp_path / 'run', older)}")
    # A setting that was added since then has its default.
    assert rows(lines) == {"config.optimizer.momentum": ("–", "0.5")}


def test_diff_of_tables_goes_into_their_rows(told):
    table = "experiments/table1.py"
    lines = told(f"--config={table}", f"--diff={table}", "--config.rows.unet.model.width=3")
    assert rows(lines) == {"config.rows.unet.model.width": ("3", str(load(table).rows.unet.model.width))}


@pytest.mark.parametrize(
    ("word", "line"),
    [
        (
            "denoise_colour",
            "there is no such file, and no network of that name comes with colorjax or is in its cache; did you mean",
        ),
        ("experiments/colorise_unet.py", "no such file; did you mean 'experiments/colorize_unet.py'?"),
        ("{}/no.safetensors", "there is no such file"),
        ("{}/text.safetensors", "no safetensors file that can be read"),
        ("{}/empty", "no config.json in this folder; give the folder of a run"),
        ("{}/damaged", "is not the config.json of a run"),
        ("{}/text.txt", "is no Python file"),
        (f"{UNET}:smok", "did you mean 'smoke'?"),
    ],
)
@pytest.mark.parametrize("option", ["--config", "--diff"])
def test_config_refuses_what_is_none_in_one_line(option, word, line, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged").mkdir()
    for name in ("text.safetensors", "text.txt", "damaged/config.json"):
        (tmp_path / name).write_text("text")
    words = [f"{option}={word.format(tmp_path)}", *([f"--config={UNET}"] if option == "--diff" else [])]
    assert launch.main(["config", *words]) == 2
    out, error = capsys.readouterr()
    assert not out
    assert error.startswith(f"launch.py config: {option}={word.format(tmp_path).partition(':')[0]}")
    assert line in error
    assert error.count("\n") == 1


def test_config_of_a_run_does_not_wait_for_jax(tmp_path):
    run = run_folder(tmp_path / "run", load(UNET))
    probe = "import sys, launch\nlaunch.main(['config', *sys.argv[1:]])\nprint('jax' in sys.modules)"
    words = [sys.executable, "-c", probe, f"--config={run}", f"--diff={run}"]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == f"{run} and {run} have the same settings\nFalse\n"
