"""The page as a person meets it: its server over HTTP, and the page itself in Chromium. Loud where that can't be."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from needs import CHROMIUM, missing  # noqa: E402

LIMITED = """
from colorjax.page.limits import Limits
from colorjax.page.server import serve
if __name__ == "__main__":
    serve("127.0.0.1", 0, limits=Limits(upload=100_000, pixels=20_000, pictures=3, idle=4.0, unwatched=1.0))
"""

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


@pytest.fixture(scope="session")
def chromium():
    """A browser for all tests; each has its own windows in it."""
    from browsing import FLAGS
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, CHROMIUM)))
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, request):
    """A function that opens the page in a browser of its own; in the end nothing may have gone wrong in any.

    `allowed` is in those lines of the console that may be there.
    """
    from serving import LONG

    contexts, wrong = [], []

    def opened(context=None, address="", allowed="", **settings):
        address = address or request.getfixturevalue("server").address
        if context is None:
            context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}} | settings)
            context.set_default_timeout(LONG * 1000)
            contexts.append(context)
        page = context.new_page()

        def listen(message):
            # Chromium itself tells of every refusal.
            if message.type in ("error", "warning") and not (allowed and allowed in message.text):
                wrong.append(message.text)

        page.on("console", listen)
        page.on("pageerror", lambda error: wrong.append(str(error)))

        def look(request):
            if not request.url.startswith((address, "blob:", "data:")):
                wrong.append(f"a request to {request.url}")

        page.on("request", look)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def with_folders(tmp_path_factory):
    """A server with a folder of references and one of runs."""
    import photographs
    from serving import running
    from support.runs import make_run, train, validation

    folder = tmp_path_factory.mktemp("folders")
    (folder / "references").mkdir()
    for number, (width, height) in enumerate([(96, 96), (128, 96), (160, 96)]):
        (folder / "references" / f"color-{number}.png").write_bytes(photographs.color_png(width, height))
    history = [train(10), validation(20, 25.5)]
    make_run(folder / "runs" / "good", history=history)
    make_run(folder / "runs" / "bad", state="failed", reason="the disk was full")
    (folder / "runs" / "report.html").write_text("<!doctype html><title>Report</title><h1>All of it</h1>")
    (folder / "secret.html").write_text("secret")
    (folder / "runs" / "compare.html").symlink_to(folder / "secret.html")
    words = (f"--references={folder / 'references'}", f"--runs={folder / 'runs'}")
    with running(folder, *words) as started:
        yield started


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    """A server with low limits; `folder` is where its temporary files are."""
    from serving import running

    folder = tmp_path_factory.mktemp("limited")
    script = folder / "limited.py"
    script.write_text(LIMITED)
    with running(folder, script=f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')") as started:
        started.folder = folder
        yield started


def pytest_terminal_summary(terminalreporter, config):
    if reason := config.stash.get(SKIPPED, ""):
        terminalreporter.section("THE PAGE WAS NOT TESTED", sep="!", red=True, bold=True)
        terminalreporter.write_line(f"The tests of the page were SKIPPED: {reason}", red=True, bold=True)
