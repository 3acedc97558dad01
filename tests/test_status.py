"""How runs stand, as the command `status` reads it off their files."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ml_collections import ConfigDict
from support.runs import BATCH, STEPS, make_run, settings, train, validation

import launch
from colorjax.commands import status as command
from colorjax.commands.status import duration, status_lines
from colorjax.config.defaults import total_steps
from colorjax.runs.find import find_runs
from colorjax.runs.run_state import RunState, write_state
from colorjax.runs.status import run_status


def status_of(folder):
    (run,) = find_runs(folder)
    return run_status(run)


def test_status_of_a_running_run(tmp_path):
    history = [train(2, 1000.0), train(4, 38.0), train(6, 42.0), train(8, 40.0), validation(8, 20.0), train(10, 39.0)]
    history += [validation(12, 23.5), train(14, 90.0), validation(16, 21.0)]
    row = status_of(make_run(tmp_path / "a", history=history, state="running", checkpoint=12))
    assert (row.state, row.step, row.steps, row.reason) == ("running", 16, STEPS, "")
    assert row.rate == 40  # the median of the latest: neither the first line's nor that of a hiccup
    assert (row.best, row.best_step) == (23.5, 12)
    assert row.seconds_left == pytest.approx((STEPS - 16) * BATCH / 40)


def test_status_counts_steps_as_training_does(tmp_path):
    config = settings(training__batch_size=7)
    assert status_of(make_run(tmp_path / "a", config)).steps == total_steps(ConfigDict(config)) == 58


def test_status_of_a_checkpoint_newer_than_the_last_line(tmp_path):
    assert status_of(make_run(tmp_path / "a", history=[train(10)], checkpoint=14)).step == 14


def test_status_of_a_run_without_anything_but_its_config(tmp_path):
    row = status_of(make_run(tmp_path / "a", {"model": {"name": "unet"}}, state="waiting"))
    assert (row.state, row.step, row.steps, row.best_step) == ("waiting", 0, None, None)
    assert math.isnan(row.rate)
    assert math.isnan(row.best)
    assert math.isnan(row.seconds_left)


@pytest.mark.parametrize(("step", "state"), [(0, "waiting"), (10, "stopped"), (STEPS, "done")])
def test_runs_of_before_there_were_signs(tmp_path, step, state):
    history = [train(step)] if step else []
    assert status_of(make_run(tmp_path / "a", history=history, state=None)).state == state


LOCAL = (
    "a:  10%|█         | 5/50 [00:01<00:09,  4.90step/s]\rTraceback (most recent call last):\n"
    '  File "x.py", line 1, in <module>\nRuntimeError: the disk is gone\n\n'
)
SLURM = (
    "slurmstepd: error: Detected 1 oom_kill event in StepId=12.0. Some of the step tasks have been OOM Killed.\n"
    "a:  10%|█         | 5/50 [00:01<00:09,  4.90step/s]\n"
)


@pytest.mark.parametrize(
    ("job", "log", "text", "words"),
    [
        ("", "rate=1.log", LOCAL, "RuntimeError: the disk is gone; no sign of life since"),
        ("12_3", "12_3_0_log.err", SLURM, "slurmstepd: error: Detected 1 oom_kill event in StepId=12.0. Some of"),
        ("12", "12_0_log.err", "a line\nanother\n", "another; no sign of life since"),
        ("12_3", "12_4_0_log.err", SLURM, "no sign of life since"),  # of another task
        ("", "rate=1.log", "a: 10%|█         | 5/50 [00:01<00:09]\n\n", "no sign of life since"),
    ],
)
def test_status_of_a_killed_run_has_its_logs_reason(tmp_path, job, log, text, words):
    folder = make_run(tmp_path / "runs" / "rate=1", state="running", job=job, age=300)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / log).write_text(text)
    row = status_of(tmp_path)
    assert row.state == "lost"
    assert row.reason.startswith(words)
    assert status_of(folder).reason == row.reason  # asked for the run alone


def test_status_of_a_job_that_died_before_its_run_has_its_logs_reason(tmp_path):
    make_run(tmp_path / "runs" / "a", state="waiting")
    make_run(tmp_path / "runs" / "b", state="waiting")
    (tmp_path / "sweep.json").write_text(json.dumps([{"jobs": {"a": "7_0"}}, {"jobs": {"a": "9_0", "b": "9_1"}}]))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "7_0_0_log.err").write_text("an earlier error\n")
    (tmp_path / "logs" / "9_0_0_log.err").write_text("bash: module: command not found\n")
    (tmp_path / "logs" / "9_1_0_log.err").write_text("Loading python/3.11\n")
    a, b = (run_status(run) for run in find_runs(tmp_path))
    assert (a.state, a.reason) == ("waiting", "its log says: bash: module: command not found")
    assert (b.state, b.reason) == ("waiting", "")
    make_run(tmp_path / "runs" / "c", state="waiting", reason="back in the queue after SIGUSR2, at step 7")
    os.utime(tmp_path / "logs" / "9_0_0_log.err", (1, 1))  # of a start before this one
    a, b, c = (run_status(run) for run in find_runs(tmp_path))
    assert (a.reason, c.reason) == ("", "back in the queue after SIGUSR2, at step 7")


def test_status_of_a_failed_run_has_its_own_words(tmp_path):
    make_run(tmp_path / "runs" / "a", state="failed", reason="step 7: loss is nan")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text(LOCAL)
    assert status_of(tmp_path).reason == "step 7: loss is nan"


@pytest.fixture
def sweep(tmp_path):
    make_run(tmp_path / "runs" / "rate=0.1", history=[train(STEPS), validation(STEPS, 21.456)])
    make_run(tmp_path / "runs" / "rate=1", history=[train(20)], state="running")
    make_run(tmp_path / "runs" / "rate=10", history=[train(7)], state="failed", reason="loss is nan, " + "x" * 200)
    return tmp_path


def test_status_table_is_aligned_and_counts(sweep, capsys):
    assert launch.main(["status", f"--workdir={sweep}"]) == 0
    header, *rows, last = capsys.readouterr().out.splitlines()
    assert [row.split()[:3] for row in rows] == [
        ["rate=0.1", "done", "50/50"],
        ["rate=1", "running", "20/50"],
        ["rate=10", "failed", "7/50"],
    ]
    assert last == "1 done, 1 running, 1 failed"
    assert rows[0][: header.index("  at step")].endswith(" 21.46")
    assert rows[1][: header.index("  why")].endswith(" 6 s")
    assert rows[2][header.index("why") :] == "loss is nan, " + "x" * 200  # whole, since this is no terminal


def test_status_leaves_off_the_screen_what_needs_nobody(sweep):
    for i in range(40):
        make_run(sweep / "runs" / f"trial-{i}", history=[train(STEPS)])
    rows = [run_status(run) for run in find_runs(sweep)]
    lines = status_lines(rows, height=7)
    assert len(lines) == 7
    assert [line.split()[0] for line in lines[1:-2]] == ["rate=0.1", "rate=1", "rate=10", "trial-0"]
    assert lines[-2:] == ["and 39 more: 39 done", "41 done, 1 running, 1 failed"]
    assert len(status_lines(rows, height=45)) == 45


def test_watching_ends_when_no_run_will_change(sweep, capsys, monkeypatch):
    def wait(seconds):
        make_run(sweep / "runs" / "late", state="waiting") if not waited else None
        waited.append(seconds)
        if len(waited) == 3:
            for name in ("rate=1", "late"):
                (sweep / "runs" / name / "state.json").write_text('{"state": "done"}')

    waited = []
    monkeypatch.setattr(command.time, "sleep", wait)
    assert launch.main(["status", f"--workdir={sweep}", "--watch"]) == 0
    tables = capsys.readouterr().out.split("\n\n")
    assert len(waited) == 3
    assert [table.splitlines()[-1] for table in tables[:4]] == [
        "1 done, 1 running, 1 failed",
        *["1 done, 1 waiting, 1 running, 1 failed"] * 2,
        "3 done, 1 failed",
    ]
    assert "\x1b" not in "".join(tables)


def test_watching_ends_quietly_when_somebody_wants_it_to(sweep, monkeypatch):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.time, "sleep", interrupt)
    assert launch.main(["status", f"--workdir={sweep}", "--watch"]) == 0


@pytest.mark.parametrize("command", ["status", "compare"])
@pytest.mark.process
def test_status_and_compare_let_a_reader_stop_reading(sweep, command):
    words = [sys.executable, "launch.py", command, f"--workdir={sweep}"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        words, cwd=Path(launch.__file__).parent, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_damaged_files_are_said_and_the_others_shown(sweep, capsys):
    bad = make_run(sweep / "runs" / "bad", state="lost", history=[train(10)])
    (bad / "config.json").write_text('{"model": {')
    write_state(bad, RunState("running", host="elsewhere"))
    (sweep / "sweep.json").write_text("[{")
    assert launch.main(["status", f"--workdir={sweep}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(find_runs(sweep))
    (line,) = (line for line in lines if line.startswith("bad "))
    assert "10/?" in line
    assert "unreadable config.json; no sign of life since" in line


def test_status_of_a_folder_without_runs_is_one_line(tmp_path, capsys):
    assert launch.main(["status", f"--workdir={tmp_path}"]) == 2
    assert "no run in it" in capsys.readouterr().err
    assert launch.main(["status", f"--workdir={tmp_path}", "--config.seed=1"]) == 2
    assert capsys.readouterr().err == "launch.py status: unknown argument '--config.seed=1'\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (7.4, "7 s"),
        (61, "1 min 01 s"),
        (599.4, "9 min 59 s"),
        (3599, "59 min"),
        (7500, "2 h 05 min"),
        (200_000, "2 d 7 h"),
        (math.nan, ""),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
