"""The coordinator: jax's service through which processes find each other, in a process of its own.

Jax would have it in process 0; but when that one dies, jax ends all others at once with a stack trace of C++ that
blames nobody. Here the store outlives process 0 for as long as the others need to notice and to say so.

Before it starts that service it calls the roll, on the same port: jax's would end processes that can't all be right,
such as two with one number, with a stack trace. Each process connects and sends a line, 'INDEX COUNT NAME'; when all
have come they read 'ready', or 'refused' and why.

As a script, `python coordinator.py PORT PROCESSES LINGER`, it says 'ready' or what is wrong, and lives as long as its
parent, or LINGER seconds longer if that one has not said 'done'. Until it has said so it needs no other module, and so
starts at once.
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

GATHER_SECONDS = 180  # for all processes to come, who may load jax from a slow disk
HEARTBEAT_SECONDS = 120  # of jax; longer than ours, which can say more (`watch.py`)


class Coordinator:
    """A running coordinator, the child of process 0.

    Args:
      port: where it listens.
      count: of the processes that will come.
      linger: seconds that it outlives this process by, if this one is killed.

    Raises:
      OSError: it can't listen there; the message is for people.
    """

    def __init__(self, port: int, count: int, linger: float):
        words = [sys.executable, "-P", __file__, str(port), str(count), str(linger)]
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # of C++; and a pipe to it would stay open as long as it lingers
            text=True,
            start_new_session=True,  # what Ctrl-C ends, it ends after
        )
        said = self._process.stdout.readline().strip()
        if said != "ready":
            self.dismiss()
            raise OSError(said or "the coordinator did not start")

    def dismiss(self) -> None:
        """Let it end as soon as this process does: jax would take an earlier end for a failure."""
        with contextlib.suppress(OSError):
            self._process.stdin.write("done")
            self._process.stdin.flush()


class _Refused(Exception):  # noqa: N818 - not a fault of this process
    """These processes can't work together; the message is for people."""


def _listen(port: int) -> socket.socket:
    """Return a socket that listens on `port` of all addresses."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
    return socket.create_server(("", port), backlog=1024)


def _call_roll(server: socket.socket, count: int, came: dict[int, tuple[socket.socket, str]], parent: int) -> None:
    """Fill `came` with the connection and the name of each process, until all are there or the parent is gone.

    Raises:
      _Refused: one was started for another number of processes, two have the same place, or some did not come.
    """
    deadline = time.monotonic() + GATHER_SECONDS
    wrong = ""
    while (wrong or len(came) < count) and os.getppid() == parent:
        if wrong and 0 in came:  # which is to know it
            raise _Refused(wrong)
        if time.monotonic() > deadline:
            missing = [str(index) for index in range(count) if index not in came]
            who = f"process {missing[0]}" if len(missing) == 1 else f"processes {', '.join(missing[:8])}"
            raise _Refused(f"of {count} processes {len(missing)} did not come within {GATHER_SECONDS} s: {who}")
        readable, _, _ = select.select([server, *(connection for connection, _ in came.values())], [], [], 0.2)
        for index, (connection, _) in list(came.items()):
            if connection in readable:  # they say no second thing: it is gone, and may come again
                connection.close()
                del came[index]
        if server not in readable:
            continue
        connection, _ = server.accept()
        connection.settimeout(5)
        try:
            index, its_count, name = connection.makefile().readline().strip().split(" ", 2)
            index, its_count = int(index), int(its_count)
        except (OSError, ValueError):  # none of ours
            connection.close()
            continue
        if its_count == count and index not in came:
            came[index] = connection, name
            continue
        if its_count != count:
            wrong = f"{name} was started with --processes={its_count}, process 0 with {count}"
        else:
            wrong = f"two processes were started with --process={index}: {came[index][1]} and {name}"
        came[-1 - len(came)] = connection, name  # no place, but it too is to know


def _answer(connections: list[socket.socket], line: str) -> None:
    for connection in connections:
        with contextlib.suppress(OSError):  # it has gone meanwhile
            connection.sendall(f"{line}\n".encode())
            connection.close()


def main(port: int, count: int, linger: float) -> None:
    """Serve until the end."""
    parent = os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # schedulers send them to all processes of a job
    deadline = time.monotonic() + linger
    while True:
        try:
            server = _listen(port)
            break
        except OSError as error:  # perhaps only the lingering one of a run that was killed just now
            if time.monotonic() > deadline or os.getppid() != parent:
                print(error.strerror or error, flush=True)
                return
        time.sleep(1)
    print("ready", flush=True)
    if not __package__:  # as a script, this file knows of no other
        sys.path.append(str(Path(__file__).parents[2]))
    from colorjax.errors import UserError
    from colorjax.processes.jax_private import start_service

    came = {}
    try:
        _call_roll(server, count, came, parent)
    except _Refused as refused:
        _answer([connection for connection, _ in came.values()], f"refused {refused}")
        return
    server.close()  # gRPC shares a port with whoever has it, and half of the processes would not reach it
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
    if not sys.stdin.read():  # the parent is gone without a word
        time.sleep(linger)
    shut_down()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
