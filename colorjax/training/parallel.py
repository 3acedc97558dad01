"""The mapping of the training step onto devices; this is the only file to change for another mapping.

The mapping is `jax.pmap`, over the devices of all processes. Every array on the devices has a leading axis with one
entry for each device of this process. For the state and the resident data all entries are equal; a process's rows of a
batch are divided into equal shares. Outside of this file there is no such axis.

`devices` are those of all processes, in jax's order.
"""

import zlib
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

AXIS = "devices"  # name of the mapped axis, over which batch normalization takes its statistics

Devices = Sequence[jax.Device]


def check_batch_size(batch_size: int, devices: Devices) -> None:
    """Check that the devices of all processes get equal shares of a batch.

    Raises:
      UserError: they don't.
    """
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
    """Return the mean of each leaf over the devices; for use inside a mapped step."""
    return jax.lax.pmean(tree, AXIS)


def map_step(step: Callable, devices: Devices) -> Callable:
    """Compile `step(state, batch, resident) -> (state, metrics)` for all devices; the state is donated.

    Returns:
      `step(state, batch, resident, request=0)`. Its metrics also have 'request', the largest `request` of all
      processes. The request is a part of the step because all processes must receive it in the same step, and a
      separate collective operation would take as long as a small step.
    """

    def with_request(state: Any, batch: Any, resident: Any, request: jax.Array) -> tuple[Any, dict[str, jax.Array]]:
        state, metrics = step(state, batch, resident)
        return state, {**metrics, "request": jax.lax.pmax(request, AXIS)}

    mapped = jax.pmap(with_request, axis_name=AXIS, devices=devices, donate_argnums=0)
    requests = {}  # copies on the devices, so that a step does not wait for the transfer
    begun = False

    def call(state: Any, batch: Any, resident: Any, request: int = 0) -> tuple[Any, dict[str, jax.Array]]:
        nonlocal begun
        if request not in requests:
            requests[request] = replicate(np.int32(request), devices)
        arguments = state, batch, resident, requests[request]
        if not begun:
            # The first collective operation waits at most 30 s for the other processes, which is too short for them to
            # compile. So all compile first.
            mapped.lower(*arguments).compile()
            processes.wait_for_all()
            begun = True
        return mapped(*arguments)

    return call


def from_first(tree: Any) -> Any:
    """Return the NumPy arrays of process 0 in all processes; in the others `tree` gives their shapes and types."""
    if processes.count() == 1:
        return tree
    # As bytes, because jax broadcasts by adding zeros, which would turn -0.0 into 0.0.
    data = jax.tree.map(lambda x: np.ascontiguousarray(x).reshape(-1).view(np.uint8), tree)
    processes.wait_for_all()  # for the same reason as before the first step
    data = multihost_utils.broadcast_one_to_all(data)
    return jax.tree.map(lambda x, old: np.asarray(x).view(old.dtype).reshape(old.shape), data, tree)


def replicate(tree: Any, devices: Devices) -> Any:
    """Return a copy of each array `[...]` on every device of this process: `[devices of this process, ...]`."""
    sharding = _sharding(devices)
    count = sharding.mesh.size

    def put(x: Any) -> jax.Array:
        x = np.asarray(x)
        return jax.device_put(np.broadcast_to(x, (count, *x.shape)), sharding)

    return jax.tree.map(put, tree)


def first(tree: Any) -> Any:
    """Wait for the arrays and return the first device's entry of each, as a NumPy array.

    The results are copies. On a CPU they would otherwise share a buffer that the next step reuses.
    """
    return jax.tree.map(lambda x: np.array(np.asarray(x.addressable_data(0))[0]), tree)


def same_everywhere(tree: Any) -> bool:
    """Return whether each array is the same, bit for bit, on the devices of all processes; all processes call it."""
    leaves = jax.tree.leaves(tree)
    if not leaves:
        return True
    sums = [[zlib.crc32(np.ascontiguousarray(shard.data)) for shard in leaf.addressable_shards] for leaf in leaves]
    every = processes.gather(sums)
    return all(len({value for of_one in every for value in of_one[number]}) == 1 for number in range(len(leaves)))


def prefetch(batches: Iterable[Any], devices: Devices, ahead: int = 2) -> Iterator[Any]:
    """Yield the batches, each leaf `[b, ...]` as shares `[devices, b / devices, ...]` on the devices of this process.

    The copy of a batch to the devices starts `ahead` batches early, so that a step does not wait for its batch.
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
