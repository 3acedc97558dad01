"""The child process in which pictures are read and restored: it takes requests from a pipe until the pipe ends.

A request is (operation, arguments); the answers are ("progress", share) any number of times, and then one of
("done", value), ("refused", line for the person), ("failed", line) and ("cancelled", None). The word "cancel" stops
the operation that runs, at its next progress.
"""

import os
import signal
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection

_PROGRESS_SECONDS = 0.1  # at most so often


class Cancelled(Exception):  # noqa: N818 - nothing is wrong
    """Nobody waits for the operation any more."""


def main(connection: Connection, niceness: int) -> None:
    """Answer requests until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.nice(niceness)
    try:
        from tqdm import tqdm

        from colorjax.page.operations import OPERATIONS
        from colorjax.runtime.compilation import keep_compilations

        keep_compilations()
        tqdm.set_lock(threading.RLock())  # its own is a semaphore, which a killed process would leave behind
        while True:
            request = connection.recv()
            if request != "cancel":  # one that came too late
                connection.send(_answer(OPERATIONS[request[0]], request[1], connection))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _answer(operation, arguments, connection):
    from colorjax.errors import ColorjaxError
    from colorjax.runtime.disk import disk_fault
    from colorjax.runtime.memory import is_out_of_memory

    last = time.monotonic()

    def progress(share: float) -> None:
        nonlocal last
        while connection.poll():
            if connection.recv() == "cancel":
                raise Cancelled
        if time.monotonic() - last > _PROGRESS_SECONDS:
            last = time.monotonic()
            connection.send(("progress", float(share)))

    try:
        return "done", operation(progress, **arguments)
    except Cancelled:
        return "cancelled", None
    except ColorjaxError as error:
        return "refused", str(error)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            return "refused", "too large for this machine's memory"
        if disk_fault(error):  # its own line has a path, which is not for the browser
            return "refused", "the temporary folder can't be written; its disk may be full"
        traceback.print_exc(file=sys.stderr)
        return "failed", "a fault of colorjax; the terminal shows more"
