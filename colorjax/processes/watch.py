"""The processes watch each other, so that none waits for a process that has died.

A thread of each process writes a heartbeat into the store every few seconds and reads those of the others. A process
that fails writes the reason. The first such message counts, and all processes that read it end with its exit status.
They end at once, without waiting for the main thread, which is most likely blocked in a collective operation of the
devices.
"""

import json
import multiprocessing
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from colorjax.errors import ColorjaxError
from colorjax.processes.group import GROUP, is_first

BEAT_SECONDS = 2
# Without a heartbeat a process counts as dead. Nearly as long as is possible, for one that was stopped for a while, by
# a debugger or a machine that swaps: after 60 s gRPC cuts its connection, at which jax ends it with a stack trace.
SILENT_SECONDS = 50
_PATIENCE_SECONDS = 8  # time for the other processes to finish something short

# An error with one of these words may be caused by the death of another process.
_OF_COLLECTIVES = ("gloo", "nccl", "collective", "connection", "socket", "peer")

_TELLING: list[Callable[[str], None]] = []


@contextmanager
def on_peer_failure(callback: Callable[[str], None]) -> Iterator[None]:
    """Within this context, if another process fails, call `callback` with a line on it before this process ends."""
    _TELLING.append(callback)
    try:
        yield
    except Exception as error:
        # If another process may be the cause, the callback stays, for the watch to call when it knows which one.
        if not _may_come_from_another(error):
            _TELLING.remove(callback)
        raise
    else:
        _TELLING.remove(callback)


class Watch:
    """The thread of this process that watches the others; `prefix` begins the lines that it prints."""

    def __init__(self, prefix: str):
        self._prefix = prefix
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="watch over the processes")
        self._thread.start()

    def stop(self) -> None:
        """End the watch, after all processes have finished their work."""
        self._ended.set()
        self._thread.join()

    def fail(self, error: BaseException) -> None:
        """End this process because of `error`, and with it all others. Does not return."""
        if _may_come_from_another(error):
            # Gives the thread time to find the process that died; it then ends this process and names that one.
            time.sleep(SILENT_SECONDS + 3 * BEAT_SECONDS)
        known = isinstance(error, ColorjaxError)
        if known and not is_first():
            # Most mistakes occur in all processes, and then process 0 should report them.
            time.sleep(_PATIENCE_SECONDS)
        line = str(error) if known else traceback.format_exception_only(error)[-1].strip()
        status = error.exit_status if known else 1
        if not _end_all(GROUP.index, f"failed: {line}", status, known):
            time.sleep(_PATIENCE_SECONDS)  # another process failed first, and the thread is about to report it
        if known:
            who = "" if is_first() else f"{GROUP.members[GROUP.index]}: "
            print(f"{self._prefix}: {who}{line}", file=sys.stderr)
        else:
            traceback.print_exception(error)
        _exit_now(status)

    def _run(self) -> None:
        now = time.monotonic()
        beats = {member: b"" for member in range(GROUP.count) if member != GROUP.index}
        heard = dict.fromkeys([*beats, "store"], now)
        while not self._ended.wait(BEAT_SECONDS):
            before, now = now, time.monotonic()
            if now - before > 3 * BEAT_SECONDS:
                # This process was stopped itself, perhaps with all others, as a suspended job is. It heard nothing
                # meanwhile, which says nothing of the others.
                heard = {member: at + now - before for member, at in heard.items()}
            try:
                GROUP.store.put(f"beat/{GROUP.index}", str(now).encode())
                new = GROUP.store.folder("beat")
                heard["store"] = now
                for member in beats:
                    if new.get(str(member), b"") != beats[member]:
                        beats[member], heard[member] = new[str(member)], now
                    elif now - heard[member] > SILENT_SECONDS:
                        what = f"has given no sign of life for {SILENT_SECONDS} s: killed, or its machine is gone"
                        _end_all(member, what, 1, known=False)
                if (word := GROUP.store.look("end")) is not None:
                    self._exit_with_peer(json.loads(word))
            except RuntimeError as error:
                if now - heard["store"] > _PATIENCE_SECONDS:
                    self._say(f"the coordinator, a child of {GROUP.members[0]}, is gone ({error})")
                    _exit_now(1)

    def _exit_with_peer(self, word: dict[str, Any]) -> None:
        if word["process"] == GROUP.index:
            return  # this process failed itself; its main thread ends it
        line = f"{GROUP.members[word['process']]} {word['what']}"
        if word["process"] or not word["known"]:
            self._say(f"{line}; stopping")  # a known error of process 0 was printed there for all
        for callback in list(_TELLING):
            with suppress(Exception):  # an error in a callback must not keep this process from ending
                callback(line)
        _exit_now(word["status"], without=word["process"])

    def _say(self, line: str) -> None:
        below = "\n" if is_first() else ""  # there may be a progress bar on the current line
        print(f"{below}{self._prefix}: {line}", file=sys.stderr)


def _may_come_from_another(error: BaseException) -> bool:
    """Whether `error` may be caused by the end of another process."""
    text = str(error).lower()
    return GROUP.count > 1 and isinstance(error, RuntimeError) and any(word in text for word in _OF_COLLECTIVES)


def _end_all(process: int, what: str, status: int, known: bool) -> bool:
    """Signal all processes to end; return False if another signal came first.

    Args:
      process: index of the process that failed.
      what: what happened to it; follows its name in messages.
      status: exit status for all processes.
      known: whether the error is a `ColorjaxError`, whose process has printed it.
    """
    word = {"process": process, "what": what, "status": status, "known": known}
    return GROUP.store.put_new("end", json.dumps(word).encode())


def _exit_now(status: int, without: int | None = None) -> None:
    """End this process at once. A normal exit could block, since jax's shutdown waits for dead processes.

    Process 0 ends last, because the coordinator ends with it; it does not wait for the dead process `without`.
    """
    with suppress(RuntimeError):
        GROUP.store.put(f"left/{GROUP.index}", b"")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        others = {str(member) for member in range(1, GROUP.count) if member != without}
        while is_first() and not others <= GROUP.store.folder("left").keys() and time.monotonic() < deadline:
            time.sleep(0.2)
    if GROUP.coordinator:
        GROUP.coordinator.dismiss()
    for child in multiprocessing.active_children():  # workers that read data; otherwise only a normal exit ends them
        child.kill()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
