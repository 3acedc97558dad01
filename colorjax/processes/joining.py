"""How processes find each other: under `srun` automatically, elsewhere by the address of a coordinator."""

import os
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from colorjax.errors import ColorjaxError, Interrupted, UserError
from colorjax.processes.coordinator import GATHER_SECONDS, HEARTBEAT_SECONDS, Coordinator
from colorjax.processes.exchange import gather, wait_for_all
from colorjax.processes.group import GROUP, own_name
from colorjax.processes.jax_private import Store, enter_group, leave_group, new_client
from colorjax.processes.watch import SILENT_SECONDS, Watch

_REACH_SECONDS = 60  # time for the coordinator to answer
_QUIET_SECONDS = 10  # time to wait for the other processes before a message is printed
_LINGER_SECONDS = SILENT_SECONDS + 10  # a coordinator outlives a dead process 0 until the others have noticed


class Place(NamedTuple):
    """The place of a process in its group.

    Attributes:
      host: the machine of the coordinator.
      port: of the coordinator.
      index: of the process, from 0 on.
      count: number of processes.
      local_devices: numbers of the devices of this machine that the process uses; None for all visible ones.
    """

    host: str
    port: int
    index: int
    count: int
    local_devices: tuple[int, ...] | None = None


class _Stopped(ColorjaxError):  # noqa: N818 - it is a request, not a fault
    """Ctrl-C while there is nothing to save; handled as in a single process."""

    exit_status = 130  # the status that a shell reports for a program ended by SIGINT

    def __init__(self):
        super().__init__("stopped (Ctrl-C)")


@contextmanager
def process_group(
    prefix: str, coordinator: str = "", processes: int | None = None, process: int | None = None
) -> Iterator[None]:
    """Join the group of processes for the body, if this process was started as one of several.

    At the end of the body the processes wait for each other. An exception in one process ends all of them: each process
    exits inside this context, with the exit status of the first that failed and a line that names it. Two cases differ:
    a single process passes all exceptions on, and several processes pass on `Interrupted`, which all of them raise at
    the same step.

    Args:
      prefix: begins the lines printed here, such as 'launch.py train'.
      coordinator: HOST:PORT at which process 0 opens the coordinator; '' under srun, or for a single process.
      processes: number of processes; None if `coordinator` is ''.
      process: index of this process, from 0 on; None if `coordinator` is ''.

    Raises:
      UserError: an impossible place, a coordinator that does not answer, or other processes that do not come or were
        started differently.
      ColorjaxError: Ctrl-C, before all processes had come.
    """
    place = from_arguments(coordinator, processes, process) or from_slurm(os.environ)
    if place is None:
        yield
        return
    try:
        _join(place, prefix)
    except KeyboardInterrupt:
        raise _Stopped from None
    watch = Watch(prefix)
    try:
        _start_devices()
        yield
    except Interrupted:
        _leave_group(watch)
        raise
    except KeyboardInterrupt:
        watch.fail(_Stopped())
    except BaseException as error:
        watch.fail(error)
    else:
        _leave_group(watch)


def from_arguments(coordinator: str, processes: int | None, process: int | None) -> Place | None:
    """Return the place that the command's options give; None without options, or for a group of one process.

    Args:
      coordinator: HOST:PORT, or ''.
      processes: number of processes, or None.
      process: index of this process, or None.

    Raises:
      UserError: only some of the options are given, or their values are impossible.
    """
    given = {"--coordinator": coordinator or None, "--processes": processes, "--process": process}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        return None
    if missing:
        raise UserError(f"{' and '.join(missing)} must be given too: {', '.join(given)} are one another's")
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise UserError(
            f"--coordinator={coordinator}: needs HOST:PORT, such as node1:47000, the same for all processes"
        )
    if processes < 1:
        raise UserError(f"--processes={processes}: must be 1 or more")
    if not 0 <= process < processes:
        raise UserError(f"--process={process}: the {processes} processes are 0 to {processes - 1}")
    return Place(host.strip("[]"), int(port), process, processes) if processes > 1 else None


