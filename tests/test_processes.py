"""Several processes, each with its own devices of a CPU, against one process that has them all."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import jax
import numpy as np
import pytest
from support import tiny_process
from support import tiny_training as tiny

import colorjax
import colorjax.evaluation.measure
from colorjax.errors import Interrupted, UserError
from colorjax.metrics.registry import METRICS
from colorjax.models import MODELS
from colorjax.processes import agreement, joining
from colorjax.processes.agreement import agree
from colorjax.processes.coordinator import Coordinator
from colorjax.processes.group import GROUP
from colorjax.processes.joining import Place, meet
from colorjax.training import load_network, loop

ROOT = Path(__file__).parents[1]
MINUTE = 60  # in which all must have ended when one has


@pytest.fixture(autouse=True)
def _tiny_network(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", tiny.TinyNetwork)


def free_port():
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0


def wait_until(true):
    deadline = time.monotonic() + MINUTE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def started(folder, count, devices, *jobs, port=None, only=None):
    """Processes that do the jobs with so many devices each; none of them outlives the context, and `only` some come."""
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={devices}"  # the last counts
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT}/tests", "XLA_FLAGS": flags}
    port = port or free_port()
    with ExitStack() as stack:
        running = []
        for index in only or range(count):
            log = stack.enter_context(Path(f"{folder}-{index}.log").open("w"))
            command = [sys.executable, "-m", "support.tiny_process", folder, port, count, index, *jobs]
            running.append(subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, env=environment, cwd=ROOT))
            stack.callback(running[-1].wait)
            stack.callback(running[-1].kill)
        yield running


def statuses(running, seconds=2 * MINUTE):
    deadline = time.monotonic() + seconds
    return [process.wait(max(0, deadline - time.monotonic())) for process in running]


def alone(workdir, before=lambda step: None):
    """Train in this process, on four of its devices."""
    loop.train(tiny_process.config(), workdir, tiny.data(before), tiny.validate, jax.devices()[:4])


def log_of(workdir, index):
    """What a process said while it did the job in this folder."""
    text = Path(f"{workdir.parent}-{index}.log").read_text()
    return text.partition(f"== {workdir.name}\n")[2].partition("\n== ")[0]


def said(workdir, index):
    return [line for line in log_of(workdir, index).splitlines() if line.startswith("tiny: ")]


def assert_same_result(one, other, tolerance):
    (_, a, step_a), (_, b, step_b) = load_network(one, "last"), load_network(other, "last")
    assert step_a == step_b
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, atol=tolerance, rtol=0)


def newest(workdir):
    return max(int(path.name) for path in (workdir / "checkpoints").iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The workdir of one process with four devices that nothing stopped."""
    workdir = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "tiny", tiny.TinyNetwork)
        alone(workdir)
    return workdir


@pytest.fixture(scope="module")
def first_pair(tmp_path_factory):
    """The folder of two processes with two devices each that train, measure, and train until one gets a signal."""
    folder = tmp_path_factory.mktemp("processes") / "first"
    with started(folder, 2, 2, "whole:train", "measured:evaluate", "stopped:train:SIGTERM:5:1") as pair:
        assert statuses(pair) == [75, 75], log_of(folder / "whole", 0) + log_of(folder / "whole", 1)
    return folder


@pytest.fixture(scope="module")
def later_pairs(first_pair):
    """The folders of two pairs: one goes on with what the signal stopped and then has a bug, the other a mistake."""
    bug, mistake = first_pair.with_name("bug"), first_pair.with_name("mistake")
    shutil.copytree(first_pair / "stopped", bug / "stopped")
    with (
        started(bug, 2, 2, "stopped:train", "run:train:fail:1:1") as one,
        started(mistake, 2, 2, "run:train:mistake:1:0") as other,
    ):
        assert statuses(one + other) == [1, 1, 2, 2], log_of(bug / "stopped", 0)
    return bug, mistake


@pytest.mark.process
def test_processes_two_of_two_devices_train_what_one_of_four_trains(whole, first_pair):
    assert_same_result(first_pair / "whole", whole, tolerance=1e-5)


@pytest.mark.process
def test_processes_four_go_on_from_the_checkpoint_of_one(whole, tmp_path):
    workdir = tmp_path / "four" / "run"
    with pytest.raises(Interrupted):
        alone(workdir, lambda step: signal.raise_signal(signal.SIGTERM) if step == 1 else None)
    assert newest(workdir) == 2
    with started(workdir.parent, 4, 1, "run:train") as running:
        assert statuses(running) == [0, 0, 0, 0], log_of(workdir, 0)
    assert "going on from the checkpoint of step 2 of 12" in log_of(workdir, 0)
    assert_same_result(workdir, whole, tolerance=1e-5)


