"""Run jobs on this machine, several at a time, each with its own GPUs or its own share of the cores."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from colorjax.errors import Interrupted, UserError
from colorjax.runs.failure_reason import failure_reason_in_log
from colorjax.runs.run_state import read_state, write_state
from colorjax.sweeps.jobs import Job

_POLL_SECONDS = 0.5
_STOPPED = Interrupted.exit_status
# A program that receives the cores and the job's words. A function called between fork and exec could do the same, but
# is not safe in a process with threads.
_PINNED = """
import os, sys
os.sched_setaffinity(0, map(int, sys.argv[1].split(",")))
os.execvp(sys.argv[2], sys.argv[2:])
"""


@dataclasses.dataclass(frozen=True)
class Share:
    """A job's share of this machine.

    Attributes:
      before: words to put before the job's own command line.
      environment: environment variables to set.
    """

    before: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


def shares(count: int) -> list[Share]:
    """Return the shares of this machine for `count` jobs at a time.

    GPUs are divided if there are any, otherwise cores. All shares are equal; left-over GPUs or cores stay idle.

    Raises:
      UserError: there are fewer GPUs or cores than `count`, or `count` is below 1.
    """
    if count < 1:
        raise UserError(f"--jobs={count}: must be 1 or more")
    gpus = _gpus()
    parts, kind = (gpus, "GPU(s)") if gpus else (_cores(), "core(s)")
    if count > len(parts):
        raise UserError(f"--jobs={count}: this machine has {len(parts)} {kind}, so at most as many runs at a time")
    size = len(parts) // count
    mine = [parts[size * i : size * (i + 1)] for i in range(count)]
    if gpus:
        return [Share(environment={"CUDA_VISIBLE_DEVICES": ",".join(part)}) for part in mine]
    if count == 1 or not hasattr(os, "sched_setaffinity"):
        return [Share() for _ in mine]
    return [Share(before=(sys.executable, "-c", _PINNED, ",".join(map(str, part)))) for part in mine]


class Progress(NamedTuple):
    """What the progress bar shows.

    Attributes:
      total: the number at the end.
      unit: what is counted, such as 'step'.
      done: returns the present number.
    """

    total: int
    unit: str
    done: Callable[[], int]


def run_jobs(jobs: Sequence[Job], count: int, logs: Path, say: Callable[[str], None], progress: Progress) -> int:
    """Run `jobs`, `count` at a time; return how many failed.

    If a job fails, the others continue. A signal to stop is passed on to the running jobs, which write their
    checkpoints.

    Args:
      jobs: to run, in this order.
      count: how many at a time.
      logs: folder for the output of each job, as NAME.log.
      say: called with a line about each job that has ended.
      progress: what the progress bar shows.

    Raises:
      UserError: as `shares`.
      Interrupted: a signal came, and the jobs have stopped.
    """
    logs.mkdir(parents=True, exist_ok=True)
    free, waiting, running, ended, failed = shares(count), list(jobs), {}, 0, 0
    with _noted_signals() as received, _bar(progress) as bar, _none_left_alone(running):
        while (running or waiting) and not received:
            while free and waiting:
                job, share = waiting.pop(0), free.pop(0)
                running[job] = (_start(job, share, logs), share)
            for job, (process, share) in list(running.items()):
                if process.poll() is not None:
                    del running[job]
                    free.append(share)
                    ended += 1
                    line = _outcome(job, process.returncode, logs)
                    failed += line.startswith("failed")
                    say(line)
            bar.n = progress.done()
            counts = f"{ended - failed} done, {failed} failed, of {len(jobs)}"
            bar.set_postfix_str(f"{counts}; running {', '.join(job.name for job in running)}", refresh=False)
            bar.update(0)
            time.sleep(_POLL_SECONDS)
        if running or waiting:
            _stop([process for process, _ in running.values()], received)
            for job in (*running, *waiting):
                _set_state(job, "stopped", f"{received[0]} before its training began")
            raise Interrupted(f"{received[0]}: stopped; the same command goes on", received[0])
    return failed


@contextmanager
def _none_left_alone(running: Mapping[Job, tuple[subprocess.Popen, Share]]) -> Iterator[None]:
    """Within this context, an error such as that of a full disk first stops the jobs that are running."""
    try:
        yield
    except OSError:
        _stop([process for process, _ in running.values()], [])
        raise


def _stop(processes: Sequence[subprocess.Popen], received: Sequence[str]) -> None:
    """Stop the processes after they have written their checkpoints; a second Ctrl-C kills them at once."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    while any(process.poll() is None for process in processes):
        if "SIGINT" in received[1:]:
            for process in processes:
                process.kill()
        time.sleep(_POLL_SECONDS)


def _set_state(job: Job, state: str, reason: str) -> None:
    """Write the state of a run that ended without writing it; a state that the run itself wrote is kept."""
    known = read_state(job.directory)
    if known and known.state in ("waiting", "lost"):
        with suppress(OSError):  # a full disk, which may be why the run failed
            write_state(job.directory, dataclasses.replace(known, state=state, reason=reason))


def _gpus() -> list[str]:
    """Return the GPUs that this process may use, as CUDA names them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name.strip() not in ("", "-1")]
    if not shutil.which("nvidia-smi"):
        return []
    asked = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)
    count = len(asked.stdout.splitlines()) if asked.returncode == 0 else 0
    return [str(index) for index in range(count)]


def _cores() -> list[int]:
    """Return the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def _start(job: Job, share: Share, logs: Path) -> subprocess.Popen:
    with (logs / f"{job.name}.log").open("a") as log:
        # In its own session, so that Ctrl-C at the terminal does not reach it directly, but only once through `_stop`.
        words = (*share.before, *job.words)
        environment = os.environ | share.environment
        return subprocess.Popen(
            words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, env=environment
        )


def _outcome(job: Job, status: int, logs: Path) -> str:
    if status == 0:
        return f"done     {job.name}"
    if status == _STOPPED:
        return f"stopped  {job.name}: the same command goes on with it"
    log = logs / f"{job.name}.log"
    how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
    words = failure_reason_in_log(log)
    _set_state(job, "failed", f"{how}{f', {words}' if words else ''}")
    state = read_state(job.directory)
    if state and state.state == "running":
        return f"left     {job.name}: process {state.pid} on {state.host} is at work on it"
    if state and state.state == "failed":
        return f"failed   {job.name}: {state.reason}"
    return f"failed   {job.name}: {how}{f', {words}' if words else ''} ({log})"


@contextmanager
def _noted_signals() -> Iterator[list[str]]:
    """Yield a list that receives the names of signals to stop; within this context they have no other effect."""
    received = []

    def note(number, _frame):
        received.append(signal.Signals(number).name)

    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        numbers.append(signal.SIGHUP)  # the terminal was closed
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bar(progress: Progress) -> tqdm:
    # Without a terminal, each update of the bar adds a line to a file.
    interval = 0.2 if sys.stderr.isatty() else 30
    return tqdm(total=progress.total, initial=progress.done(), unit=progress.unit, mininterval=interval)
