"""One Slurm for all tests of this folder, and a loud word where the machine can't have it."""

from pathlib import Path

import pytest
from one_node_slurm import SlurmUnavailableError, running
from runs_on_slurm import Cluster

SKIPPED = pytest.StashKey[str]()
CONFIG = "tests/cluster/small_colorizer.py"


@pytest.fixture(scope="session")
def cluster(request, tmp_path_factory):
    """A cluster of one node, on which the photographs are prepared."""
    folder = tmp_path_factory.mktemp("cluster")
    try:
        with running() as environment:
            started = Cluster.among(environment, folder)
            started.launch("prepare", f"--config={CONFIG}")
            yield started
    except SlurmUnavailableError as error:
        request.config.stash[SKIPPED] = str(error)
        pytest.skip(f"no Slurm: {error}")


@pytest.fixture(scope="session")
def uninterrupted(cluster, tmp_path_factory) -> Path:
    """The folder of the run in small_colorizer's sweep, trained here, in one go, without Slurm."""
    workdir = tmp_path_factory.mktemp("uninterrupted") / "run"
    cluster.launch("train", f"--config={CONFIG}", f"--workdir={workdir}", "--config.seed=1")
    return workdir


@pytest.fixture(autouse=True)
def _nothing_left_in_the_queue(request):
    yield
    if "cluster" in request.fixturenames and SKIPPED not in request.config.stash:
        request.getfixturevalue("cluster").cancel_all()


def pytest_terminal_summary(terminalreporter, config):
    if reason := config.stash.get(SKIPPED, ""):
        terminalreporter.section("NOT TESTED ON SLURM", sep="!", red=True, bold=True)
        terminalreporter.write_line(f"The cluster tests were SKIPPED: {reason}", red=True, bold=True)