@pytest.mark.process
def test_signal_to_one_stops_all_at_the_same_step_and_any_number_goes_on(whole, first_pair, later_pairs, tmp_path):
    workdir = first_pair / "stopped"
    assert said(workdir, 0) == [
        f"tiny: SIGTERM: stopped; the same command goes on from step 6, {workdir / 'checkpoints' / '6'}"
    ]
    assert newest(workdir) == 6
    assert "going on from the checkpoint of step 6 of 12" in log_of(later_pairs[0] / "stopped", 0)
    assert_same_result(later_pairs[0] / "stopped", first_pair / "whole", tolerance=0.0)
    shutil.copytree(workdir, tmp_path / "again")
    alone(tmp_path / "again")
    assert_same_result(tmp_path / "again", whole, tolerance=1e-5)


@pytest.mark.process
def test_processes_read_every_batch_once_and_only_the_first_writes(first_pair):
    workdir = first_pair / "whole"
    for index in range(2):
        assert (workdir / f"read-{index}").read_text().split() == list(map(str, range(tiny_process.STEPS)))
    of_git = "changes-"  # of a checkout that is not clean
    written = {path.name for path in workdir.iterdir() if not path.name.startswith(("read-", of_git))}
    assert written == {"checkpoints", "config.json", "history.jsonl", "tensorboard", "versions.json"}
    assert len(list((workdir / "tensorboard").iterdir())) == 1
    assert len((workdir / "history.jsonl").read_text().splitlines()) == tiny_process.STEPS + 2  # and the validations
    assert "[00:0" in log_of(workdir, 0)  # its progress
    assert not re.sub(r"\[Gloo\].*|.*peer ranks.*|\s", "", log_of(workdir, 1))


NAME = r"process {} of 2 \(.+, pid \d+\)"


@pytest.mark.process
def test_process_killed_is_named_by_the_other_which_ends(tmp_path):
    with ExitStack() as stack:
        groups = []
        for victim in (0, 1):
            groups.append(stack.enter_context(started(tmp_path / f"{victim}", 2, 2, f"run:train:SIGKILL:5:{victim}")))
        for victim, running in enumerate(groups):
            assert running[victim].wait(2 * MINUTE) == -signal.SIGKILL
            assert running[1 - victim].wait(MINUTE) == 1
            workdir, other = tmp_path / f"{victim}" / "run", 1 - victim
            (line,) = said(workdir, other)
            assert re.match(
                rf"tiny: {NAME.format(victim)} has given no sign of life for 6 s: killed, or .*; stopp", line
            )
            assert "Traceback" not in log_of(workdir, other)


def is_stopped(process):
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.process
def test_process_stopped_for_less_than_the_limit_goes_on_and_so_do_all_that_were_stopped(whole, tmp_path):
    with started(tmp_path / "run", 2, 2, "run:train:SIGSTOP:5:1") as running:
        wait_until(lambda: is_stopped(running[1]))
        time.sleep(3)  # of the 6 s of `tiny_process`
        assert running[0].poll() is None
        running[0].send_signal(signal.SIGSTOP)
        time.sleep(8)  # when all stand still, as in a suspended job, no limit counts
        for process in running:
            process.send_signal(signal.SIGCONT)
        assert statuses(running) == [0, 0], log_of(tmp_path / "run" / "run", 0)
    assert_same_result(tmp_path / "run" / "run", whole, tolerance=1e-5)


@pytest.mark.process
def test_bug_in_one_ends_all_with_one_traceback(later_pairs):
    workdir = later_pairs[0] / "run"
    assert log_of(workdir, 1).rstrip().endswith("ValueError: an accident")
    (line,) = said(workdir, 0)
    assert re.match(rf"tiny: {NAME.format(1)} failed: ValueError: an accident; stopping$", line)
    assert "Traceback" not in log_of(workdir, 0)


@pytest.mark.process
def test_mistake_that_the_first_finds_is_said_once(later_pairs):
    workdir = later_pairs[1] / "run"
    assert said(workdir, 0) == ["tiny: a mistake"]
    assert said(workdir, 1) == []


@pytest.mark.process
def test_processes_measure_their_shares_and_get_what_one_measures(first_pair, tmp_path, monkeypatch):
    two = first_pair / "measured"
    monkeypatch.setattr(colorjax.evaluation.measure, "METRICS", METRICS)  # which `measure` lessens
    tiny_process.measure(tmp_path, 0)
    expected = (tmp_path / "0" / "evaluation.json").read_bytes()
    assert (tmp_path / "measured-0").read_text().split() == list("01234")
    assert (two / "measured-0").read_text().split() == list("024")
    assert (two / "measured-1").read_text().split() == list("13")
    for index in range(2):
        assert (two / str(index) / "evaluation.json").read_bytes() == expected
        assert (two / str(index) / "samples.npz").read_bytes() == (tmp_path / "0" / "samples.npz").read_bytes()


