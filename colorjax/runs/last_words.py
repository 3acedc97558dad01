"""What the log of a run says last: why a run ended that had no time to say so itself."""

import re
from pathlib import Path

from colorjax.runs.find import FoundRun

_TAIL = 32_768  # bytes of a log that are read
_NEAR_THE_END = 20  # lines among which a complaint is looked for; after one, others often say only that they stop too
# A progress bar, and the last words of a traceback that are not its reason.
_IDLE = re.compile(r"\d+%\||\d+\.?\d*(it|step|s)/(s|it|step)\b|^[-=~^*#\s]+$")
_COMPLAINT = re.compile(
    r"error\b|exception\b|fatal|kill|out of memory|cancelled|time limit|fault|core dumped|no space|not found|no such|"
    r"denied",
    re.IGNORECASE,
)


def last_words(run: FoundRun, job: str) -> str:
    """Return the line of a run's log that most likely says why it ended; '' without a log.

    A sweep's logs are in SWEEP/logs: NAME.log of a run on this machine, JOB_TASK_log.err of one of Slurm's.

    Args:
      run: whose folder is SWEEP/runs/NAME.
      job: Slurm's number of its job, such as '12_3'; '' where it was none.
    """
    logs = _logs(run, job)
    for log in sorted(logs, key=lambda path: path.stat().st_mtime, reverse=True):
        lines = [line.strip() for line in re.split(r"[\r\n]+", _tail(log))]
        lines = [line for line in lines if line and not _IDLE.search(line)]
        complaints = [line for line in lines[-_NEAR_THE_END:] if _COMPLAINT.search(line)]
        if lines:
            return (complaints or lines)[-1]
    return ""


def _logs(run: FoundRun, job: str) -> list[Path]:
    path = run.path.absolute()
    for sweep in path.parents:
        if (sweep / "runs") in path.parents and (sweep / "logs").is_dir():
            own = sweep / "logs" / f"{path.relative_to(sweep / 'runs')}.log"
            return list((sweep / "logs").glob(f"{job}_*_log.err")) if job else [own] if own.is_file() else []
    return []


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read().decode(errors="replace")
