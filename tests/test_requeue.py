"""A run that Slurm stops goes back into the queue, unless that leads nowhere; `scontrol` is a script of the test."""

import pytest

from colorjax.errors import ColorjaxError, UserError
from colorjax.runs.requeue import newest_checkpoint, note_start, requeue
from colorjax.runs.run_state import RunState, read_state, slurm_job, write_state

STOPPED = RunState("stopped", reason="SIGUSR2: stopped; the same command goes on from step 40")


@pytest.fixture
def scontrol(tmp_path, monkeypatch):
    """A stand-in that notes its words in the file returned; it refuses while there is a file `refuse`."""
    words = tmp_path / "words"
    script = tmp_path / "bin" / "scontrol"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\n[ -e "{tmp_path}/refuse" ] && {{ echo no such job >&2; exit 1; }}\necho "$@" >> "{words}"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=":")
    return words


def in_job(monkeypatch, **names):
    for name in ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)


def test_starts_that_find_newer_checkpoints_may_go_on_for_ever(tmp_path):
    for step in range(0, 100, 10):
        (tmp_path / "checkpoints" / str(step)).mkdir(parents=True)
        note_start(tmp_path, 2)
        assert newest_checkpoint(tmp_path) == step


def test_starts_without_progress_are_counted_and_the_run_given_up(tmp_path):
    for _ in range(3):
        note_start(tmp_path, 3)
    with pytest.raises(UserError, match="3 starts in a row wrote no checkpoint after step 0"):
        note_start(tmp_path, 3)
    note_start(tmp_path, 3)  # started again by hand, it has its three attempts again


def test_attempts_below_zero_are_refused_before_anything_is_touched(tmp_path):
    note_start(tmp_path, 1)
    before = (tmp_path / "starts.json").read_text()
    with pytest.raises(UserError, match=r"--attempts=-2: must be 0 or more"):
        note_start(tmp_path, -2)
    assert (tmp_path / "starts.json").read_text() == before


def test_requeue_does_not_count_half_written_checkpoints(tmp_path):
    (tmp_path / "checkpoints" / "20.orbax-checkpoint-tmp").mkdir(parents=True)
    assert newest_checkpoint(tmp_path) == 0


@pytest.mark.parametrize(
    ("names", "job"),
    [
        ({"SLURM_JOB_ID": "14"}, "14"),
        ({"SLURM_JOB_ID": "14", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "0"}, "12_0"),
    ],
)
def test_requeue_puts_the_job_back_and_says_so(tmp_path, monkeypatch, scontrol, names, job):
    in_job(monkeypatch, **names)
    (tmp_path / "checkpoints" / "40").mkdir(parents=True)
    requeue(tmp_path, STOPPED)
    assert scontrol.read_text() == f"requeue {job}\n"
    state = read_state(tmp_path)
    assert (state.state, state.reason) == ("waiting", "back in the queue after SIGUSR2, at step 40")


def test_requeue_refused_is_said_and_the_state_stays(tmp_path, monkeypatch, scontrol):
    in_job(monkeypatch, SLURM_JOB_ID="14")
    (tmp_path / "refuse").touch()
    write_state(tmp_path, STOPPED)
    with pytest.raises(ColorjaxError, match="scontrol requeue 14 failed: no such job"):
        requeue(tmp_path, STOPPED)
    assert read_state(tmp_path) == STOPPED


def test_outside_of_slurm_there_is_no_queue(tmp_path, monkeypatch):
    in_job(monkeypatch)
    assert slurm_job() == ""
    with pytest.raises(ColorjaxError, match="jobs of Slurm"):
        requeue(tmp_path, STOPPED)
