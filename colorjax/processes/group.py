"""The group of processes that this one belongs to: its index, their number and their shared store."""

import dataclasses
import os
import socket
from collections.abc import Mapping

from colorjax.processes.coordinator import Coordinator
from colorjax.processes.jax_private import Store


@dataclasses.dataclass
class Group:
    """The group of processes, seen from this process.

    Attributes:
      index: of this process, from 0 on.
      count: number of processes.
      store: the store that they share; None for a single process.
      members: index -> name of the process in messages.
      coordinator: in process 0 of several, the running coordinator; None elsewhere.
    """

    index: int = 0
    count: int = 1
    store: Store | None = None
    members: Mapping[int, str] = dataclasses.field(default_factory=dict)
    coordinator: Coordinator | None = None


GROUP = Group()  # global, as jax's own state is: a process belongs to one group only


def index() -> int:
    """Return the index of this process, from 0 on."""
    return GROUP.index


def count() -> int:
    """Return the number of processes."""
    return GROUP.count


def is_first() -> bool:
    """Whether this is process 0, which writes files and prints."""
    return GROUP.index == 0


def own_name(index: int, count: int) -> str:
    """Return the name of this process in messages."""
    return f"process {index} of {count} ({socket.gethostname()}, pid {os.getpid()})"
