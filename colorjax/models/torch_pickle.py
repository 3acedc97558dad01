"""Read the tensors in a file that PyTorch wrote, without PyTorch.

Since version 1.6 the file is a zip archive: `data.pkl`, the pickled object, and `data/KEY`, the numbers of a storage.
Before, in the "legacy" format, it was a sequence of pickles (a magic number, a version, facts on the machine, the
object, the names of its storages), then the storages' numbers. A pickle can call any function; here it can build
dictionaries of tensors and nothing else.
"""

import collections
import io
import math
import pickle
import struct
import zipfile
import zlib
from collections.abc import Iterator
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
        kind, storage_type, key, _, length, *view = reference  # only the legacy format has a view
        if kind != "storage" or not isinstance(storage_type, _StorageType) or any(part is not None for part in view):
            raise pickle.UnpicklingError("it refers to something other than a storage")
        return _Storage(str(key), storage_type.dtype, int(length))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a state dict by name; those of a dictionary of state dicts as KEY/NAME.

    Args:
      path: a file that `torch.save(module.state_dict(), path)` wrote, in either format.

    Raises:
      UserError: the file can't be read, is of another format, is cut short, or its pickle holds anything but tensors.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    try:
        return _read_archive(data) if data.startswith(b"PK") else _read_legacy(io.BytesIO(data))
    except (pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError) as error:
        unknown = not str(error).strip(" .") or str(error).startswith("invalid load key")
        reason = "it is none of PyTorch's" if unknown else error
        raise UserError(f"{path}: no file of weights that can be read: {reason}") from None
    except (struct.error, OverflowError, MemoryError, RecursionError, zipfile.BadZipFile, zlib.error):
        raise UserError(f"{path}: no file of weights that can be read: it is cut short or damaged") from None


def _read_archive(data: bytes) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        (pickled,) = [name for name in entries if name.endswith("/data.pkl")] or [""]
        if not pickled:
            raise pickle.UnpicklingError("it is a zip archive, but none of PyTorch's")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
            raise pickle.UnpicklingError("it is a compressed archive, which PyTorch does not write")
        folder = pickled.removesuffix("data.pkl")
        if f"{folder}byteorder" in entries and archive.read(f"{folder}byteorder") != b"little":
            raise pickle.UnpicklingError("its numbers are big-endian; save it anew on another machine")
        tensors = dict(_named(_TensorsOnly(io.BytesIO(archive.read(pickled))).load()))
        storages = {}
        for storage in {tensor.storage for tensor in tensors.values()}:
            values = archive.read(f"{folder}data/{storage.key}")
            storages[storage.key] = np.frombuffer(values, storage.dtype, storage.length)
    return {name: _array(storages[tensor.storage.key], tensor) for name, tensor in tensors.items()}


def _read_legacy(file: io.BytesIO) -> dict[str, np.ndarray]:
    if [_TensorsOnly(file).load(), _TensorsOnly(file).load()] != [_MAGIC, _VERSION]:
        raise pickle.UnpicklingError("it is no file of PyTorch's")
    _TensorsOnly(file).load()  # facts on the machine that wrote it
    tensors, keys = dict(_named(_TensorsOnly(file).load())), _TensorsOnly(file).load()
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
    storages = {}
    for key in keys:  # the storages follow in this order
        (length,) = struct.unpack("<q", file.read(8))
        data = file.read(length * dtypes[key].itemsize)
        storages[key] = np.frombuffer(data, dtypes[key], length)
    return {name: _array(storages[tensor.storage.key], tensor) for name, tensor in tensors.items()}


def _named(value: Any, parents: str = "") -> Iterator[tuple[str, _Tensor]]:
    """Yield the tensors in a dictionary, and in the dictionaries in it, with their names."""
    if not isinstance(value, dict):
        raise pickle.UnpicklingError("it is no dictionary of tensors")
    for key, member in value.items():
        if isinstance(member, _Tensor):
            yield f"{parents}{key}", member
        else:
            yield from _named(member, f"{parents}{key}/")


def _array(storage: np.ndarray, tensor: _Tensor) -> np.ndarray:
    if min((tensor.offset, *tensor.shape, *tensor.strides), default=0) < 0:
        raise ValueError("a tensor with a negative size")
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides, strict=True))
    count = math.prod(tensor.shape)
    if count and (last >= storage.size or count > storage.size):
        raise ValueError("a tensor that is larger than its storage")
    strides = [step * storage.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False).copy()
