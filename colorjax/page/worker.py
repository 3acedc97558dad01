"""A child process as the server sees it: calls wait in a queue, and the process is begun anew when it dies."""

import asyncio
import dataclasses
import itertools
import multiprocessing
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from colorjax.errors import ColorjaxError, UserError
from colorjax.page import child


class WorkerDiedError(ColorjaxError):
    """The child process ended in the middle of a call, as for lack of memory."""


class NotWantedError(Exception):
    """Nobody waits for the call any more."""


@dataclasses.dataclass(order=True)
class _Call:
    priority: int
    number: int
    request: tuple = dataclasses.field(compare=False)
    answer: asyncio.Future = dataclasses.field(compare=False)
    progress: Callable[[float], None] = dataclasses.field(compare=False)
    wanted: Callable[[], Awaitable[bool]] | None = dataclasses.field(compare=False)


class Worker:
    """A child process that answers one call at a time."""

    def __init__(self, niceness: int = 0):
        """Make a worker; `start` begins it. `niceness` is added to that of the server."""
        self._niceness = niceness
        self._queue: asyncio.PriorityQueue[_Call] = asyncio.PriorityQueue()
        self._numbers = itertools.count()
        self._thread = ThreadPoolExecutor(1)
        self._process = self._connection = self._task = None
        self._running = ""
        self._closed = False

    def start(self) -> None:
        """Begin to answer calls; the process starts at once, since its imports take seconds."""
        self._thread.submit(self._ensure_process)
        self._task = asyncio.get_running_loop().create_task(self._answer_calls())

    async def call(
        self,
        operation: str,
        priority: int = 0,
        progress: Callable[[float], None] = lambda share: None,
        wanted: Callable[[], Awaitable[bool]] | None = None,
        **arguments: Any,
    ) -> Any:
        """Return what an operation of `page.operations` returns.

        Args:
          operation: its name.
          priority: lower ones come first.
          progress: called in the event loop with the share that is done.
          wanted: asked when the call's turn has come, whether anybody still waits for it.
          **arguments: of the operation.

        Raises:
          UserError: what is wrong with the input.
          WorkerDiedError: the process ended meanwhile.
          NotWantedError: it was cancelled, or `wanted` said no.
          ColorjaxError: a fault of colorjax.
        """
        answer = asyncio.get_running_loop().create_future()
        await self._queue.put(_Call(priority, next(self._numbers), (operation, arguments), answer, progress, wanted))
        return await answer

    def cancel(self, operation: str) -> None:
        """Stop the call that runs, at its next progress, if it is of this operation."""
        if self._running == operation:
            try:
                self._connection.send("cancel")
            except OSError:  # it has just died, and its call says so
                return

    @property
    def pid(self) -> int | None:
        """The process's number; None while there is none."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def close(self) -> None:
        """End the process at once."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _answer_calls(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            call = await self._queue.get()
            if call.answer.done():
                continue
            if call.wanted is not None and not await call.wanted():
                call.answer.set_exception(NotWantedError())
                continue
            self._running = call.request[0]
            try:
                kind, value = await loop.run_in_executor(self._thread, self._exchange, call, loop)
            except WorkerDiedError as error:
                kind, value = "died", error
            self._running = ""
            if call.answer.done():  # its client has gone
                continue
            if kind == "done":
                call.answer.set_result(value)
            else:
                error = {
                    "died": lambda value: value,
                    "cancelled": lambda value: NotWantedError(),
                    "refused": UserError,
                    "failed": ColorjaxError,
                }[kind](value)
                call.answer.set_exception(error)

    def _ensure_process(self) -> None:
        if self._closed or (self._process is not None and self._process.is_alive()):
            return
        context = multiprocessing.get_context("spawn")  # jax's threads do not survive a fork
        self._connection, other = context.Pipe()
        self._process = context.Process(target=child.main, args=(other, self._niceness), daemon=True)
        self._process.start()
        other.close()

    def _exchange(self, call: _Call, loop: asyncio.AbstractEventLoop) -> tuple[str, Any]:
        self._ensure_process()
        try:
            self._connection.send(call.request)
            while True:
                kind, value = self._connection.recv()
                if kind != "progress":
                    return kind, value
                loop.call_soon_threadsafe(call.progress, value)
        except (EOFError, OSError):
            self._process.kill()
            self._process.join()
            raise WorkerDiedError("the program that works on pictures ended, perhaps for lack of memory") from None
