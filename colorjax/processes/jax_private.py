"""All uses of jax's private parts: the service, the client and the store by which processes work together.

jax keeps no public way to its store, or to a coordinator of one's own, so these may change with any version of it.
Tried with jax 0.10.1 (Python 3.11) and 0.12.0 (Python 3.13); where one does not fit, a `UserError` names the version.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from colorjax.errors import UserError

TRIED = ("0.10.1", "0.12.0")
POLL_SECONDS = 1  # that a wait in C++ takes at most, so that Python's signal handlers run in between

# What `Store`, `joining` and `leave_group` call of jax's client.
_OF_CLIENT = (
    "blocking_key_value_get_bytes",
    "connect",
    "key_value_delete",
    "key_value_dir_get_bytes",
    "key_value_set_bytes",
    "key_value_try_get_bytes",
    "shutdown",
)
_OF_STATE = ("client", "coordinator_address", "num_processes", "process_id")


@contextmanager
def _as_tried() -> Iterator[None]:
    """Inside, what is missing of jax is a `UserError` with its version."""
    try:
        yield
    except (ImportError, AttributeError, TypeError) as error:
        raise UserError(
            f"jax {metadata.version('jax')} does not have what several processes need of it ({error}); "
            f"install one that they were tried with ({', '.join(TRIED)}), or use one process"
        ) from error


def start_service(port: int, count: int, heartbeat_seconds: int) -> Callable[[], None]:
    """Serve `count` processes on `port` of all addresses; return what ends it.

    Raises:
      UserError: this jax has no such service.
    """
    with _as_tried():
        from jaxlib import _jax  # not jax, which takes a second more

        service = _jax.get_distributed_runtime_service(f"[::]:{port}", count, heartbeat_timeout=heartbeat_seconds)
        return service.shutdown


def new_client(address: str, index: int, init_seconds: int, heartbeat_seconds: int) -> Any:
    """Return a client of the service at `address`, not connected yet; its method `connect` does that.

    Args:
      address: HOST:PORT.
      index: of this process.
      init_seconds: that `connect` may take; at its end jax dumps core.
      heartbeat_seconds: without a sign of life, after which jax takes a process for dead.

    Raises:
      UserError: this jax has no such client.
    """
    with _as_tried():
        from jax._src.lib import _jax

        client = _jax.get_distributed_runtime_client(
            address,
            index,
            init_timeout=init_seconds,
            heartbeat_timeout=heartbeat_seconds,
            shutdown_on_destruction=False,
            use_compression=False,
        )
        for name in _OF_CLIENT:
            getattr(client, name)
        for name in _OF_STATE:
            getattr(_state(), name)
    return client


def enter_group(client: Any, address: str, index: int, count: int) -> None:
    """Tell jax that this process is one of `count`, by a client that has connected: it has the devices of all then."""
    state = _state()
    state.client, state.process_id, state.num_processes = client, index, count
    state.coordinator_address = address


def leave_group() -> None:
    """End jax's client, when those of all other processes end."""
    state = _state()
    state.client.shutdown()
    state.client = None  # jax would say farewell a second time


def _state() -> Any:
    from jax._src import distributed

    return distributed.global_state


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
