"""Ctrl-C and SIGTERM as exceptions that reach the command wherever they come. Only the standard library is imported."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

_AGAIN = 0.05  # seconds after which a lost exception is raised again


class Terminated(KeyboardInterrupt):
    """SIGTERM came: all that tidies up after Ctrl-C does so after it, too."""


def line_and_status(stop: KeyboardInterrupt) -> tuple[str, int]:
    """Return what to say of a stop, and the exit status that a shell reports for a program ended by the signal."""
    number = signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT
    return f"stopped ({'SIGTERM' if number == signal.SIGTERM else 'Ctrl-C'})", 128 + number


def exception_of(number: int) -> KeyboardInterrupt:
    """Return the exception that is raised for a signal."""
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


@contextlib.contextmanager
def raised(*numbers: signal.Signals) -> Iterator[list[int]]:
    """Raise KeyboardInterrupt for SIGINT and `Terminated` for SIGTERM within this context; yield what came.

    Python loses an exception that is raised where it can't be passed on, such as in the callback of a garbage
    collection, of which jax has one: it is then raised again. A signal that is ignored (nohup) or handled already, as
    by the program that called us, stays as it is; so do all in another thread than the main one.
    """
    received = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    free = (signal.SIG_DFL, signal.default_int_handler)
    numbers = [number for number in numbers if signal.getsignal(number) in free]
    show = sys.unraisablehook

    def stop(number, _):
        received.append(number)
        raise exception_of(number)

    def show_others(lost):
        if received and issubclass(lost.exc_type, KeyboardInterrupt):
            # To the main thread itself, so that it does not wait or sleep on.
            again = threading.Timer(_AGAIN, signal.pthread_kill, (threading.main_thread().ident, received[-1]))
            again.daemon = True
            again.start()
        else:
            show(lost)

    before = {number: signal.signal(number, stop) for number in numbers}
    sys.unraisablehook = show_others
    try:
        yield received
    finally:
        sys.unraisablehook = show
        for number, handler in before.items():
            signal.signal(number, handler)
