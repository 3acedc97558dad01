"""Requests to stop at the next step: SIGTERM (a scheduler needs the machine), SIGINT (Ctrl-C), and SIGUSR1 and SIGUSR2
(a scheduler warns that the time limit is near).

orbax's `reached_preemption` only works under `jax.distributed`, so a single process needs its own handlers.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from colorjax import processes
from colorjax.errors import Interrupted

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)


class StopRequest:
    """A context that records the first of `SIGNALS` in `received`; after it, SIGINT acts as outside of the context.

    So a second Ctrl-C ends a run at once if it does not stop. Other repeated signals are ignored, because schedulers
    repeat them without a further meaning: Slurm's SIGTERM comes from the node and again from `srun`.
    Python allows signal handlers in the main thread only; in another thread no signal is received.
    """

    def __init__(self):
        self.received: str | None = None  # the signal's name
        self._raise = False
        self._outside = {}
        self._held_back = set()

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._outside = {number: signal.signal(number, self._receive) for number in SIGNALS}
            # Signals that arrived earlier, while they were blocked, are received here.
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
        """The received signal's number, or 0 without a signal."""
        return signal.Signals[self.received].value if self.received else 0

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside, a request raises `Interrupted` at once; this is for long work that can be repeated.

        Several processes do such work together. So all of them raise at the end of the context instead, if any of them
        received a request.
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
