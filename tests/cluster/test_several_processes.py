"""Runs of two processes, which srun starts and jax.distributed brings together over gloo."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from runs_on_slurm import ROOT, assert_equal, last_step, log, starts

from colorjax.runs.run_state import read_state

CONFIG = "tests/cluster/small_colorizer.py"
SRUN = ("srun", "--ntasks=2", "--cpus-per-task=1", "--label", sys.executable, "launch.py")


@pytest.fixture(scope="module")
def of_two_processes(cluster, tmp_path_factory):
    """The folder of a run that two processes trained and measured in one go."""
    workdir = tmp_path_factory.mktemp("of_two_processes") / "run"
    words = (f"--config={CONFIG}", f"--workdir={workdir}", "--config.seed=1")
    for command in ("train", "evaluate"):
        printed = cluster.command(*SRUN, command, *words)
        # Gloo has a line for each process, and everything else is said by the first one.
        assert not [line for line in printed.splitlines() if line.startswith("1:") and "[Gloo]" not in line], printed
    return workdir


def test_training_is_that_of_one_process_with_two_devices(cluster, of_two_processes, tmp_path):
    two_devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    words = (f"--config={CONFIG}", f"--workdir={tmp_path / 'alone'}", "--config.seed=1")
    cluster.launch("train", *words, **two_devices)
    assert_equal(of_two_processes, tmp_path / "alone", tolerance=1e-5)


def test_measuring_is_that_of_one_process(cluster, of_two_processes, tmp_path):
    alone = tmp_path / "alone"
    shutil.copytree(of_two_processes, alone, ignore=shutil.ignore_patterns("evaluation*"))
    cluster.launch("evaluate", f"--config={CONFIG}", f"--workdir={alone}", "--config.seed=1")
    for name in ("table.csv", "pictures.csv"):
        assert (alone / "evaluation" / name).read_text() == (of_two_processes / "evaluation" / name).read_text()


def test_a_requeued_run(cluster, of_two_processes, tmp_path):
    sweep = tmp_path / "sweep"
    cluster.sweep(CONFIG, sweep, processes_per_node=2)
    (run,) = (sweep / "runs").iterdir()
    cluster.hold(run, 20)
    cluster.command("scontrol", "requeue", read_state(run).job)
    cluster.wait_until_done(run)
    _, second = starts(run)
    assert f"going on from the checkpoint of step {second['step']}" in log(run)
    assert_equal(run, of_two_processes)


def test_when_one_process_is_killed_the_other_names_it_and_ends(cluster, tmp_path):
    workdir = tmp_path / "run"
    # So long a run that only the death of a process ends it; nothing here tells srun to end the other one.
    words = ("train", f"--config={CONFIG}", f"--workdir={workdir}", "--config.training.epochs=1000")
    printed = tmp_path / "printed"
    with (
        printed.open("w") as output,
        subprocess.Popen((*SRUN, *words), cwd=ROOT, env=cluster.environment, stdout=output, stderr=output) as srun,
    ):
        try:
            cluster.wait_for("step 20", lambda: last_step(workdir) >= 20 or srun.poll() is not None, tmp_path)
            assert srun.poll() is None, printed.read_text()
            victim = process_of(cluster, str(workdir), task=1)
            os.kill(victim, signal.SIGKILL)
            assert srun.wait(60) != 0
        finally:
            srun.terminate()
    said = [line for line in printed.read_text().splitlines() if "process 1 of 2" in line]
    assert said, printed.read_text()
    assert f"pid {victim}" in said[0]
    assert said[0].startswith("0: ")


def process_of(cluster, word: str, task: int) -> int:
    """Return the number of the process of that task, with `word` in its command line."""
    wanted = {f"SLURM_PROCID={task}".encode(), f"SLURM_CONF={cluster.environment['SLURM_CONF']}".encode()}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            words = (entry / "cmdline").read_bytes().decode()
        except OSError:  # gone meanwhile, or somebody else's
            continue
        if wanted <= set(environment) and word in words:
            return int(entry.name)
    pytest.fail(f"no process of task {task}")
