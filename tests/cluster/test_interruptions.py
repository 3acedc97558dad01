"""Runs that Slurm, or somebody, interrupts in the middle: what they end with is what nothing would have changed."""

import os
import signal

from runs_on_slurm import assert_equal, last_step, log, starts

from colorjax.runs.run_state import read_state

CONFIG = "tests/cluster/small_colorizer.py"
STEPS = 200


def test_requeue(cluster, uninterrupted, tmp_path):
    sweep = tmp_path / "sweep"
    cluster.sweep(CONFIG, sweep)
    (run,) = (sweep / "runs").iterdir()
    cluster.hold(run, 20)
    job = read_state(run).job
    cluster.command("scontrol", "requeue", job)
    cluster.wait_until_done(run)
    assert read_state(run).job == job
    first, second = starts(run)
    assert first["step"] == 0
    # Between the checkpoints that it would have written anyway: it wrote one when it was told to stop.
    assert 20 <= second["step"] < STEPS
    assert second["step"] % 50
    assert f"going on from the checkpoint of step {second['step']}" in log(run)
    assert_equal(run, uninterrupted)


def test_time_limit(cluster, uninterrupted, tmp_path):
    # Slurm looks only every 30 s who is to be warned, so the warning comes 20 to 50 s after the start.
    sweep = tmp_path / "sweep"
    cluster.sweep(CONFIG, sweep, time=1, signal_seconds=10)
    (run,) = (sweep / "runs").iterdir()
    cluster.hold(run, 20)
    held = last_step(run)
    cluster.wait_for("a second start", lambda: len(starts(run)) == 2, sweep)
    cluster.wait_until_done(run)
    first, second = starts(run)
    assert first["job"] == second["job"] == read_state(run).job
    assert held <= second["step"] < STEPS
    assert_equal(run, uninterrupted)


def test_killed_outright(cluster, uninterrupted, tmp_path):
    sweep = tmp_path / "sweep"
    cluster.sweep(CONFIG, sweep)
    (run,) = (sweep / "runs").iterdir()
    process = cluster.hold(run, 101)  # after a validation, during which the checkpoints before it reach the disk
    job = read_state(run).job
    os.kill(process, signal.SIGKILL)
    cluster.wait_for("the job's end", lambda: not cluster.queue(), sweep, 60)
    assert cluster.job_state(job) == "FAILED"
    assert cluster.status(sweep)[run.name].split()[1] == "lost"

    assert "1 to run" in cluster.sweep(CONFIG, sweep)
    cluster.wait_until_done(run)
    _, second = starts(run)
    assert second["step"] in (50, 100)
    assert f"going on from the checkpoint of step {second['step']}" in log(run)
    assert_equal(run, uninterrupted)
