"""What the log of a run says last: why a run ended that had no time to say so itself.

A sweep's logs are in SWEEP/logs: NAME.log of a run on this machine, JOB_TASK_log.err of one of Slurm's, whose number is
in SWEEP/sweep.json.
"""

import functools
import itertools
import re
from pathlib import Path

from colorjax.errors import UserError
from colorjax.runs.files import read_json
from colorjax.runs.find import FoundRun

_TAIL = 32_768  # bytes of a log that are read
_NEAR_THE_END = 20  # lines among which a error_line is looked for; after one, others often say only that they stop too
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
      run: whose folder is SWEEP/runs/NAME.
      job: Slurm's number of its job, such as '12_3'; '' where it was none, or is not known.
    """
    return _last_words(_lines(run, job, 0.0))


def failure_reason_in_log(log: Path) -> str:
    """Return the same of a log; '' for an empty one."""
    return _last_words(_lines_of(log))


def error_line(run: FoundRun, job: str, since: float) -> str:
    """Return the line of a run's log that looks like the reason of an end; '' without one.

    Args:
      run: as in `failure_reason`.
      job: the same.
      since: seconds since 1970; a log that is older says nothing.
    """
    return next(iter(_complaints(_lines(run, job, since))), "")


def _last_words(lines: list[str]) -> str:
    return next(iter(_complaints(lines)), lines[-1] if lines else "")


def _complaints(lines: list[str]) -> list[str]:
    """Return the lines that look like reasons, the last one first."""
    return [line for line in reversed(lines[-_NEAR_THE_END:]) if _COMPLAINT.search(line)]


def _lines(run: FoundRun, job: str, since: float) -> list[str]:
    """Return the last lines that mean anything of the log that was written to last."""
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
    """Return the number at Slurm of each run's latest job; `changed` is when the file was."""
    del changed  # for the cache alone: all runs of a sweep ask, and a file that was replaced is read again
    try:
        starts = read_json(path, list)
    except UserError:  # the numbers are lost; what else is known of the runs is not
        return {}
    return {name: job for start in starts for name, job in start["jobs"].items()}


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read().decode(errors="replace")
