"""Signs of life: `state.json` in a run's folder, by which others know how it stands.

The process that trains writes it, and a thread of it renews the time in it every few seconds, whatever the training is
at (compiling, validating). So a run that was killed is known by its silence, on whatever machine it was.
"""

import dataclasses
import json
import os
import socket
import threading
import time
from pathlib import Path

from colorjax.errors import ColorjaxError, Interrupted, Pruned, UserError
from colorjax.runs.files import file_lock, write_atomically

BEAT_SECONDS = 10
_LOCK, _LOCK_SECONDS = ".state.lock", 5
SILENT_SECONDS = 60  # without a beat: dead. Long enough for clocks that differ and file systems that are slow.
STATES = ("waiting", "running", "done", "stopped", "pruned", "failed")  # that a run's file may name


@dataclasses.dataclass(frozen=True)
class RunState:
    """How a run stands.

    Attributes:
      state: 'waiting' (in a queue), 'running', 'done', 'stopped' (by a signal; goes on from its checkpoint), 'pruned'
        (by a search), 'failed'; and as `read_state` returns it also 'lost' (says that it runs, and is silent).
      reason: of a state that needs one, a line.
      host, pid: of the process.
      job: Slurm's number of the job, such as '12_3'; '' elsewhere.
      started, beat: seconds since 1970, of the start and of the last sign of life.
    """

    state: str
    reason: str = ""
    host: str = ""
    pid: int = 0
    job: str = ""
    started: float = 0.0
    beat: float = 0.0


def read_state(workdir: Path) -> RunState | None:
    """Return how the run in `workdir` stands; None where nothing was ever started, or no one can tell."""
    try:
        fields = json.loads((workdir / "state.json").read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(fields, dict) or fields.get("state") not in STATES:
        return None
    known = {field.name for field in dataclasses.fields(RunState)}
    state = RunState(**{key: value for key, value in fields.items() if key in known})
    if state.state == "running" and not alive(state):
        silence = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(state.beat))
        return dataclasses.replace(state, state="lost", reason=f"no sign of life since {silence} ({state.host})")
    return state


def write_state(workdir: Path, state: RunState) -> None:
    """Write how the run in `workdir` stands."""
    write_atomically(workdir / "state.json", json.dumps(dataclasses.asdict(state), indent=2) + "\n")


def wait_in_queue(workdir: Path) -> bool:
    """Write that the run in `workdir` waits for its start, unless a process is at work on it; return whether it was."""
    with file_lock(workdir / _LOCK, _LOCK_SECONDS):
        state = read_state(workdir)
        if state and state.state == "running":
            return False
        write_state(workdir, RunState("waiting"))
        return True


def slurm_job() -> str:
    """Return the number of the Slurm job that this process is in, as `scontrol` takes it; '' outside of one."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID", "")


class Heartbeat:
    """A context in which `workdir/state.json` says 'running'; afterwards it says how that ended.

    Raises:
      UserError: another process is at work in this folder.
    """

    def __init__(self, workdir: Path):
        self._workdir = workdir
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        now = time.time()
        self._state = RunState("running", "", socket.gethostname(), os.getpid(), slurm_job(), now, now)

    def __enter__(self):
        with file_lock(self._workdir / _LOCK, _LOCK_SECONDS):
            other = read_state(self._workdir)
            # A job that Slurm has put back into its queue is the same job: what it was before is gone, however fresh
            # its last sign.
            ours = other and (
                (other.host, other.pid) == (self._state.host, self._state.pid) or other.job == self._state.job != ""
            )
            if other and other.state == "running" and not ours:
                who = f"process {other.pid} on {other.host}"
                raise UserError(f"{self._workdir} is being trained by {who}; wait for its end, or stop it")
            write_state(self._workdir, self._state)
        self._thread.start()
        return self

    def __exit__(self, kind, error, _):
        self._ended.set()
        self._thread.join()
        if kind is None:
            write_state(self._workdir, dataclasses.replace(self._state, state="done", beat=time.time()))
            return
        ends = {Interrupted: "stopped", KeyboardInterrupt: "stopped", Pruned: "pruned"}
        state = next((state for error_kind, state in ends.items() if issubclass(kind, error_kind)), "failed")
        write_state(self._workdir, dataclasses.replace(self._state, state=state, reason=_line(error), beat=time.time()))

    def fail(self, reason: str) -> None:
        """Write that the run has failed, when this process is about to end without leaving the context."""
        self._ended.set()
        self._thread.join()
        write_state(self._workdir, dataclasses.replace(self._state, state="failed", reason=reason, beat=time.time()))

    def _beat(self):
        while not self._ended.wait(BEAT_SECONDS):
            write_state(self._workdir, dataclasses.replace(self._state, beat=time.time()))


def alive(state: RunState) -> bool:
    """Whether the process that wrote this is still there, as far as can be told from here."""
    if time.time() - state.beat > SILENT_SECONDS:
        return False
    if state.host != socket.gethostname():
        return True
    try:
        os.kill(state.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's process, so there is one
    return True


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    first = text[0] if text else ""
    return first if isinstance(error, ColorjaxError) else f"{type(error).__name__}: {first}".rstrip(": ")
