"""The folder of a sweep: a snapshot of the code, `sweep.json`, and a folder with the resolved config for each run.

`sweep.json` has an entry for each start: the time, the command line, the snapshot, and the runs with their job numbers
at Slurm.
"""

import json
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from colorjax.config.serialization import to_plain
from colorjax.errors import UserError
from colorjax.pages.text import text_table
from colorjax.runs.files import read_json
from colorjax.runs.run_state import read_state, wait_in_queue
from colorjax.runtime.atomic import write_atomically
from colorjax.sweeps.names import short_keys, value_text, varying_keys
from colorjax.sweeps.plan import PlannedRun
from colorjax.sweeps.slurm import in_queue


def skip_reason(run: PlannedRun, sweep: Path) -> str:
    """Return why a run must not be started ('done', 'running', or the job that it waits in); '' if it can be."""
    state = read_state(run.directory)
    if state is None or state.state not in ("done", "running", "waiting"):
        return ""
    if state.state != "waiting":
        return state.state
    job = next((start["jobs"][run.name] for start in reversed(_starts(sweep)) if run.name in start["jobs"]), "")
    return f"in the queue, job {job}" if job and in_queue(job) else ""


def make_run(directory: Path, config: ConfigDict) -> bool:
    """Make the folder of a run, with its config and the state 'waiting'; return False if a process works on the run.

    An existing config is replaced. It can differ only in keys that change no result.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if not wait_in_queue(directory):
        return False
    write_atomically(directory / "config.json", json.dumps(to_plain(config), indent=2) + "\n")
    return True


def require_kind(workdir: Path, kind: str) -> None:
    """Check that `workdir` is new, or the folder of a `kind`: 'sweep' or 'search'.

    Raises:
      UserError: it is the folder of a run, or of the other kind.
    """
    other = "run" if (workdir / "config.json").exists() else None
    if (workdir / "search.json").exists():
        other = "search"
    elif (workdir / "sweep.json").exists():
        other = "sweep"
    if other not in (None, kind):
        raise UserError(f"--workdir={workdir} is the folder of a {other}; use another for this {kind}")


def note_jobs(sweep: Path, executor: str, code: Path, jobs: Mapping[str, str]) -> None:
    """Record a start of jobs in `sweep.json`.

    Args:
      sweep: the sweep's folder.
      executor: 'local' or 'slurm'.
      code: the folder of the snapshot.
      jobs: name of the run -> job number at Slurm, or ''.
    """
    start = {
        "time": time.strftime("%Y-%m-%d %H:%M:%S"),
        "command": shlex.join(sys.argv),
        "executor": executor,
        "code": code.name,
        "jobs": dict(jobs),
    }
    write_atomically(sweep / "sweep.json", json.dumps([*_starts(sweep), start], indent=2) + "\n")


def listing(runs: Sequence[PlannedRun], reasons: Sequence[str]) -> list[str]:
    """Return the lines of a table with one run per line: its name, the settings that differ, and its state.

    Args:
      runs: of the sweep.
      reasons: `skip_reason` of each run.
    """
    keys = varying_keys([run.changes for run in runs])
    header = ["run", *short_keys(keys).values(), ""]
    rows = [
        [run.name, *(value_text(run.changes.get(key, "")) for key in keys), stands or "to run"]
        for run, stands in zip(runs, reasons, strict=True)
    ]
    return text_table(header, rows, left=len(header))


def _starts(sweep: Path) -> list[dict[str, Any]]:
    path = sweep / "sweep.json"
    return read_json(path, list) if path.exists() else []
