"""The state of a run, `state.json` in its folder, with a heartbeat that other processes can check.

The training process writes the file. One of its threads renews the time in it every few seconds, also while the
training compiles or validates. If the time gets old, the run was killed; this works for runs on other machines too.
"""

import dataclasses
import json
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from colorjax.errors import ColorjaxError, Interrupted, Pruned, UserError
from colorjax.runs.files import file_lock
from colorjax.runtime.atomic import write_atomically

BEAT_SECONDS = 10
_LOCK, _LOCK_SECONDS = ".state.lock", 5
SILENT_SECONDS = 60  # without a beat the run counts as dead; long enough for differing clocks and slow file systems
STATES = ("waiting", "running", "done", "stopped", "pruned", "failed")  # the states that `state.json` may hold


@dataclasses.dataclass(frozen=True)
class RunState:
    """The state of a run.

    Attributes:
      state: 'waiting' (in a queue), 'running', 'done', 'stopped' (by a signal; can continue from its checkpoint),
        'pruned' (by a search) or 'failed'. `read_state` may also return 'lost': the file says 'running', but its
        heartbeat has stopped.
      reason: one line, for states that need a reason.
      host, pid: the machine and the process.
      job: Slurm's number of the job, such as '12_3'; '' outside of Slurm.
      started, beat: times of the start and of the last heartbeat, in seconds since 1970.
    """

    state: str
    reason: str = ""
    host: str = ""
    pid: int = 0
    job: str = ""
    started: float = 0.0
    beat: float = 0.0


def read_state(workdir: Path) -> RunState | None:
    """Return the state of the run in `workdir`; None if nothing was ever started, or the file is damaged."""
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
    """Write the state of the run in `workdir`."""
    write_atomically(workdir / "state.json", json.dumps(dataclasses.asdict(state), indent=2) + "\n")


def wait_in_queue(workdir: Path) -> bool:
    """Write the state 'waiting' for the run in `workdir`, unless a process works on it; return whether it was written.

    The caller must have made the folder.
    """
    with file_lock(workdir / _LOCK, _LOCK_SECONDS):
        state = read_state(workdir)
        if state and state.state == "running":
            return False
        write_state(workdir, RunState("waiting"))
        return True


def slurm_job() -> str:
    """Return the number of this process's Slurm job in the form that `scontrol` takes; '' outside of a job."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID", "")


class Heartbeat:
    """A context that keeps the state 'running' in `workdir/state.json`, and at its end writes how the run ended.

    Raises:
      UserError: on entering, if another process works in this folder.
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
            # A requeued job keeps its number. Its earlier process is gone, even if its last heartbeat is recent.
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
        self._end_beat()
        if kind is None:
            write_state(self._workdir, dataclasses.replace(self._state, state="done", beat=time.time()))
            return
        ends = {Interrupted: "stopped", KeyboardInterrupt: "stopped", Pruned: "pruned"}
        state = next((state for error_kind, state in ends.items() if issubclass(kind, error_kind)), "failed")
        self._try_to_write(state=state, reason=_line(error))

    def fail(self, reason: str) -> None:
        """Write the state 'failed', for a process that is about to end without leaving the context."""
        self._end_beat()
        self._try_to_write(state="failed", reason=reason)

    def _beat(self):
        while not self._ended.wait(BEAT_SECONDS):
            self._try_to_write()

    def _end_beat(self):
        self._ended.set()
        self._thread.join()

    def _try_to_write(self, **changes: str):
        """Write the state with a new time, unless the disk is full: the next beat, or the next start, may succeed."""
        with suppress(OSError):
            write_state(self._workdir, dataclasses.replace(self._state, beat=time.time(), **changes))


def alive(state: RunState) -> bool:
    """Whether the process that wrote this state still exists.

    A process on another machine counts as alive as long as its heartbeat is recent.
    """
    if time.time() - state.beat > SILENT_SECONDS:
        return False
    if state.host != socket.gethostname():
        return True
    try:
        os.kill(state.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # the process exists, and belongs to another user
    return True


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    first = text[0] if text else ""
    return first if isinstance(error, ColorjaxError) else f"{type(error).__name__}: {first}".rstrip(": ")
