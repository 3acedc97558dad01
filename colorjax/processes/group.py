"""Which process this is, among how many, and where they keep what all of them read."""

import dataclasses
import os
import socket
from collections.abc import Mapping

from colorjax.processes.coordinator import Coordinator
from colorjax.processes.jax_private import Store


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
