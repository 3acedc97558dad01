"""The command line as a person meets it: help at once, and one line and status 2 for a mistake."""

import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import launch
from colorjax.commands import status
from colorjax.commands.catalog import COMMANDS, ENDING_OF_PICTURES
from colorjax.runtime import compilation

ROOT = Path(__file__).parents[1]


def launch_in_a_process(*words):
    return subprocess.run(
        [sys.executable, "launch.py", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def copy_of_launch(folder):
    """Return a copy of launch.py, beside which other `datasets` may lie than this project's."""
    return shutil.copy(ROOT / "launch.py", folder)


def with_colorjax():
    return os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.mark.process
def test_help_does_not_load_jax():
    probe = "import sys, launch\ntry: launch.main(['--help'])\nexcept SystemExit: print('jax' in sys.modules)"
    started = time.monotonic()
    result = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.endswith("False\n")
    assert all(f"  {command} " in result.stdout for command in COMMANDS)
    assert time.monotonic() - started < 10  # a second on an idle machine; the tests share theirs


@pytest.mark.parametrize("command", list(COMMANDS))
def test_command_has_a_page_of_its_own(command, capsys):
    with pytest.raises(SystemExit) as caught:
        launch.main([command, "--help"])
    assert caught.value.code == 0
    assert COMMANDS[command].description in capsys.readouterr().out


@pytest.mark.parametrize("command", ["denoise", "colorize", "restore"])
def test_commands_on_pictures_do_not_speak_of_configs(command, capsys):
    with pytest.raises(SystemExit):
        launch.main([command, "--help"])
    page = capsys.readouterr().out
    assert "config" not in page
    assert page.endswith(ENDING_OF_PICTURES)


@pytest.mark.parametrize(
    "words",
    [
        ["prepare", "{config}"],
        ["train", "{config}", "{workdir}", "--attempts=1"],
        ["evaluate", "{config}", "{workdir}"],
        ["evaluate", "--weights=denoise_gray", "{workdir}"],
        ["table", "{config}", "{workdir}"],
        ["sweep", "{config}", "{workdir}", "--jobs=2", "--dry-run"],
        ["search", "{config}", "{workdir}", "--search.trials=2"],
        ["work", "{workdir}"],
        ["status", "{workdir}", "--watch"],
        ["compare", "{workdir}", "--by=seed", "--metric=ssim"],
        ["config", "{config}", "--diff=denoise_gray"],
        ["denoise", "a.png", "--output=out", "b.png", "--max-pixels=9"],
        ["colorize", "a.png", "--output=out", "--method=scribble", "--hints=b.png"],
        ["restore", "a.png", "--output=out", "--compare"],
        ["measure", "results", "--against=truths", "--output=out"],
        ["serve", "--port=0", "--host=localhost", "--runs=a", "--references=b"],
        ["export", "{workdir}", "--output=a.safetensors", "--config.inference.batch_size=1"],
        ["weights", "inception", "--from=a.h5"],
    ],
    ids=" ".join,
)
def test_words_become_the_arguments_of_their_command(words, tmp_path, monkeypatch):
    command = importlib.import_module(f"colorjax.commands.{words[0]}")
    signature, called = inspect.signature(command.main), []
    monkeypatch.setattr(command, "main", lambda **arguments: called.append(arguments))
    monkeypatch.setattr(compilation, "keep_compilations", lambda: None)
    config = f"--config={ROOT}/experiments/colorize_unet.py:smoke"
    assert launch.main([word.format(config=config, workdir=f"--workdir={tmp_path}") for word in words]) == 0
    (arguments,) = called
    signature.bind(**arguments)  # nothing is missing, and nothing is left over
    assert ("data" in arguments) == COMMANDS[words[0]].needs_datasets
    if "--weights=denoise_gray" in words:
        assert arguments["config"].task.name == "denoise_gray"


@pytest.mark.parametrize("flag", ["--dry-run", "--dry_run"])
def test_flags_have_hyphens_and_underscores_still_work(flag, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    words = ["sweep", "--config=experiments/sweep_denoise.py:smoke", f"--workdir={tmp_path / 'out'}", flag]
    assert launch.main(words) == 0
    assert "to run" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_help_shows_flags_with_hyphens_alone(capsys):
    pages = ""
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            launch.main([command, "--help"])
        pages += capsys.readouterr().out
    assert {"--dry-run", "--max-pixels"} <= set(re.findall(r"--[\w-]+", pages))
    assert not re.findall(r"--\w+_\w+", pages)


def test_commands_without_data_sets_do_not_load_them(tmp_path):
    (tmp_path / "datasets.py").write_text("raise SystemExit('loaded')")
    words = [sys.executable, copy_of_launch(tmp_path), "status", f"--workdir={tmp_path}"]
    result = subprocess.run(words, capture_output=True, text=True, check=False, env=with_colorjax())
    assert result.returncode == 2
    assert "no run" in result.stderr


@pytest.mark.process
def test_mistake_is_one_line_and_status_2():
    result = launch_in_a_process(
        "train", "--config=experiments/colorize_unet.py", "--workdir=unused", "--config.training.epoch=3"
    )
    assert result.returncode == 2
    assert result.stderr == "launch.py train: --config.training.epoch: no such key; did you mean 'training.epochs'?\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["train", "--config=experiments/colorise_unet.py"], "did you mean 'experiments/colorize_unet.py'?"),
        (["train", "--config=experiments/colorize_unet.py:smok"], "did you mean 'smoke'?"),
        (["train", "--config=experiments/colorize_unet.py", "--config.seed=a"], "needs a whole number"),
        (["train", "--config=experiments/colorize_unet.py", "--config.model.name=unett"], "did you mean 'unet'?"),
        (["train", "--config=experiments/colorize_unet.py", "--config.data.name=skimage"], "did you mean"),
        (["train", "--config=experiments/colorize_unet.py", "--config.data.photographs=6"], "5 training photographs"),
        (["table", "--config=experiments/table1.py", "--config.data.photographs=6"], "5 training photographs"),
        (["train", "--config=experiments/colorize_unet.py", "--config.task.loss=l2"], "did you mean 'l1'?"),
        (["train", "--config=experiments/colorize_unet.py", "--config.training.batch_size=7"], "8 device(s)"),
        (["train", "--config=experiments/colorize_unet.py:folder", "--config.data.source=none"], "none"),
        (["train", "--config=experiments/table1.py"], "describes a table"),
        (["table", "--config=experiments/colorize_unet.py"], "describes one run"),
    ],
)
def test_bad_input_is_one_line(words, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    status = launch.main([*words, f"--workdir={tmp_path}"])
    error = capsys.readouterr().err
    assert status == 2
    assert line in error
    assert error.count("\n") == 1
    assert not (tmp_path / "config.json").exists()  # with the mistake put right, the same workdir will do


@pytest.mark.parametrize("command", ["train", "evaluate", "table", "sweep", "search"])
@pytest.mark.parametrize(
    ("workdir", "line"),
    [
        ("{}/file", "is no folder; use another --workdir"),
        ("{}/file/below", "{}/file is no folder; use another --workdir"),
        ("/proc/nothing/here", "can't be written ("),
    ],
)
def test_workdir_that_can_not_be_is_one_line(command, workdir, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    (tmp_path / "file").touch()
    workdir = workdir.format(tmp_path)
    assert launch.main([command, "--config=experiments/colorize_unet.py:smoke", f"--workdir={workdir}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"launch.py {command}: --workdir={workdir}: ")
    assert line.format(tmp_path) in error
    assert error.count("\n") == 1


def test_ctrl_c_is_one_line(tmp_path, monkeypatch, capsys):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(status, "main", interrupted)
    assert launch.main(["status", f"--workdir={tmp_path}"]) == 130
    assert capsys.readouterr().err == "launch.py status: stopped (Ctrl-C)\n"


@pytest.mark.process
def test_ctrl_c_while_it_loads_is_one_line(tmp_path):
    (tmp_path / "datasets.py").write_text("raise KeyboardInterrupt")  # the first that is loaded
    words = [sys.executable, copy_of_launch(tmp_path), "prepare", "--config=any.py"]
    result = subprocess.run(words, capture_output=True, text=True, check=False, env=with_colorjax())
    assert (result.returncode, result.stderr) == (130, "launch.py: stopped (Ctrl-C)\n")
