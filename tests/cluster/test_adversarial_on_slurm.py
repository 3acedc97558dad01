"""A CycleGAN of two processes, whose image pools and statistics go over gloo."""

import sys

import pytest
from runs_on_slurm import assert_equal, starts

from colorjax.runs.history import read_history
from colorjax.runs.run_state import read_state

CONFIG = "tests/cluster/small_cycle.py"
SRUN = ("srun", "--ntasks=2", "--cpus-per-task=1", "--label", sys.executable, "launch.py")
STEPS = 40


@pytest.fixture(scope="module")
def of_two_processes(cluster, tmp_path_factory):
    """The folder of a run that two processes trained."""
    workdir = tmp_path_factory.mktemp("of_two_processes") / "run"
    cluster.command(*SRUN, "train", f"--config={CONFIG}", f"--workdir={workdir}", "--config.seed=1")
    return workdir


def test_a_cycle_gan_of_two_processes_is_that_of_one_with_two_devices(cluster, of_two_processes, tmp_path):
    two_devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    words = (f"--config={CONFIG}", f"--workdir={tmp_path / 'alone'}", "--config.seed=1")
    cluster.launch("train", *words, **two_devices)
    assert_equal(of_two_processes, tmp_path / "alone", tolerance=1e-4)  # 40 steps against each other, of 2e-4 each
    lines = [line for line in read_history(of_two_processes) if line["kind"] == "train"]
    assert lines[-1]["step"] == STEPS
    assert {"loss.generator_back", "loss.discriminator", "accuracy_made.discriminator_back"} <= set(lines[-1])


def test_it_goes_on_from_the_middle_with_its_pools(cluster, of_two_processes, tmp_path):
    sweep = tmp_path / "sweep"
    cluster.sweep(CONFIG, sweep, processes_per_node=2)
    (run,) = (sweep / "runs").iterdir()
    cluster.hold(run, 15)
    cluster.command("scontrol", "requeue", read_state(run).job)
    cluster.wait_until_done(run)
    _, second = starts(run)
    assert 0 < second["step"] < STEPS
    assert_equal(run, of_two_processes)
