"""Devices, and nothing but devices: the one file to change for another mapping of the step onto them.

The mapping is `jax.pmap`. Everything on the devices has a leading axis of one entry a device: the state and the
resident data hold the same in each entry, a batch is cut into equal shares. Outside of this file there is no such axis.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from colorjax.errors import UserError

AXIS = "devices"  # the name under which a model's batch normalization finds the other devices

Devices = Sequence[jax.Device]


def check_batch_size(batch_size: int, devices: Devices) -> None:
    """Raise a `UserError` unless the devices of all processes get equal shares of a batch."""
    count = len(devices) * jax.process_count()
    if batch_size > 0 and batch_size % count == 0:
        return
    below = batch_size // count * count
    sizes = f"{below} or {below + count}" if below > 0 else f"{count}"
    raise UserError(
        f"config.training.batch_size={batch_size} does not go equally into {count} device(s); use {sizes}, "
        "or another number of devices"
    )


def mean(tree: Any) -> Any:
    """Return the mean over the devices of each leaf, inside a mapped step."""
    return jax.lax.pmean(tree, AXIS)


def map_step(step: Callable, devices: Devices) -> Callable:
    """Compile `step(state, batch, resident) -> (state, metrics)` for all devices; the state is donated."""
    return jax.pmap(step, axis_name=AXIS, devices=devices, donate_argnums=0)


def replicate(tree: Any, devices: Devices) -> Any:
    """Put a copy of each array `[...]` on every device: `[devices, ...]`."""
    sharding = _sharding(devices)

    def put(x: Any) -> jax.Array:
        x = np.asarray(x)
        return jax.device_put(np.broadcast_to(x, (len(devices), *x.shape)), sharding)

    return jax.tree.map(put, tree)


def first(tree: Any) -> Any:
    """Return the first device's entry of each array, as NumPy arrays of their own, and wait for them.

    They are copies because on a CPU NumPy would otherwise look into a buffer that the next step is given to reuse.
    """
    return jax.tree.map(lambda x: np.array(np.asarray(x.addressable_data(0))[0]), tree)


def prefetch(batches: Iterable[Any], devices: Devices, ahead: int = 2) -> Iterator[Any]:
    """Yield the batches, each leaf `[b, ...]` as shares `[devices, b / devices, ...]` on the devices.

    Copies to the devices are begun `ahead` batches before they are asked for, so a step does not wait for its own.
    """
    sharding = _sharding(devices)

    def put(x: np.ndarray) -> jax.Array:
        return jax.device_put(x.reshape(len(devices), -1, *x.shape[1:]), sharding)

    batches = iter(batches)
    waiting = deque(jax.tree.map(put, batch) for batch in islice(batches, ahead))
    while waiting:
        yield waiting.popleft()
        waiting.extend(jax.tree.map(put, batch) for batch in islice(batches, 1))


def _sharding(devices: Devices) -> NamedSharding:
    return NamedSharding(Mesh(np.array(devices), (AXIS,)), PartitionSpec(AXIS))
