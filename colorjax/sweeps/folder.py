"""A sweep's folder: a snapshot of the code, a folder a run with its resolved config, and `sweep.json`.

`sweep.json` has an entry for each time that runs were started: when, by which command line, from which snapshot, and
which runs, with their numbers at Slurm.
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
from colorjax.runs.files import read_json, write_atomically
from colorjax.runs.run_state import read_state, wait_in_queue
from colorjax.sweeps.names import short_keys, value_text, varying_keys
from colorjax.sweeps.plan import PlannedRun
from colorjax.sweeps.slurm import in_queue


def skip_reason(run: PlannedRun, sweep: Path) -> str:
    """Return why a run is not to be started: 'done', 'running' or where it waits; '' if it is."""
    state = read_state(run.directory)
    if state is None or state.state not in ("done", "running", "waiting"):
        return ""
    if state.state != "waiting":
        return state.state
    job = next((start["jobs"][run.name] for start in reversed(_starts(sweep)) if run.name in start["jobs"]), "")
    return f"in the queue, job {job}" if job and in_queue(job) else ""


def make_run(directory: Path, config: ConfigDict) -> bool:
    """Make the folder of a run that waits for its start, its config in it; False if a process is at work in it.

    A config that is there is the same but for keys that change no result, and the new one counts.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if not wait_in_queue(directory):
        return False
    write_atomically(directory / "config.json", json.dumps(to_plain(config), indent=2) + "\n")
    return True


def require_kind(workdir: Path, kind: str) -> None:
    """Raise a `UserError` where `workdir` is that of something else than a `kind`, 'sweep' or 'search'."""
    other = "run" if (workdir / "config.json").exists() else None
    if (workdir / "search.json").exists():
        other = "search"
    elif (workdir / "sweep.json").exists():
        other = "sweep"
    if other not in (None, kind):
        raise UserError(f"--workdir={workdir} is the folder of a {other}; use another for this {kind}")


def note_jobs(sweep: Path, executor: str, code: Path, jobs: Mapping[str, str]) -> None:
    """Note in `sweep.json` that jobs were started.

    Args:
      sweep: the sweep's folder.
      executor: 'local' or 'slurm'.
      code: the snapshot.
      jobs: by name of the run, the number at Slurm or ''.
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
    """Return a table, a line a run under one of headings: its name, the settings that differ, and how it stands."""
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
