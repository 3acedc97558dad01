"""Infer from a run's log why it ended, for a run that was killed before it could record a reason.

The logs of a sweep are in SWEEP/logs. A run on this machine writes NAME.log. A run on Slurm writes JOB_TASK_log.err;
its job number is in SWEEP/sweep.json.
"""

import functools
import itertools
import re
from pathlib import Path

from colorjax.errors import UserError
from colorjax.runs.files import read_json
from colorjax.runs.find import FoundRun

_TAIL = 32_768  # bytes of a log that are read
_NEAR_THE_END = 20  # last lines to search for an error; the lines after an error often only report further stops
# A progress bar, and lines that only underline.
_IDLE = re.compile(r"\d+%\||\d+\.?\d*(it|step|s)/(s|it|step)\b|^[-=~^*#\s]+$")
_COMPLAINT = re.compile(
    r"error\b|exception\b|fatal|kill|out of memory|cancelled|time limit|fault|core dumped|no space|not found|no such|"
    r"denied",
    re.IGNORECASE,
)


def failure_reason(run: FoundRun, job: str) -> str:
    """Return the line of a run's log that most likely says why it ended; '' without a log.

    Args:
      run: a run in the folder SWEEP/runs/NAME.
      job: Slurm's number of its job, such as '12_3'; '' if the run was no job of Slurm or its number is unknown.
    """
    return _last_words(_lines(run, job, 0.0))


def failure_reason_in_log(log: Path) -> str:
    """Return the line of a log that most likely says why its process ended; '' for an empty log."""
    return _last_words(_lines_of(log))


def error_line(run: FoundRun, job: str, since: float) -> str:
    """Return the last line of a run's log that looks like an error; '' if there is none.

    Args:
      run: as in `failure_reason`.
      job: as in `failure_reason`.
      since: seconds since 1970; older logs are ignored.
    """
    return next(iter(_complaints(_lines(run, job, since))), "")


def _last_words(lines: list[str]) -> str:
    return next(iter(_complaints(lines)), lines[-1] if lines else "")


def _complaints(lines: list[str]) -> list[str]:
    """Return the lines that look like errors, the last one first."""
    return [line for line in reversed(lines[-_NEAR_THE_END:]) if _COMPLAINT.search(line)]


def _lines(run: FoundRun, job: str, since: float) -> list[str]:
    """Return the last lines of the newest log that has any, without progress bars and underlines."""
    changed = {log: log.stat().st_mtime for log in _logs(run, job)}
    for log in sorted((log for log in changed if changed[log] >= since), key=changed.get, reverse=True):
        if lines := _lines_of(log):
            return lines
    return []


def _lines_of(log: Path) -> list[str]:
    lines = [line.strip() for line in re.split(r"[\r\n]+", _tail(log))]
    return [line for line in lines if line and not _IDLE.search(line)]


def _logs(run: FoundRun, job: str) -> list[Path]:
    path = run.path.absolute()
    for sweep in path.parents:
        if (sweep / "runs") in path.parents and (sweep / "logs").is_dir():
            name = str(path.relative_to(sweep / "runs"))
            job = job or _job_of(sweep, name)
            if not job:
                own = sweep / "logs" / f"{name}.log"
                return [own] if own.is_file() else []
            tasks = (sweep / "logs" / f"{job}_{task}_log.err" for task in itertools.count())
            return list(itertools.takewhile(Path.is_file, tasks))
    return []


def _job_of(sweep: Path, name: str) -> str:
    path = sweep / "sweep.json"
    return _jobs(path, path.stat().st_mtime_ns).get(name, "") if path.exists() else ""


@functools.lru_cache(maxsize=1)
def _jobs(path: Path, changed: int) -> dict[str, str]:
    """Return the Slurm number of each run's latest job; `changed` is the file's modification time in ns."""
    del changed  # a key of the cache: all runs of a sweep read this file, and a replaced file must be read again
    try:
        starts = read_json(path, list)
    except UserError:  # a damaged file loses only the job numbers; the rest of the status can still be shown
        return {}
    return {name: job for start in starts for name, job in start["jobs"].items()}


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read().decode(errors="replace")
