"""Jobs on this machine: how many at a time, what each gets, what is said of each, and how they stop."""

import os
import signal
import sys
import threading
import time

import pytest

from colorjax.errors import Interrupted, UserError
from colorjax.runs.run_state import RunState, read_state, wait_in_queue, write_state
from colorjax.sweeps import local
from colorjax.sweeps.jobs import Job
from colorjax.sweeps.local import Progress, shares


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(local, "_POLL_SECONDS", 0.02)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def four_cores(monkeypatch):
    monkeypatch.setattr(local, "_cores", lambda: [0, 2, 4, 6])


def run_jobs(jobs, count, logs, say):
    return local.run_jobs(jobs, count, logs, say, Progress(1, "job", lambda: 0))


def job(folder, name, script):
    directory = folder / name
    directory.mkdir()
    return Job(
        name, (sys.executable, "-c", f"from pathlib import Path\nhere = Path({str(directory)!r})\n{script}"), directory
    )


def test_cores_go_in_equal_shares(four_cores):
    assert [share.before[-1] for share in shares(2)] == ["0,2", "4,6"]
    assert [share.before[-1] for share in shares(3)] == ["0", "2", "4"]
    assert shares(1)[0].before == ()


def test_gpus_go_in_equal_shares(monkeypatch, four_cores):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-ab,7")
    assert [share.environment for share in shares(3)] == [
        {"CUDA_VISIBLE_DEVICES": name} for name in ("3", "GPU-ab", "7")
    ]
    assert shares(1)[0].environment == {"CUDA_VISIBLE_DEVICES": "3,GPU-ab,7"}
    with pytest.raises(UserError, match=r"--jobs=4: this machine has 3 GPU\(s\)"):
        shares(4)


@pytest.mark.parametrize(("count", "line"), [(5, r"has 4 core\(s\)"), (0, "must be 1 or more")])
def test_jobs_more_than_cores_are_one_line(four_cores, count, line):
    with pytest.raises(UserError, match=line):
        shares(count)


def test_job_runs_on_its_share(tmp_path, monkeypatch):
    core = min(os.sched_getaffinity(0))
    monkeypatch.setattr(local, "_cores", lambda: [core, core])
    script = "import os\n(here / 'cores').write_text(str(os.sched_getaffinity(0)))"
    assert run_jobs([job(tmp_path, name, script) for name in "ab"], 2, tmp_path / "logs", lambda line: None) == 0
    assert (tmp_path / "a" / "cores").read_text() == (tmp_path / "b" / "cores").read_text() == str({core})


def test_never_more_at_a_time_than_asked_and_all_of_them(tmp_path, four_cores, monkeypatch):
    monkeypatch.setattr(local, "shares", lambda count: [local.Share()] * count)
    note = "(here / '{}').write_text(str(time.time()))"
    script = f"import time\n{note.format('begin')}\ntime.sleep(0.2)\n{note.format('end')}"
    names = [f"job{i}" for i in range(5)]
    assert run_jobs([job(tmp_path, name, script) for name in names], 2, tmp_path / "logs", lambda line: None) == 0
    begins, ends = ([float((tmp_path / name / what).read_text()) for name in names] for what in ("begin", "end"))
    assert all(sum(b <= t < e for b, e in zip(begins, ends, strict=True)) <= 2 for t in begins)


def test_job_that_failed_says_why_and_the_others_go_on(tmp_path, four_cores):
    write_failed = "print('its own story')\nraise SystemExit(2)"
    jobs = [
        job(tmp_path, "bad", write_failed),
        job(tmp_path, "worse", "raise ValueError('no number')"),
        job(tmp_path, "killed", "import os\nos.kill(os.getpid(), 9)"),
        job(tmp_path, "good", "(here / 'done').touch()"),
    ]
    write_state(tmp_path / "bad", RunState("failed", reason="loss is nan"))
    said = []
    assert run_jobs(jobs, 1, tmp_path / "logs", said.append) == 3
    assert said == [
        "failed   bad: loss is nan",
        f"failed   worse: status 1, ValueError: no number ({tmp_path}/logs/worse.log)",
        f"failed   killed: killed by SIGKILL ({tmp_path}/logs/killed.log)",
        "done     good",
    ]
    assert (tmp_path / "good" / "done").exists()
    assert (tmp_path / "logs" / "bad.log").read_text() == "its own story\n"


def test_jobs_all_stop_at_a_signal_and_are_waited_for(tmp_path, four_cores, monkeypatch):
    monkeypatch.setattr(local, "shares", lambda count: [local.Share()] * count)
    script = (
        "import signal, time\n"
        "def stop(*_):\n    time.sleep(0.2)\n    (here / 'stopped').touch()\n    raise SystemExit(75)\n"
        "signal.signal(signal.SIGTERM, stop)\n(here / 'ready').touch()\ntime.sleep(60)"
    )
    jobs = [job(tmp_path, name, script) for name in "abc"]
    for name in "abc":
        wait_in_queue(tmp_path / name)

    def when_ready():
        while not all((tmp_path / name / "ready").exists() for name in "ab"):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=when_ready).start()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match="SIGINT: stopped; the same command goes on"):
        run_jobs(jobs, 2, tmp_path / "logs", lambda line: None)
    assert [(tmp_path / name / "stopped").exists() for name in "abc"] == [True, True, False]
    assert [read_state(tmp_path / name).state for name in "abc"] == ["stopped"] * 3
    assert read_state(tmp_path / "c").reason == "SIGINT before its training began"
    assert signal.getsignal(signal.SIGINT) is before


def test_jobs_all_stop_with_a_closed_terminal(tmp_path, four_cores):
    waits = job(tmp_path, "a", "import time\n(here / 'ready').touch()\ntime.sleep(60)")

    def when_ready():
        while not (tmp_path / "a" / "ready").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=when_ready).start()
    with pytest.raises(Interrupted, match="SIGHUP: stopped"):
        run_jobs([waits], 1, tmp_path / "logs", lambda line: None)


def test_job_state_says_what_slurm_or_the_kernel_did(tmp_path, four_cores):
    (tmp_path / "logs").mkdir()
    killed = job(tmp_path, "killed", "import os\nos.kill(os.getpid(), 9)")
    wait_in_queue(killed.directory)
    assert run_jobs([killed], 1, tmp_path / "logs", lambda line: None) == 1
    state = read_state(killed.directory)
    assert (state.state, state.reason) == ("failed", "killed by SIGKILL")


def test_job_whose_run_another_process_is_at_work_on_has_not_failed(tmp_path, four_cores):
    taken, said = job(tmp_path, "taken", "raise SystemExit(2)"), []
    write_state(taken.directory, RunState("running", host="elsewhere", pid=7, beat=time.time()))
    assert run_jobs([taken], 1, tmp_path / "logs", said.append) == 0
    assert said == ["left     taken: process 7 on elsewhere is at work on it"]
