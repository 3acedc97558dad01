"""Which process this is, among how many, and the store that they all read and write."""

import dataclasses
import os
import socket
from collections.abc import Mapping
from typing import Any

from colorjax.processes.coordinator import Coordinator

POLL_SECONDS = 1  # that a wait in C++ takes at most, so that Python's signal handlers run in between


class Store:
    """A key-value store that all processes see, in the coordinator of jax: `client` is jax's client of it.

    Keys are paths such as 'beat/3', values are bytes of any length.
    """

    def __init__(self, client: Any):
        self._client = client

    def put(self, key: str, value: bytes) -> None:
        """Write a value, over one that is there."""
        self._client.key_value_set_bytes(key, value, allow_overwrite=True)

    def put_new(self, key: str, value: bytes) -> bool:
        """Write a value unless there is one; return whether it was written."""
        try:
            self._client.key_value_set_bytes(key, value)
        except RuntimeError as error:
            if "ALREADY_EXISTS" in str(error):
                return False
            raise
        return True

    def get(self, key: str) -> bytes:
        """Return a value, once it is there; who waits for a dead process is ended by the watch."""
        while True:
            try:
                return self._client.blocking_key_value_get_bytes(key, POLL_SECONDS * 1000)
            except RuntimeError as error:
                if "DEADLINE_EXCEEDED" not in str(error):
                    raise

    def look(self, key: str) -> bytes | None:
        """Return a value, or None where there is none."""
        try:
            return self._client.key_value_try_get_bytes(key)
        except RuntimeError as error:
            if "NOT_FOUND" in str(error):
                return None
            raise

    def folder(self, key: str) -> dict[str, bytes]:
        """Return all values below `key`, by what follows it and the slash."""
        return {name.rpartition("/")[2]: value for name, value in self._client.key_value_dir_get_bytes(f"{key}/")}

    def delete(self, key: str) -> None:
        """Delete a value, or all below the key."""
        self._client.key_value_delete(key)


@dataclasses.dataclass
class Group:
    """This process among the others.

    Attributes:
      index: of this process.
      count: of all.
      store: theirs; None for a process alone.
      members: how a line calls each of them.
      coordinator: in process 0, where they meet.
    """

    index: int = 0
    count: int = 1
    store: Store | None = None
    members: Mapping[int, str] = dataclasses.field(default_factory=dict)
    coordinator: Coordinator | None = None


GROUP = Group()  # like jax's own: what a process is among others it is as a whole


def index() -> int:
    """Return which process this is, from 0 on."""
    return GROUP.index


def count() -> int:
    """Return how many processes there are."""
    return GROUP.count


def is_first() -> bool:
    """Whether this is process 0, which writes files and speaks."""
    return GROUP.index == 0


def own_name(index: int, count: int) -> str:
    """Return how a line calls this process."""
    return f"process {index} of {count} ({socket.gethostname()}, pid {os.getpid()})"
