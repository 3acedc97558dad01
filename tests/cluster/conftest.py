"""One Slurm for all tests of this folder, and a loud word where the machine can't have it."""

import pytest
from one_node_slurm import SlurmUnavailableError, running

SKIPPED = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def slurm(request):
    """The environment in which Slurm's commands reach the tests' own Slurm."""
    try:
        with running() as environment:
            yield environment
    except SlurmUnavailableError as error:
        request.config.stash[SKIPPED] = str(error)
        pytest.skip(f"no Slurm: {error}")


def pytest_terminal_summary(terminalreporter, config):
    if reason := config.stash.get(SKIPPED, ""):
        terminalreporter.section("NOT TESTED ON SLURM", sep="!", red=True, bold=True)
        terminalreporter.write_line(f"The cluster tests were SKIPPED: {reason}", red=True, bold=True)
