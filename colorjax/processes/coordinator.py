"""The coordinator: runs jax's service, through which processes find each other, in a separate process.

By default jax runs this service inside process 0. If process 0 then dies, jax ends all other processes at once, with a
C++ stack trace that does not name the cause. Here the service and its store outlive process 0 for as long as the others
need to notice its death and to report it.

Before it starts the service, the coordinator waits on the same port until every process has registered. This finds
contradictions, such as two processes with one number, which jax's service would answer with a stack trace. Each process
connects and sends one line, 'INDEX COUNT NAME'. When all have come, each receives 'ready', or 'refused' and the reason.

This file is run as a script, `python coordinator.py PORT PROCESSES LINGER`. It prints 'ready' or what is wrong. It ends
with its parent process, or LINGER seconds later if the parent has not sent 'done'. Until it prints 'ready' it imports
only the standard library, so it starts at once.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

GATHER_SECONDS = 180  # time for all processes to register; they may load jax from a slow disk
HEARTBEAT_SECONDS = 120  # jax's limit without a heartbeat; longer than that of `watch.py`, which reports more


class Coordinator:
    """A running coordinator, a child process of process 0.

    Args:
      port: where it listens.
      count: number of processes that will register.
      linger: seconds for which it outlives this process, if this process is killed.

    Raises:
      OSError: it can't listen on this port; the message is readable for users.
    """

    def __init__(self, port: int, count: int, linger: float):
        words = [sys.executable, "-P", __file__, str(port), str(count), str(linger)]
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # only C++ messages; an inherited pipe would stay open while it lingers
            text=True,
            start_new_session=True,  # Ctrl-C does not reach it, so it outlives the processes that Ctrl-C ends
        )
        said = self._process.stdout.readline().strip()
        if said != "ready":
            self.dismiss()
            raise OSError(said or "the coordinator did not start")

    def dismiss(self) -> None:
        """Let the coordinator end together with this process; jax would treat an earlier end as a failure."""
        with contextlib.suppress(OSError):
            self._process.stdin.write("done")
            self._process.stdin.flush()


class _Refused(Exception):  # noqa: N818 - not a fault of this process
    """These processes can't work together; the message is readable for users."""


def _listen(port: int) -> socket.socket:
    """Return a socket that listens on `port` at all addresses."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
    return socket.create_server(("", port), backlog=1024)


def _call_roll(server: socket.socket, count: int, came: dict[int, tuple[socket.socket, str]], parent: int) -> None:
    """Wait until all processes have registered, or the parent is gone.

    Args:
      server: the socket to listen on.
      count: number of processes.
      came: filled with index -> (connection, name) of each process; a process without a place has a negative index.
      parent: id of the parent process.

    Raises:
      _Refused: one process was started for another number of processes, two have the same index, or some did not
        register in time.
    """
    deadline = time.monotonic() + GATHER_SECONDS
    wrong = ""
    while (wrong or len(came) < count) and os.getppid() == parent:
        if wrong and 0 in came:  # process 0 must receive the reason too
            raise _Refused(wrong)
        if time.monotonic() > deadline:
            missing = [str(index) for index in range(count) if index not in came]
            who = f"process {missing[0]}" if len(missing) == 1 else f"processes {', '.join(missing[:8])}"
            raise _Refused(f"of {count} processes {len(missing)} did not come within {GATHER_SECONDS} s: {who}")
        readable, _, _ = select.select([server, *(connection for connection, _ in came.values())], [], [], 0.2)
        for index, (connection, _) in list(came.items()):
            if connection in readable:  # processes send nothing more, so this one has gone; it may register again
                connection.close()
                del came[index]
        if server not in readable:
            continue
        connection, _ = server.accept()
        connection.settimeout(5)
        try:
            index, its_count, name = connection.makefile().readline().strip().split(" ", 2)
            index, its_count = int(index), int(its_count)
        except (OSError, ValueError):  # not one of the processes
            connection.close()
            continue
        if its_count == count and index not in came:
            came[index] = connection, name
            continue
        if its_count != count:
            wrong = f"{name} was started with --processes={its_count}, process 0 with {count}"
        else:
            wrong = f"two processes were started with --process={index}: {came[index][1]} and {name}"
        came[-1 - len(came)] = connection, name  # it has no place, but must receive the reason


def _answer(connections: list[socket.socket], line: str) -> None:
    for connection in connections:
        with contextlib.suppress(OSError):  # the process may have gone meanwhile
            connection.sendall(f"{line}\n".encode())
            connection.close()


def main(port: int, count: int, linger: float) -> None:
    """Run the coordinator until its parent ends, see the top of this file.

    Args:
      port: where to listen.
      count: number of processes.
      linger: seconds to live on after a parent that did not send 'done'.
    """
    parent = os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # schedulers send them to all processes of a job
    deadline = time.monotonic() + linger
    while True:
        try:
            server = _listen(port)
            break
        except OSError as error:  # the port may still be held by the lingering coordinator of a killed run
            if time.monotonic() > deadline or os.getppid() != parent:
                print(error.strerror or error, flush=True)
                return
        time.sleep(1)
    print("ready", flush=True)
    if not __package__:  # run as a script, so the package is not yet on the path
        sys.path.append(str(Path(__file__).parents[2]))
    from colorjax.errors import UserError
    from colorjax.processes.jax_private import start_service

    came = {}
    try:
        _call_roll(server, count, came, parent)
    except _Refused as refused:
        _answer([connection for connection, _ in came.values()], f"refused {refused}")
        return
    server.close()  # gRPC would share the port with this socket, and half of the processes would not reach gRPC
    if len(came) < count:  # the parent is gone
        return
    connections = [connection for connection, _ in came.values()]
    try:
        shut_down = start_service(port, count, HEARTBEAT_SECONDS)
    except UserError as error:
        _answer(connections, f"refused {error}")
        return
    _answer(connections, "ready")
    while os.getppid() == parent:
        time.sleep(0.2)
    if not sys.stdin.read():  # the parent has ended without sending 'done'
        time.sleep(linger)
    shut_down()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
