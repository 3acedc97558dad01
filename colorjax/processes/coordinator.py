"""The coordinator: jax's service through which processes find each other, in a process of its own.

Jax would have it in process 0; but when that one dies, jax ends all others at once with a stack trace of C++ that
blames nobody. Here the store outlives process 0 for as long as the others need to notice and to say so.

As a script, `python coordinator.py PORT PROCESSES LINGER`, it says 'ready' or what is wrong, and lives as long as its
parent, or LINGER seconds longer if that one has not said 'done'. It needs no other module of colorjax, and so starts at
once.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

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


def _listens_elsewhere(port: int) -> str:
    """Return why nobody can listen on `port`, or ''; gRPC shares a port with whoever has it, and would not tell."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def main(port: int, count: int, linger: float) -> None:
    """Serve until the end."""
    parent = os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # schedulers send them to all processes of a job
    deadline = time.monotonic() + linger
    while problem := _listens_elsewhere(port):  # perhaps only the lingering one of a run that was killed just now
        if time.monotonic() > deadline:
            print(problem, flush=True)
            return
        time.sleep(1)
    from jaxlib import _jax  # not jax, which takes a second more

    service = _jax.get_distributed_runtime_service(f"[::]:{port}", count, heartbeat_timeout=HEARTBEAT_SECONDS)
    print("ready", flush=True)
    while os.getppid() == parent:
        time.sleep(0.2)
    if not sys.stdin.read():  # the parent is gone without a word
        time.sleep(linger)
    service.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
