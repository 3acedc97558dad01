"""The page as a person meets it: its server over HTTP, and the page itself in Chromium. Loud where that can't be."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from needs import missing  # noqa: E402

SKIPPED = pytest.StashKey[str]()


@pytest.fixture(autouse=True, scope="session")
def _all_there(request):
    if reason := missing():
        request.config.stash[SKIPPED] = reason
        pytest.skip(reason)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server for the tests of a file."""
    from serving import running

    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


def pytest_terminal_summary(terminalreporter, config):
    if reason := config.stash.get(SKIPPED, ""):
        terminalreporter.section("THE PAGE WAS NOT TESTED", sep="!", red=True, bold=True)
        terminalreporter.write_line(f"The tests of the page were SKIPPED: {reason}", red=True, bold=True)
