"""A sweep as one job array; jobs that are cancelled."""

import json

from runs_on_slurm import assert_equal, log

from colorjax.runs.run_state import read_state


def test_four_runs_are_one_array_and_each_is_what_it_would_have_been_here(cluster, uninterrupted, tmp_path):
    sweep = tmp_path / "sweep"
    cluster.sweep("tests/cluster/four_colorizers.py", sweep, parallel=2)
    # It has returned, and nothing is done yet.
    assert len(cluster.queue().splitlines()) == 4, cluster.queue()
    runs = sorted((sweep / "runs").iterdir())
    assert len(runs) == 4
    assert {read_state(run).state for run in runs} <= {"waiting", "running"}

    for run in runs:
        cluster.wait_until_done(run)
    jobs = {read_state(run).job for run in runs}
    array = min(jobs).partition("_")[0]
    assert jobs == {f"{array}_{task}" for task in range(4)}
    settings = {run: json.loads((run / "config.json").read_text()) for run in runs}
    made = {(config["optimizer"]["learning_rate"], config["seed"]): run for run, config in settings.items()}
    assert set(made) == {(1e-3, 1), (1e-3, 2), (3e-3, 1), (3e-3, 2)}
    assert_equal(made[1e-3, 1], uninterrupted)

    assert "0 to run" in cluster.sweep("tests/cluster/four_colorizers.py", sweep)
    assert not cluster.queue()
    assert {line.split()[1] for line in cluster.status(sweep).values()} == {"done"}


def test_a_cancelled_run_says_so_and_goes_on_when_it_is_asked_for_again(cluster, uninterrupted, tmp_path):
    sweep = tmp_path / "sweep"
    cluster.sweep("tests/cluster/small_colorizer.py", sweep)
    (run,) = (sweep / "runs").iterdir()
    cluster.hold(run, 20)
    assert cluster.status(sweep)[run.name].split()[1] == "running"
    job = read_state(run).job
    cluster.command("scancel", job)
    cluster.wait_for("the job's end", lambda: not cluster.queue(), sweep, 60)
    line = cluster.status(sweep)[run.name]
    assert line.split()[1] == "stopped"
    assert "SIGTERM" in line
    assert cluster.job_state(job) == "CANCELLED"

    cluster.sweep("tests/cluster/small_colorizer.py", sweep)
    cluster.wait_until_done(run)
    assert "going on from the checkpoint of step" in log(run)
    assert_equal(run, uninterrupted)
