"""Exact exchange of values between the processes, without their devices.

A value consists of dicts, lists, strings, numbers, booleans, None and NumPy arrays; tuples come back as lists. All
processes must call the functions in the same order. If only one process makes a call, it waits forever.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from colorjax.processes.group import GROUP, is_first

_PART = 4 * 2**20  # bytes of a value that are written at once; gRPC handles messages of hundreds of megabytes badly


class _Rounds:
    """Numbers the exchanges, alike in all processes, and lists the keys that can be deleted."""

    def __init__(self):
        self.number = 0
        self.read_by_all = []  # keys that all processes have read by the time they all reach the next `gather`

    def next(self) -> str:
        self.number += 1
        return f"exchange/{self.number}"


_ROUNDS = _Rounds()


def gather(value: Any) -> list[Any]:
    """Return the values of all processes, in the order of the processes; each process receives all of them."""
    if GROUP.count == 1:
        return [value]
    key = _ROUNDS.next()
    if not is_first():
        _write(f"{key}/{GROUP.index}", value)
        return _read(f"{key}/all")
    values = [value, *(_read(f"{key}/{index}") for index in range(1, GROUP.count))]
    for old in _ROUNDS.read_by_all:
        GROUP.store.delete(old)
    _ROUNDS.read_by_all = [key]
    _write(f"{key}/all", values)
    return values


def wait_for_all() -> None:
    """Wait until all processes have called this."""
    gather(None)


def from_first(value: Any) -> Any:
    """Return process 0's value in every process. Process 0 waits for no other process."""
    if GROUP.count == 1:
        return value
    key = _ROUNDS.next()
    if not is_first():
        return _read(key)
    _write(key, value)
    _ROUNDS.read_by_all.append(key)
    return value


@contextmanager
def first_then_rest() -> Iterator[None]:
    """Run the body in process 0 first, and then in the others, which find what process 0 has made."""
    if not is_first():
        from_first(None)
    yield
    if is_first():
        from_first(None)


def _write(key: str, value: Any) -> None:
    from flax import serialization

    data = serialization.msgpack_serialize(_with_lists(value), in_place=True)  # without it flax sorts the keys
    parts = range(0, len(data), _PART)
    for number, start in enumerate(parts):
        GROUP.store.put(f"{key}/part/{number}", data[start : start + _PART])
    GROUP.store.put(f"{key}/parts", str(len(parts)).encode())


def _with_lists(value: Any) -> Any:
    """Return `value` with lists for tuples, since msgpack has no tuples."""
    if isinstance(value, dict):
        return {name: _with_lists(item) for name, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, list | tuple) else value


def _read(key: str) -> Any:
    from flax import serialization

    parts = int(GROUP.store.get(f"{key}/parts"))
    return serialization.msgpack_restore(b"".join(GROUP.store.get(f"{key}/part/{n}") for n in range(parts)))
