"""Requests to stop at the next step: SIGTERM (a scheduler that wants the machine back), SIGINT (Ctrl-C), and SIGUSR1
and SIGUSR2 (a scheduler's warning that the time is almost up).

orbax's own `reached_preemption` only works under `jax.distributed`, so a single process needs handlers of its own.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from colorjax import processes
from colorjax.errors import Interrupted

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)


class StopRequest:
    """A context in which the first of `SIGNALS` is noted in `received`; after it, SIGINT acts as it would outside.

    So a person ends at once what won't stop by pressing Ctrl-C twice. Schedulers send theirs more than once without
    meaning more by it: Slurm's SIGTERM comes from the node and again from `srun`.
    In another thread than the main one Python allows no handlers; there, nothing is ever received.
    """

    def __init__(self):
        self.received: str | None = None  # the signal's name
        self._raise = False
        self._outside = {}
        self._held_back = set()

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._outside = {number: signal.signal(number, self._receive) for number in SIGNALS}
            # What came before, and was held back until now, is received here.
            self._held_back = signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS) & set(SIGNALS)
        return self

    def __exit__(self, *_):
        signal.pthread_sigmask(signal.SIG_BLOCK, self._held_back)
        for number, handler in self._outside.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _frame) -> None:
        if self.received:
            return
        self.received = signal.Signals(number).name
        if signal.SIGINT in self._outside:
            signal.signal(signal.SIGINT, self._outside[signal.SIGINT])
        if self._raise:
            raise Interrupted(self.received, self.received)

    @property
    def number(self) -> int:
        """The signal's number, 0 before any."""
        return signal.Signals[self.received].value if self.received else 0

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside, a request raises `Interrupted` where it is received: for long work that can be done again.

        Several processes raise it all together at the end, whoever of them received it: they do the work in common.
        """
        self._raise = processes.count() == 1
        try:
            if self._raise and self.received:
                raise Interrupted(self.received, self.received)
            yield
        finally:
            self._raise = False
        for received in filter(None, processes.gather(self.received)):
            raise Interrupted(received, received)
