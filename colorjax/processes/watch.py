"""The watch that the processes keep over each other, so that none waits for one that will not come.

A thread of each process writes a sign of life into the store every few seconds and reads those of the others. Who
fails writes why; the first such word counts, and all who read it end with its status. Whatever the main thread waits
for then (most likely a collective operation of the devices) it is not asked: the process ends under it.
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
SILENT_SECONDS = 30  # without a sign of life: dead. jax's own limit is longer (`joining.py`), and ends in a core dump.
_PATIENCE_SECONDS = 8  # for what takes the others a moment or two

# An error with one of these words may come from the death of another process.
_OF_COLLECTIVES = ("gloo", "nccl", "collective", "connection", "socket", "peer")

_TELLING: list[Callable[[str], None]] = []


@contextmanager
def on_peer_failure(callback: Callable[[str], None]) -> Iterator[None]:
    """Inside, `callback` is called with a line before another process's end becomes this one's."""
    _TELLING.append(callback)
    try:
        yield
    except Exception as error:
        if not _may_come_from_another(error):  # else it is called yet, when the watch knows whose end that was
            _TELLING.remove(callback)
        raise
    else:
        _TELLING.remove(callback)


class Watch:
    """The watch of this process; `prefix` stands before the lines that it says."""

    def __init__(self, prefix: str):
        self._prefix = prefix
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="watch over the processes")
        self._thread.start()

    def stop(self) -> None:
        """End the watch, when all processes have done their work."""
        self._ended.set()
        self._thread.join()

    def fail(self, error: BaseException) -> None:
        """End this process because of `error`, and so all others."""
        if _may_come_from_another(error):
            time.sleep(SILENT_SECONDS + 3 * BEAT_SECONDS)  # until the thread knows, and ends this process in its name
        known = isinstance(error, ColorjaxError)
        if known and not is_first():
            # Most mistakes are met by all processes, and are then process 0's to say.
            time.sleep(_PATIENCE_SECONDS)
        line = str(error) if known else traceback.format_exception_only(error)[-1].strip()
        status = error.exit_status if known else 1
        if not _end_all(GROUP.index, f"failed: {line}", status, known):
            time.sleep(_PATIENCE_SECONDS)  # another one was faster, and the thread is about to say so
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
            now = time.monotonic()
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
            return  # the main thread does it
        line = f"{GROUP.members[word['process']]} {word['what']}"
        if word["process"] or not word["known"]:
            self._say(f"{line}; stopping")  # else process 0 has said it for all
        for callback in list(_TELLING):
            with suppress(Exception):  # nothing may keep this process from ending
                callback(line)
        _exit_now(word["status"], without=word["process"])

    def _say(self, line: str) -> None:
        below = "\n" if is_first() else ""  # a progress bar, perhaps
        print(f"{below}{self._prefix}: {line}", file=sys.stderr)


def _may_come_from_another(error: BaseException) -> bool:
    """Whether the end of another process may have led to `error`."""
    text = str(error).lower()
    return GROUP.count > 1 and isinstance(error, RuntimeError) and any(word in text for word in _OF_COLLECTIVES)


def _end_all(process: int, what: str, status: int, known: bool) -> bool:
    """Tell all processes to end; return False where they were told before."""
    word = {"process": process, "what": what, "status": status, "known": known}
    return GROUP.store.put_new("end", json.dumps(word).encode())


def _exit_now(status: int, without: int | None = None) -> None:
    """End this process at once: jax's own farewell would wait for the others, its devices for their answers.

    Process 0 goes last, apart from the dead one `without`, because the coordinator ends with it.
    """
    with suppress(RuntimeError):
        GROUP.store.put(f"left/{GROUP.index}", b"")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        others = {str(member) for member in range(1, GROUP.count) if member != without}
        while is_first() and not others <= GROUP.store.folder("left").keys() and time.monotonic() < deadline:
            time.sleep(0.2)
    if GROUP.coordinator:
        GROUP.coordinator.dismiss()
    for child in multiprocessing.active_children():  # workers that read data; only Python's own farewell ends them
        child.kill()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
