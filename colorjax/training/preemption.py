"""SIGTERM (a scheduler that wants the machine back) and SIGINT (Ctrl-C) as requests to stop at the next step.

orbax's own `reached_preemption` only works under `jax.distributed`, so a single process needs handlers of its own.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from colorjax.errors import Interrupted

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """A context in which the first of `SIGNALS` is noted in `received`, and the second acts as it would outside.

    In another thread than the main one Python allows no handlers; there, nothing is ever received.
    """

    def __init__(self):
        self.received: str | None = None  # the signal's name
        self._raise = False
        self._outside = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._outside = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(self, *_):
        self._restore()

    def _receive(self, number: int, _frame) -> None:
        self.received = signal.Signals(number).name
        self._restore()
        if self._raise:
            raise Interrupted(self.received)

    def _restore(self) -> None:
        for number, handler in self._outside.items():
            signal.signal(number, handler)
        self._outside = {}

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Inside, a request raises `Interrupted` where it is received: for long work that can be done again."""
        self._raise = True
        try:
            if self.received:
                raise Interrupted(self.received)
            yield
            if self.received:  # and the exception did not get through
                raise Interrupted(self.received)
        finally:
            self._raise = False
