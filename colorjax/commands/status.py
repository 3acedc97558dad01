"""`launch.py status`: print a line for each run in a folder."""

import math
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from colorjax.metrics.info import MEASURES
from colorjax.pages.text import ignore_broken_pipe, text_table
from colorjax.runs.find import find_runs
from colorjax.runs.status import BEST, GOING_ON, RunStatus, run_status

REDRAW_SECONDS = 5
# If the screen is too small for all runs, those that may need an action are shown first.
_URGENCY = ("failed", "lost", "running", "stopped", "pruned", "waiting", "done")
_CLEAR = "\x1b[H\x1b[2J"


def main(workdir: Path, watch: bool = False) -> None:
    """Print the states of the runs in `workdir`; with `watch`, again and again until no run is waiting or running.

    Raises:
      UserError: there is no such folder, or no run in it.
    """
    with ignore_broken_pipe(), suppress(KeyboardInterrupt):
        while True:
            rows = [run_status(run) for run in find_runs(workdir)]
            _print(rows, watch)
            if not watch or not any(row.state in GOING_ON for row in rows):
                return
            time.sleep(REDRAW_SECONDS)


def _print(rows: Sequence[RunStatus], watch: bool) -> None:
    if not sys.stdout.isatty():
        print("\n".join(status_lines(rows)) + "\n" * watch, flush=True)
        return
    size = shutil.get_terminal_size()
    lines = status_lines(rows, size.lines - 1 if watch else None)
    print((_CLEAR if watch else "") + "\n".join(line[: size.columns] for line in lines), flush=True)


def status_lines(rows: Sequence[RunStatus], height: int | None = None) -> list[str]:
    """Return the lines of a table of the runs, with a last line that counts them.

    Args:
      rows: the status of each run.
      height: most lines to return; the least urgent runs are left out. None for no limit.
    """
    shown = list(rows)
    if height is not None and len(rows) > height - 2:
        urgent = sorted(rows, key=lambda row: _URGENCY.index(row.state))[: max(0, height - 3)]
        names = {row.name for row in urgent}
        shown = [row for row in rows if row.name in names]
    names = {row.name for row in shown}
    left_out = [row for row in rows if row.name not in names]
    more = [f"and {len(left_out)} more: {_counts(left_out)}"] if left_out else []
    header = ["run", "state", "step", "examples/s", f"best {MEASURES[BEST].title}", "at step", "left", "why"]
    cells = [_cells(row) for row in shown]
    # Columns that are empty for all runs are left out, to make room for the reasons in the last column.
    said = [i for i in range(len(header)) if header[i] == "why" or any(row[i] for row in cells)]
    table = text_table([header[i] for i in said], ([row[i] for i in said] for row in cells), left=2)
    return [*table, *more, _counts(rows)]


def duration(seconds: float) -> str:
    """Return a time as text in its largest units, such as '2 h 05 min'; '' for NaN."""
    if math.isnan(seconds):
        return ""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def _cells(row: RunStatus) -> list[str]:
    return [
        row.name,
        row.state,
        f"{row.step:,}/{'?' if row.steps is None else f'{row.steps:,}'}",
        "" if math.isnan(row.rate) else f"{row.rate:.3g}" if row.rate < 100 else f"{row.rate:,.0f}",
        "" if row.best_step is None else MEASURES[BEST].show(row.best),
        "" if row.best_step is None else f"{row.best_step:,}",
        duration(row.seconds_left),
        row.reason,
    ]


def _counts(rows: Iterable[RunStatus]) -> str:
    count = Counter(row.state for row in rows)
    return ", ".join(f"{count[state]} {state}" for state in sorted(count, key=_URGENCY[::-1].index))
