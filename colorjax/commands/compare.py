"""`launch.py compare`: compare the runs in a folder, as tables and as a page."""

from pathlib import Path

from colorjax.comparison.report import report
from colorjax.comparison.results import compare
from colorjax.comparison.tables import markdown, write_files
from colorjax.errors import DiskError
from colorjax.pages.text import ignore_broken_pipe
from colorjax.runs.find import find_runs
from colorjax.runtime.atomic import write_atomically


def main(workdir: Path, metric: str = "psnr", by: str | None = None) -> None:
    """Compare the runs in `workdir`, print the table and write compare.md, compare.csv, runs.csv and compare.html.

    Raises:
      UserError: the folder has no run, or there is no such setting or metric.
      DiskError: the folder can't be written; the table is printed nevertheless.
    """
    comparison = compare(f"Runs in {workdir.absolute().name}", find_runs(workdir), metric, by)
    page = report(comparison)
    with ignore_broken_pipe():
        print(markdown(comparison, whole=False))
    try:
        write_files(comparison, workdir)
        write_atomically(workdir / "compare.html", page)
    except OSError as error:
        raise DiskError(
            f"--workdir={workdir}: can't be written ({error.strerror or error}); the table is above, its files and the "
            "page are not written"
        ) from None
    with ignore_broken_pipe():
        print(f"report: {workdir / 'compare.html'}")
