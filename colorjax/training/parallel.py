"""Devices, and nothing but devices: the one file to change for another mapping of the step onto them.

The mapping is `jax.pmap`, over the devices of all processes. Everything on the devices has a leading axis of one entry
for each device of this process: the state and the resident data hold the same in each entry, a process's rows of a
batch are cut into equal shares. Outside of this file there is no such axis.

`devices` are those of all processes, in the order in which jax has them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from colorjax import processes
from colorjax.errors import UserError

AXIS = "devices"  # the name under which a model's batch normalization finds the other devices

Devices = Sequence[jax.Device]


def check_batch_size(batch_size: int, devices: Devices) -> None:
    """Raise a `UserError` unless the devices of all processes get equal shares of a batch."""
    count = len(devices)
    of_each = [sum(device.process_index == process for device in devices) for process in range(processes.count())]
    if len(set(of_each)) > 1:
        raise UserError(f"the processes have {', '.join(map(str, of_each))} devices; give each of them as many")
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
    """Compile `step(state, batch, resident) -> (state, metrics)` for all devices; the state is donated.

    Returns:
      `step(state, batch, resident, request=0)`; its metrics have also 'request', the largest of the requests that the
      processes gave. It rides on the step because all must get to know of it at the same one, and a collective
      operation of its own would cost as much as a small step.
    """

    def with_request(state: Any, batch: Any, resident: Any, request: jax.Array) -> tuple[Any, dict[str, jax.Array]]:
        state, metrics = step(state, batch, resident)
        return state, {**metrics, "request": jax.lax.pmax(request, AXIS)}

    mapped = jax.pmap(with_request, axis_name=AXIS, devices=devices, donate_argnums=0)
    requests = {}  # on the devices already, so that a step does not wait for the copy
    begun = False

    def call(state: Any, batch: Any, resident: Any, request: int = 0) -> tuple[Any, dict[str, jax.Array]]:
        nonlocal begun
        if request not in requests:
            requests[request] = replicate(np.int32(request), devices)
        arguments = state, batch, resident, requests[request]
        if not begun:
            # The first collective operation waits 30 s for the others, so it must not wait for their compiler.
            mapped.lower(*arguments).compile()
            processes.wait_for_all()
            begun = True
        return mapped(*arguments)

    return call


def from_first(tree: Any) -> Any:
    """Return the NumPy arrays of process 0 in all processes, which have arrays of the same shapes, over the devices."""
    if processes.count() == 1:
        return tree
    # As bytes, because jax adds zeros, which makes 0.0 of -0.0.
    data = jax.tree.map(lambda x: np.ascontiguousarray(x).reshape(-1).view(np.uint8), tree)
    processes.wait_for_all()  # as before the first step
    data = multihost_utils.broadcast_one_to_all(data)
    return jax.tree.map(lambda x, old: np.asarray(x).view(old.dtype).reshape(old.shape), data, tree)


def replicate(tree: Any, devices: Devices) -> Any:
    """Put a copy of each array `[...]` on every device of this process: `[devices of it, ...]`."""
    sharding = _sharding(devices)
    count = sharding.mesh.size

    def put(x: Any) -> jax.Array:
        x = np.asarray(x)
        return jax.device_put(np.broadcast_to(x, (count, *x.shape)), sharding)

    return jax.tree.map(put, tree)


def first(tree: Any) -> Any:
    """Return the first device's entry of each array, as NumPy arrays of their own, and wait for them.

    They are copies because on a CPU NumPy would otherwise look into a buffer that the next step is given to reuse.
    """
    return jax.tree.map(lambda x: np.array(np.asarray(x.addressable_data(0))[0]), tree)


def prefetch(batches: Iterable[Any], devices: Devices, ahead: int = 2) -> Iterator[Any]:
    """Yield the batches, each leaf `[b, ...]` as shares `[devices, b / devices, ...]` on the devices of this process.

    Copies to the devices are begun `ahead` batches before they are asked for, so a step does not wait for its own.
    """
    sharding = _sharding(devices)

    def put(x: np.ndarray) -> jax.Array:
        return jax.device_put(x.reshape(sharding.mesh.size, -1, *x.shape[1:]), sharding)

    batches = iter(batches)
    waiting = deque(jax.tree.map(put, batch) for batch in islice(batches, ahead))
    while waiting:
        yield waiting.popleft()
        waiting.extend(jax.tree.map(put, batch) for batch in islice(batches, 1))


def local(devices: Devices) -> list[jax.Device]:
    """Return the devices of this process."""
    return [device for device in devices if device.process_index == processes.index()]


def _sharding(devices: Devices) -> NamedSharding:
    return NamedSharding(Mesh(np.array(local(devices)), (AXIS,)), PartitionSpec(AXIS))