@pytest.mark.process
def test_processes_with_different_configs_end_with_a_line_that_names_the_setting(tmp_path):
    words = "train", "--config=experiments/colorize_unet.py:smoke", f"--workdir={tmp_path / 'run'}"
    meeting = f"--coordinator=localhost:{free_port()}", "--processes=2"
    processes = [
        subprocess.Popen(
            [sys.executable, "launch.py", *words, *meeting, f"--process={index}", *different],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index, different in enumerate([(), ("--config.optimizer.learning_rate=0.5",)])
    ]
    errors = [process.communicate(timeout=2 * MINUTE)[1] for process in processes]
    assert [process.returncode for process in processes] == [2, 2], errors
    name = NAME.format(1)
    difference = r"config\.optimizer\.learning_rate \(0\.5 there, [\d.]+ in process 0\); start all with .*"
    assert re.fullmatch(rf"launch\.py train: {name} was started differently: {difference}\n", errors[0])
    assert errors[1] == ""
    assert not (tmp_path / "run").exists()


def of_a_group(monkeypatch, *others):
    """Have `agree` find what `others` sent beside what this process sends."""
    monkeypatch.setattr(GROUP, "count", 1 + len(others))
    monkeypatch.setattr(GROUP, "members", {number: f"process {number}" for number in range(1 + len(others))})
    monkeypatch.setattr(agreement, "gather", lambda value: [value, *(other(value) for other in others)])


def test_processes_with_different_code_are_told_the_file(monkeypatch):
    def other(value):
        return value | {"code": value["code"] | {"colorjax/errors.py": "changed"}}

    of_a_group(monkeypatch, dict, other)
    with pytest.raises(UserError, match=r"^process 2 was started differently: the code in colorjax/errors\.py; start"):
        agree({"a": 1}, [colorjax])
    of_a_group(monkeypatch, dict, dict)
    agree({"a": 1}, [colorjax])


def test_agree_names_three_of_many_differences(monkeypatch):
    of_a_group(monkeypatch, lambda value: value | {"started": {"e": 0}})
    with pytest.raises(UserError, match=r": a \(none there, 1 in process 0\), b .*, c \(.*\) and 2 more; start all"):
        agree({"a": 1, "b": 2, "c": 3, "d": 4}, [])


def met(port, *places):
    """Have processes come to a coordinator for two; return what becomes of each: a line, or None for one let in."""

    def come(place):
        try:
            return meet(Place("localhost", port, *place), "tiny")
        except UserError as error:
            return str(error)

    coordinator = Coordinator(port, places[0][1], linger=1)
    try:
        with ThreadPoolExecutor() as pool:
            return list(pool.map(come, places))
    finally:
        with coordinator._process as child:
            child.kill()


@pytest.mark.process
def test_processes_of_different_numbers_are_all_told_so():
    lines = met(free_port(), (0, 2), (1, 3))
    assert lines[0] == lines[1]
    assert re.fullmatch(r"process 1 of 3 \(.+\) was started with --processes=3, process 0 with 2", lines[0])


@pytest.mark.process
def test_coordinator_tells_two_processes_with_one_place():
    lines = met(free_port(), (0, 3), (1, 3), (1, 3))
    assert len(set(lines)) == 1
    name = r"process 1 of 3 \(.+\)"
    assert re.fullmatch(rf"two processes were started with --process=1: {name} and {name}", lines[0])


@pytest.mark.process
def test_coordinator_refuses_latecomer(monkeypatch):
    monkeypatch.setattr(joining, "_REACH_SECONDS", 8)  # the latecomer waits as long
    lines = met(free_port(), (0, 2), (1, 2), (1, 2))
    assert lines[0] is None
    assert lines.count(None) == 2
    (line,) = filter(None, lines)
    assert re.match(r"process 1 of 2 \(.+\) is not let in at localhost:\d+: others have met there", line)


@pytest.mark.process
def test_ctrl_c_while_waiting_is_a_line_and_ends_the_coordinator(tmp_path):
    port = free_port()
    with started(tmp_path / "run", 2, 1, "run:train", port=port, only=[0]) as (process,):
        wait_until(lambda: listens(port))
        process.send_signal(signal.SIGINT)
        assert process.wait(MINUTE) == 130
    assert (tmp_path / "run-0.log").read_text() == "tiny: stopped (Ctrl-C)\n"
    wait_until(lambda: not listens(port))
