"""Read the tensors in a file that PyTorch wrote before version 1.6 (its "legacy" format), without PyTorch.

The format is a sequence of pickles (a magic number, a version, facts on the machine, the object, the names of its
storages), then the storages' numbers. A pickle can call any function; here it can build a dictionary of tensors and
nothing else.
"""

import collections
import io
import pickle
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from colorjax.errors import UserError

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_STORAGES = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}


class _Tensor(NamedTuple):
    """A tensor in a storage: the storage's name, and the tensor's offset, shape and strides in numbers."""

    storage: "_Storage"
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Storage(NamedTuple):
    key: str
    dtype: np.dtype
    length: int


class _StorageType(NamedTuple):
    dtype: np.dtype


def _rebuild_tensor(storage: Any, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("a tensor without a storage")
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


class _TensorsOnly(pickle.Unpickler):
    """An unpickler that knows tensors, storages and ordered dictionaries."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name in the pickle, or raise `UnpicklingError`."""
        if module == "torch" and name in _STORAGES:
            return _StorageType(_STORAGES[name])
        known = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, and only tensors are read")
        return known[module, name]

    def persistent_load(self, reference: Any) -> _Storage:
        """Return the storage that a reference names."""
        kind, storage_type, key, _, length, view = reference
        if kind != "storage" or not isinstance(storage_type, _StorageType) or view is not None:
            raise pickle.UnpicklingError("it refers to something other than a storage")
        return _Storage(str(key), storage_type.dtype, int(length))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a state dict by name.

    Args:
      path: a file that `torch.save(module.state_dict(), path)` wrote in the legacy format.

    Raises:
      UserError: the file can't be read, is of another format, is cut short, or its pickle holds anything but tensors.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    if data.startswith(b"PK"):
        raise UserError(f"{path}: it is in PyTorch's newer format; save it with _use_new_zipfile_serialization=False")
    file = io.BytesIO(data)
    try:
        if [_TensorsOnly(file).load(), _TensorsOnly(file).load()] != [_MAGIC, _VERSION]:
            raise pickle.UnpicklingError("it is no file of PyTorch's legacy format")
        _TensorsOnly(file).load()  # facts on the machine that wrote it
        tensors, keys = _TensorsOnly(file).load(), _TensorsOnly(file).load()
        if not isinstance(tensors, dict) or not all(isinstance(value, _Tensor) for value in tensors.values()):
            raise pickle.UnpicklingError("it is no dictionary of tensors")
        return _arrays(file, tensors, keys)
    except (pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError) as error:
        raise UserError(f"{path}: no file of weights that can be read: {error or type(error).__name__}") from None
    except (struct.error, OverflowError, MemoryError):
        raise UserError(f"{path}: no file of weights that can be read: it is cut short or damaged") from None


def _arrays(file: io.BytesIO, tensors: dict[str, _Tensor], keys: list[str]) -> dict[str, np.ndarray]:
    """Return the arrays of the tensors; the storages follow in the file, in the order of `keys`."""
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
    storages = {}
    for key in keys:
        (length,) = struct.unpack("<q", file.read(8))
        data = file.read(length * dtypes[key].itemsize)
        storages[key] = np.frombuffer(data, dtypes[key], length)
    return {str(name): _array(storages[tensor.storage.key], tensor) for name, tensor in tensors.items()}


def _array(storage: np.ndarray, tensor: _Tensor) -> np.ndarray:
    if min((tensor.offset, *tensor.shape, *tensor.strides), default=0) < 0:
        raise ValueError("a tensor with a negative size")
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides, strict=True))
    if np.prod(tensor.shape, dtype=np.int64) and last >= storage.size:
        raise ValueError("a tensor that is larger than its storage")
    strides = [step * storage.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False).copy()
