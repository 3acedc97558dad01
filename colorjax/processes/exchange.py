"""Exchange of values between the processes, exact and without their devices.

A value is made of dicts, lists, strings, numbers, booleans, None and NumPy arrays; tuples come back as lists. Each
function is called by all processes, in the same order; a call by one only is a wait without end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from colorjax.processes.group import GROUP, is_first

_PART = 4 * 2**20  # bytes of a value that are written at once; gRPC does not like messages of hundreds of megabytes


class _Rounds:
    """Numbers the exchanges, alike in all processes, and knows which values may be forgotten."""

    def __init__(self):
        self.number = 0
        self.read_by_all = []  # keys that all processes have read once they all have come to the next `gather`

    def next(self) -> str:
        self.number += 1
        return f"exchange/{self.number}"


_ROUNDS = _Rounds()


def gather(value: Any) -> list[Any]:
    """Return the values of all processes, in their order, in each of them."""
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
    """Return once all processes are here."""
    gather(None)


def from_first(value: Any) -> Any:
    """Return the value of process 0 in all of them; it waits for none."""
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
    """Let process 0 through the body, and then the others: it makes what they find."""
    if not is_first():
        from_first(None)
    yield
    if is_first():
        from_first(None)


def _write(key: str, value: Any) -> None:
    from flax import serialization

    data = serialization.msgpack_serialize(_with_lists(value), in_place=True)  # a copy would have its keys sorted
    parts = range(0, len(data), _PART)
    for number, start in enumerate(parts):
        GROUP.store.put(f"{key}/part/{number}", data[start : start + _PART])
    GROUP.store.put(f"{key}/parts", str(len(parts)).encode())


def _with_lists(value: Any) -> Any:
    """Return `value` with a list for each tuple, which msgpack does not know."""
    if isinstance(value, dict):
        return {name: _with_lists(item) for name, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, list | tuple) else value


def _read(key: str) -> Any:
    from flax import serialization

    parts = int(GROUP.store.get(f"{key}/parts"))
    return serialization.msgpack_restore(b"".join(GROUP.store.get(f"{key}/part/{n}") for n in range(parts)))