def from_slurm(environ: Mapping[str, str]) -> Place | None:
    """Return the place of a task that `srun` started together with others; None for any other process.

    A job also has variables for its number of tasks outside of `srun`, where no other task runs. A process that relied
    on them would wait forever, so those of the step are read.
    """
    count = int(environ.get("SLURM_STEP_NUM_TASKS", "1"))
    if count < 2 or "SLURM_PROCID" not in environ:
        return None
    job, step = (int(environ.get(name, "0")) for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    # A port for private use (from 49152 on), chosen so that other jobs and other steps of this job use another one.
    port = 49152 + (job + 4096 * step) % 16384
    host = _first_host(environ["SLURM_STEP_NODELIST"])
    return Place(host, port, int(environ["SLURM_PROCID"]), count, _own_devices(environ))


def _first_host(nodes: str) -> str:
    """Return the first node of Slurm's list, such as 'gpu[003-005,9],login'. It runs process 0."""
    prefix, first, suffix = re.match(r"([^,\[]*)(?:\[(\d+)[^\]]*\])?([^,\[]*)", nodes).groups()
    return f"{prefix}{first or ''}{suffix}"


def _own_devices(environ: Mapping[str, str]) -> tuple[int, ...] | None:
    """Return this task's share of its node's GPUs; None if it sees only its own ones, or is alone on the node."""
    # Such as '2(x3),1': the number of tasks of each node in turn; here three nodes have 2 tasks and one has 1.
    tasks = re.findall(r"(\d+)(?:\(x(\d+)\))?", environ.get("SLURM_STEP_TASKS_PER_NODE", "1"))
    counts = [int(number) for number, times in tasks for _ in range(int(times or 1))]
    here = counts[int(environ.get("SLURM_NODEID", "0"))]
    visible = len([name for name in environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name])
    if here == 1 or visible < here:
        return None
    share, task = visible // here, int(environ["SLURM_LOCALID"])
    return tuple(range(task * share, (task + 1) * share))


def _join(place: Place, prefix: str) -> None:
    """Join the other processes. Afterwards `GROUP` describes the group, and jax sees the devices of all."""
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    if place.local_devices is not None:
        jax.config.update("jax_cuda_visible_devices", ",".join(map(str, place.local_devices)))
    address = f"{place.host}:{place.port}"
    if place.index == 0:
        try:
            GROUP.coordinator = Coordinator(place.port, place.count, _LINGER_SECONDS)
        except OSError as error:
            raise UserError(f"the coordinator can't listen on port {place.port}: {error}; use another port") from None
    meet(place, prefix)
    # At its time limit jax dumps core, so the limit below is shorter.
    client = new_client(address, place.index, 2 * _REACH_SECONDS, HEARTBEAT_SECONDS)
    # On a thread, because `connect` can't be interrupted if another process dies now, or by Ctrl-C.
    connecting = threading.Thread(target=client.connect, daemon=True)
    connecting.start()
    try:
        connecting.join(_REACH_SECONDS)
    except KeyboardInterrupt:
        _exit_now(f"{prefix}: {_Stopped()}", _Stopped.exit_status)
    if connecting.is_alive():
        _exit_now(
            f"{prefix}: one of the {place.count} processes was gone again at once; see which", UserError.exit_status
        )
    enter_group(client, address, place.index, place.count)
    GROUP.index, GROUP.count, GROUP.store = place.index, place.count, Store(client)
    GROUP.members = dict(enumerate(gather(own_name(place.index, place.count))))


def _start_devices() -> None:
    """Make jax find its devices now.

    jax waits until all processes do so. Later, some might do so much sooner than others.
    """
    import jax

    jax.devices()


def _exit_now(line: str, status: int) -> None:
    """Print `line` on standard error and end this process at once, without waiting for its threads."""
    print(line, file=sys.stderr, flush=True)
    os._exit(status)


def meet(place: Place, prefix: str) -> None:
    """Register at the coordinator, and wait until all processes have registered and jax's service runs.

    Args:
      place: of this process.
      prefix: begins the line that is printed if the wait is long.

    Raises:
      UserError: the coordinator can't be reached, refuses these processes, or serves other processes already.
    """
    name = own_name(place.index, place.count)
    deadline, reason = time.monotonic() + _REACH_SECONDS, ""
    while time.monotonic() < deadline:
        begun = time.monotonic()
        try:
            with socket.create_connection((place.host, place.port), timeout=5) as connection:
                reason = ""
                connection.sendall(f"{place.index} {place.count} {name}\n".encode())
                answer = _answer(connection, f"{prefix}: {name} waits for the others at {place.host}:{place.port}")
        except OSError as error:
            answer, reason = "", error.strerror or str(error)
        else:
            deadline += time.monotonic() - begun  # this wait does not count: process 0 may have gone, and come again
        if answer == "ready":
            return
        if answer.startswith("refused "):
            raise UserError(answer.removeprefix("refused "))
        time.sleep(0.5)
    where = f"{place.host}:{place.port}"
    if not reason:
        raise UserError(
            f"{name} is not let in at {where}: others have met there, or another program listens; "
            "give each process a --process of its own, or use another port"
        )
    raise UserError(
        f"process {place.index} reaches no coordinator at {where} ({reason}); "
        "process 0 opens it, on its own machine: start it with the same address, and see if it runs"
    )


def _answer(connection: socket.socket, line: str) -> str:
    """Return the coordinator's answer, '' if there is none; print `line` if it takes long."""
    deadline = time.monotonic() + GATHER_SECONDS + _REACH_SECONDS
    connection.settimeout(_QUIET_SECONDS)
    said = b""
    while not said.endswith(b"\n") and time.monotonic() < deadline:
        try:
            more = connection.recv(1024)
        except TimeoutError:
            if line:
                print(line, file=sys.stderr)
            line = ""
            continue
        except OSError:
            return ""
        if not more:
            return ""
        said += more
    return said.decode(errors="replace").strip()


def _leave_group(watch: Watch) -> None:
    """Leave the group together with all other processes."""
    wait_for_all()
    watch.stop()
    leave_group()
    if GROUP.coordinator:
        GROUP.coordinator.dismiss()
