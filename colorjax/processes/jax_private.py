"""All uses of private parts of jax: the service, the client and the store through which processes work together.

jax has no public interface to its store, or for running a separate coordinator, so these parts may change with any
version. They were tried with jax 0.10.1 (Python 3.11) and 0.12.0 (Python 3.13). If a version does not fit, the error is
a `UserError` that names it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from colorjax.errors import UserError

TRIED = ("0.10.1", "0.12.0")
POLL_SECONDS = 1  # longest wait in C++; Python's signal handlers run between the waits

# The methods of jax's client that `Store`, `joining` and `leave_group` call.
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
    """Within this context, report missing parts of jax as a `UserError` that names jax's version."""
    try:
        yield
    except (ImportError, AttributeError, TypeError) as error:
        raise UserError(
            f"jax {metadata.version('jax')} does not have what several processes need of it ({error}); "
            f"install one that they were tried with ({', '.join(TRIED)}), or use one process"
        ) from error


def start_service(port: int, count: int, heartbeat_seconds: int) -> Callable[[], None]:
    """Start jax's service for `count` processes on `port` at all addresses; return a function that ends it.

    Args:
      port: where it listens.
      count: number of processes.
      heartbeat_seconds: after this time without a heartbeat, jax treats a process as dead.

    Raises:
      UserError: this version of jax has no such service.
    """
    with _as_tried():
        from jaxlib import _jax  # importing jax itself would take a second more

        service = _jax.get_distributed_runtime_service(f"[::]:{port}", count, heartbeat_timeout=heartbeat_seconds)
        return service.shutdown


def new_client(address: str, index: int, init_seconds: int, heartbeat_seconds: int) -> Any:
    """Return a client of the service at `address`; its method `connect` connects it.

    Args:
      address: HOST:PORT of the service.
      index: of this process.
      init_seconds: time limit of `connect`; at its end jax dumps core.
      heartbeat_seconds: after this time without a heartbeat, jax treats a process as dead.

    Raises:
      UserError: this version of jax has no such client.
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
    """Register this process with jax as one of several, so that jax sees the devices of all processes.

    Args:
      client: from `new_client`, connected.
      address: HOST:PORT of the service.
      index: of this process.
      count: number of processes.
    """
    state = _state()
    state.client, state.process_id, state.num_processes = client, index, count
    state.coordinator_address = address


def leave_group() -> None:
    """Shut down jax's client; this waits until all other processes do so too."""
    state = _state()
    state.client.shutdown()
    state.client = None  # otherwise jax shuts it down a second time at exit


def _state() -> Any:
    from jax._src import distributed

    return distributed.global_state


class Store:
    """A key-value store that all processes share, kept by jax's service.

    Keys are paths such as 'beat/3'; values are bytes of any length.

    Args:
      client: jax's client of the service, connected.
    """

    def __init__(self, client: Any):
        self._client = client

    def put(self, key: str, value: bytes) -> None:
        """Write a value; an existing value is replaced."""
        self._client.key_value_set_bytes(key, value, allow_overwrite=True)

    def put_new(self, key: str, value: bytes) -> bool:
        """Write a value unless the key has one; return whether it was written."""
        try:
            self._client.key_value_set_bytes(key, value)
        except RuntimeError as error:
            if "ALREADY_EXISTS" in str(error):
                return False
            raise
        return True

    def get(self, key: str) -> bytes:
        """Wait for a value and return it. If the value should come from a dead process, the watch ends this process."""
        while True:
            try:
                return self._client.blocking_key_value_get_bytes(key, POLL_SECONDS * 1000)
            except RuntimeError as error:
                if "DEADLINE_EXCEEDED" not in str(error):
                    raise

    def look(self, key: str) -> bytes | None:
        """Return a value, or None if there is none yet."""
        try:
            return self._client.key_value_try_get_bytes(key)
        except RuntimeError as error:
            if "NOT_FOUND" in str(error):
                return None
            raise

    def folder(self, key: str) -> dict[str, bytes]:
        """Return all values below `key`, each by the last part of its path."""
        return {name.rpartition("/")[2]: value for name, value in self._client.key_value_dir_get_bytes(f"{key}/")}

    def delete(self, key: str) -> None:
        """Delete a value, or all values below the key."""
        self._client.key_value_delete(key)
