"""How a run stands, as others read it off its folder."""

import dataclasses
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from colorjax.errors import Interrupted, NotFiniteError, Pruned, UserError
from colorjax.runs import run_state
from colorjax.runs.run_state import Heartbeat, RunState, read_state, wait_in_queue, write_state


def test_state_of_what_was_not_started(tmp_path):
    assert read_state(tmp_path) is None


@pytest.mark.parametrize("content", [b'{"state": "runn', b"[]", b"{}", b"3", b'{"state": "odd"}', b"\xff\x00"])
def test_state_that_is_damaged_is_none(tmp_path, content):
    (tmp_path / "state.json").write_bytes(content)
    assert read_state(tmp_path) is None


def test_state_says_that_a_run_runs_and_that_it_is_done(tmp_path):
    with Heartbeat(tmp_path):
        state = read_state(tmp_path)
        assert (state.state, state.pid, state.host) == ("running", os.getpid(), socket.gethostname())
        assert abs(time.time() - state.beat) < 5
    assert read_state(tmp_path).state == "done"


def test_beat_is_renewed_while_the_run_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(run_state, "BEAT_SECONDS", 0.02)
    with Heartbeat(tmp_path):
        first = read_state(tmp_path).beat
        deadline = time.monotonic() + 20
        while read_state(tmp_path).beat == first:
            assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (Interrupted("SIGTERM: stopped; goes on", "SIGTERM"), "stopped", "SIGTERM: stopped; goes on"),
        (KeyboardInterrupt(), "stopped", "KeyboardInterrupt"),
        (Pruned("worse than the others"), "pruned", "worse than the others"),
        (NotFiniteError("step 3: loss is nan"), "failed", "step 3: loss is nan"),
        (RuntimeError("out of memory\nand more"), "failed", "RuntimeError: out of memory"),
    ],
)
def test_why_it_ended_is_one_line(tmp_path, error, state, reason):
    with pytest.raises(type(error)), Heartbeat(tmp_path):
        raise error
    ended = read_state(tmp_path)
    assert (ended.state, ended.reason) == (state, reason)


def test_state_of_a_process_ended_inside_says_why_first(tmp_path):
    with Heartbeat(tmp_path) as beat:
        beat.fail("process 1 of 2 failed: an accident")
        assert (read_state(tmp_path).state, read_state(tmp_path).reason) == (
            "failed",
            "process 1 of 2 failed: an accident",
        )


def test_folder_goes_to_one_of_many_that_begin_at_once(tmp_path, monkeypatch):
    hosts = iter(f"host{number}" for number in range(8))  # so that none takes another for itself
    monkeypatch.setattr(run_state.socket, "gethostname", lambda: next(hosts, "elsewhere"))
    beats, began, refused = [Heartbeat(tmp_path) for _ in range(8)], [], []

    def begin(beat):
        try:
            began.append(beat.__enter__())
        except UserError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=begin, args=(beat,)) for beat in beats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(began), len(refused)) == (1, 7)
    began[0].__exit__(None, None, None)
    assert not (tmp_path / ".state.lock").exists()


def test_lock_whose_owner_was_killed_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr(run_state, "_LOCK_SECONDS", 0.1)
    (tmp_path / ".state.lock").touch()
    with Heartbeat(tmp_path):
        assert read_state(tmp_path).state == "running"


def test_run_at_work_is_not_put_into_a_queue(tmp_path):
    with Heartbeat(tmp_path):
        assert not wait_in_queue(tmp_path)
        assert read_state(tmp_path).state == "running"
    assert wait_in_queue(tmp_path)
    assert read_state(tmp_path).state == "waiting"


@pytest.mark.process
def test_process_killed_is_known_on_its_own_host_at_once(tmp_path):
    script = (
        f"from colorjax.runs.run_state import Heartbeat\nfrom pathlib import Path\nimport os, signal\n"
        f"Heartbeat(Path({str(tmp_path)!r})).__enter__()\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    state = read_state(tmp_path)
    assert state.state == "lost"
    assert state.reason.startswith("no sign of life since ")


def test_process_on_another_host_is_known_by_its_silence(tmp_path):
    now = time.time()
    write_state(tmp_path, RunState("running", host="elsewhere", pid=1, started=now, beat=now - 50))
    assert read_state(tmp_path).state == "running"
    write_state(tmp_path, RunState("running", host="elsewhere", pid=1, started=now, beat=now - 70))
    assert read_state(tmp_path).state == "lost"


def test_folder_is_never_trained_in_by_two_processes(tmp_path):
    now = time.time()
    other = RunState("running", host="elsewhere", pid=7, started=now, beat=now)
    write_state(tmp_path, other)
    with (
        pytest.raises(UserError, match="is being trained by process 7 on elsewhere; wait for its end"),
        Heartbeat(tmp_path),
    ):
        pass
    assert read_state(tmp_path) == other


def test_job_that_slurm_starts_again_is_not_held_up_by_its_former_self(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    now = time.time()
    write_state(tmp_path, RunState("running", host="elsewhere", pid=7, job="12_3", started=now, beat=now))
    with Heartbeat(tmp_path):
        assert read_state(tmp_path).host == socket.gethostname()
    other = dataclasses.replace(read_state(tmp_path), state="running", host="elsewhere", job="12_4")
    write_state(tmp_path, other)
    with pytest.raises(UserError, match="is being trained"), Heartbeat(tmp_path):
        pass
