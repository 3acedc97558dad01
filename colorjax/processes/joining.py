"""How processes find each other: under `srun` by themselves, elsewhere by the address of a coordinator."""

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

_REACH_SECONDS = 60  # for the coordinator to answer
_QUIET_SECONDS = 10  # of waiting for the others before a line says so
_LINGER_SECONDS = SILENT_SECONDS + 10  # of a coordinator without process 0: until the others have noticed


class Place(NamedTuple):
    """Where a process belongs: `index` of `count`, at the coordinator `host:port`.

    `local_devices` are the numbers of the devices of this machine that it takes; None for all that it sees.
    """

    host: str
    port: int
    index: int
    count: int
    local_devices: tuple[int, ...] | None = None


class _Stopped(ColorjaxError):  # noqa: N818 - it is a request, not a fault
    """Ctrl-C where there is nothing to keep, as for a process alone."""

    exit_status = 130  # what a shell gives for a program that SIGINT has ended

    def __init__(self):
        super().__init__("stopped (Ctrl-C)")


@contextmanager
def process_group(
    prefix: str, coordinator: str = "", processes: int | None = None, process: int | None = None
) -> Iterator[None]:
    """Inside, this is one of several processes if it was started as one; at the end they wait for each other.

    An exception of one ends all: of several processes each ends in here, with the exit status of the first that failed
    and a line that says which it was. A process alone lets it through, and so do several an `Interrupted`, which all
    raise at the same step.

    Args:
      prefix: of the lines said here, such as 'launch.py train'.
      coordinator: HOST:PORT, where process 0 is to open the meeting point; '' under srun, or for a process alone.
      processes: how many come there.
      process: which of them this is, from 0 on.

    Raises:
      UserError: an impossible place, a coordinator that does not answer, or others who do not come or don't fit.
      ColorjaxError: Ctrl-C, before all had come.
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
    """Return the place that the options of a command name, or None without any.

    Raises:
      UserError: some are missing, or can't be.
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
    """Return the place of a task that `srun` started with others; None for any other process.

    The environment of a job outside of `srun` speaks of its tasks too; who believed it would wait for nobody.
    """
    count = int(environ.get("SLURM_STEP_NUM_TASKS", "1"))
    if count < 2 or "SLURM_PROCID" not in environ:
        return None
    job, step = (int(environ.get(name, "0")) for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    # Of the ports that are for anybody's use (49152 on) one that other jobs, and other steps of this one, do not take.
    port = 49152 + (job + 4096 * step) % 16384
    host = _first_host(environ["SLURM_STEP_NODELIST"])
    return Place(host, port, int(environ["SLURM_PROCID"]), count, _own_devices(environ))


def _first_host(nodes: str) -> str:
    """Return the first of Slurm's list of nodes, such as 'gpu[003-005,9],login': the node of process 0."""
    prefix, first, suffix = re.match(r"([^,\[]*)(?:\[(\d+)[^\]]*\])?([^,\[]*)", nodes).groups()
    return f"{prefix}{first or ''}{suffix}"


def _own_devices(environ: Mapping[str, str]) -> tuple[int, ...] | None:
    """Return this task's share of the GPUs of its node; None where it sees only its own, or has the node alone."""
    # As in '2(x3),1': nodes in turn, and how many tasks each has.
    tasks = re.findall(r"(\d+)(?:\(x(\d+)\))?", environ.get("SLURM_STEP_TASKS_PER_NODE", "1"))
    counts = [int(number) for number, times in tasks for _ in range(int(times or 1))]
    here = counts[int(environ.get("SLURM_NODEID", "0"))]
    visible = len([name for name in environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name])
    if here == 1 or visible < here:
        return None
    share, task = visible // here, int(environ["SLURM_LOCALID"])
    return tuple(range(task * share, (task + 1) * share))


def _join(place: Place, prefix: str) -> None:
    """Meet the others: afterwards `GROUP` is theirs, and jax has the devices of all."""
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
    # jax's own end of waiting is a core dump; ours is sooner.
    client = new_client(address, place.index, 2 * _REACH_SECONDS, HEARTBEAT_SECONDS)
    # On a thread, because jax's can't be called off: when one of the others dies right now, or Ctrl-C comes.
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
    """Let jax look for devices here, because it waits for all processes to do so: later some may do so much sooner."""
    import jax

    jax.devices()


def _exit_now(line: str, status: int) -> None:
    """Say `line` and end this process, whatever its threads do."""
    print(line, file=sys.stderr, flush=True)
    os._exit(status)


def meet(place: Place, prefix: str) -> None:
    """Return when all processes have come to the coordinator, and jax's service is there for them."""
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
            deadline += time.monotonic() - begun  # if process 0 has gone meanwhile it may come again
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
    """Return what the coordinator answers, and say `line` if that takes long; '' if it says nothing of use."""
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
    """Leave the group, when all others do."""
    wait_for_all()
    watch.stop()
    leave_group()
    if GROUP.coordinator:
        GROUP.coordinator.dismiss()
