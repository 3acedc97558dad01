"""The command line as a person meets it: help at once, and one line and status 2 for a mistake."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import launch
from colorjax import commands
from colorjax.commands import weights

ROOT = Path(__file__).parents[1]


def launch_in_a_process(*words):
    return subprocess.run(
        [sys.executable, "launch.py", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def test_help_does_not_load_jax():
    probe = "import sys, launch\ntry: launch.main(['--help'])\nexcept SystemExit: print('jax' in sys.modules)"
    started = time.monotonic()
    result = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.endswith("False\n")
    assert all(f"  {command} " in result.stdout for command in launch.COMMANDS)
    assert time.monotonic() - started < 10  # a second on an idle machine; the tests share theirs


@pytest.mark.parametrize("command", list(launch.COMMANDS))
def test_each_command_has_a_page_of_its_own(command, capsys):
    with pytest.raises(SystemExit) as caught:
        launch.main([command, "--help"])
    assert caught.value.code == 0
    assert launch.COMMANDS[command][1] in capsys.readouterr().out


@pytest.mark.parametrize("command", launch.RESTORING)
def test_commands_on_pictures_do_not_speak_of_configs(command, capsys):
    with pytest.raises(SystemExit):
        launch.main([command, "--help"])
    page = capsys.readouterr().out
    assert "config" not in page
    assert page.endswith(launch.ENDING_OF_PICTURES)


def test_launch_and_colorjax_know_the_same_commands():
    assert list(launch.COMMANDS) == list(commands.COMMANDS)


def test_the_commands_that_several_processes_may_run_are_those_with_the_options_for_it():
    assert launch.TOGETHER == commands.TOGETHER


def test_each_network_whose_weights_can_be_asked_for_can_be_converted():
    assert set(launch.NETWORKS) == set(weights.CONVERTERS)


def test_a_mistake_is_one_line_and_status_2():
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
def test_a_workdir_that_can_not_be_is_one_line(command, workdir, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    (tmp_path / "file").touch()
    workdir = workdir.format(tmp_path)
    assert launch.main([command, "--config=experiments/colorize_unet.py:smoke", f"--workdir={workdir}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"launch.py {command}: --workdir={workdir}: ")
    assert line.format(tmp_path) in error
    assert error.count("\n") == 1


def test_ctrl_c_is_one_line(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands.importlib, "import_module", interrupted)
    assert launch.main(["status", f"--workdir={tmp_path}"]) == 130
    assert capsys.readouterr().err == "launch.py status: stopped (Ctrl-C)\n"


def test_ctrl_c_while_it_loads_is_one_line(tmp_path):
    (tmp_path / "datasets.py").write_text("raise KeyboardInterrupt")  # the first that is loaded
    shutil.copy(ROOT / "launch.py", tmp_path)
    words = [sys.executable, tmp_path / "launch.py", "status", f"--workdir={tmp_path}"]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (130, "launch.py: stopped (Ctrl-C)\n")
