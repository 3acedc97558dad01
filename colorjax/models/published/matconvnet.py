"""Read networks of MatConvNet (`simplenn`) from MATLAB's files, as the authors of DnCNN, FFDNet and IRCNN publish them.

The file has a structure `net` with a cell of `layers`, or a cell `CNNdenoiser` of such cells. A layer is a structure
with the field `type`; those of convolutions have `weights` {filters [K, K, Cin, Cout], biases}, `pad`, `stride` and
`dilate`, those of batch normalization `weights` {scale, shift, moments [Cout, 2]}.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from colorjax.errors import UserError
from colorjax.models.published.chain import Chain, Convolution

START = b"MATLAB"  # of every file of MATLAB 5 and later
_HDF = b"\x89HDF"


def is_matlab(data: bytes) -> bool:
    """Return whether a file's bytes are those of a MATLAB file."""
    return data.startswith((START, _HDF))


def read_chains(data: bytes, path: Path) -> tuple[Chain, ...]:
    """Return the chains of convolutions in a MATLAB file.

    Args:
      data: the content of the file.
      path: for error messages.

    Raises:
      UserError: a file of MATLAB 7.3, one that is damaged, one without such a network, or a network with other layers.
    """
    if data.startswith((_HDF, b"MATLAB 7.3")):
        raise UserError(f"{path}: a file of MATLAB 7.3, which is not read; save it in MATLAB with -v7")
    try:
        content = scipy.io.loadmat(io.BytesIO(data))
    except Exception as error:  # a damaged file makes SciPy raise nearly anything
        raise UserError(f"{path}: no MATLAB file that can be read: it is cut short or damaged ({error})") from None
    try:
        several = "CNNdenoiser" in content
        networks = list(content["CNNdenoiser"].reshape(-1)) if several else [content["net"]]
        layers = [_cell(network["layers"] if network.dtype.names else network) for network in networks]
    except (KeyError, ValueError, IndexError, AttributeError, TypeError):
        raise UserError(f"{path}: it has no network of MatConvNet: neither net.layers nor CNNdenoiser") from None
    return tuple(_chain(each, str(path)) for each in layers)


def _cell(value: np.ndarray) -> Sequence[Any]:
    """Return the members of a cell, which a structure wraps in an array of objects."""
    while value.dtype == object and value.size == 1 and isinstance(value.flat[0], np.ndarray):
        if value.flat[0].dtype.names:
            break
        value = value.flat[0]
    return list(value.reshape(-1))


def _chain(layers: Sequence[Any], where: str) -> Chain:
    convolutions, kinds = [], []
    for number, layer in enumerate(layers, 1):
        try:
            kind = str(layer["type"].flat[0].flat[0])
            if kind == "conv":
                convolutions.append(_convolution(layer))
            elif kind == "bnorm":
                convolutions[-1] = _normalized(convolutions[-1], *_cell(layer["weights"]))
                continue
            elif kind == "relu" and _number(layer, "leak", 0) != 0:
                raise ValueError("a ReLU that leaks")
            elif kind == "SubP":
                kind = f"SubP {_number(layer, 'scale', 2):g}"
        except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
            raise UserError(f"{where}: layer {number} is none of these networks': {error}") from None
        kinds.append(kind)
    if kinds and kinds[-1] == "loss":  # of the training
        kinds.pop()
    unshuffled = kinds[:2] == ["SubP 0.5", "concat"] and kinds[-1] == "SubP 2"
    if unshuffled:
        kinds = kinds[2:-1]
    if kinds != [*["conv", "relu"] * (len(convolutions) - 1), "conv"]:
        raise UserError(f"{where}: it is no chain of convolutions with ReLU between them: {', '.join(kinds)}")
    return Chain(tuple(convolutions), columns_first=True, unshuffled=unshuffled)


def _convolution(layer: np.ndarray) -> Convolution:
    kernel, bias = _cell(layer["weights"])
    kernel = np.asarray(kernel, np.float32)
    kernel = kernel.reshape(kernel.shape + (1,) * (4 - kernel.ndim))  # MATLAB drops last axes of 1 element
    if kernel.ndim != 4 or kernel.shape[0] != kernel.shape[1]:
        raise ValueError(f"a kernel of the shape {kernel.shape}")
    bias = np.asarray(bias, np.float32).reshape(-1) if np.size(bias) else np.zeros(kernel.shape[3], np.float32)
    if bias.shape != kernel.shape[3:]:
        raise ValueError(f"{bias.size} biases for {kernel.shape[3]} channels")
    dilation = int(_number(layer, "dilate", 1))
    if _number(layer, "stride", 1) != 1 or _number(layer, "pad", 0) != dilation * (kernel.shape[0] // 2):
        raise ValueError("a convolution that changes the image's size")
    return Convolution(kernel, bias, dilation)


def _normalized(convolution: Convolution, scale, shift, moments) -> Convolution:
    """Return a convolution with its batch normalization; the moments are mean and standard deviation (`vl_nnbnorm`)."""
    count = convolution.bias.size
    scale, shift = (np.asarray(values, np.float32).reshape(count) for values in (scale, shift))
    mean, deviation = np.asarray(moments, np.float32).reshape(count, 2).T
    factor = scale / deviation
    return convolution.scaled(factor, shift - mean * factor)


def _number(layer: np.ndarray, field: str, default: float) -> float:
    """Return a number of a layer; several that are equal, such as the padding of four sides, count as one."""
    if field not in layer.dtype.names:
        return default
    values = np.unique(np.asarray(layer[field].flat[0], np.float64))
    if not values.size:
        return default
    if values.size > 1:
        raise ValueError(f"{field} differs between sides")
    return float(values[0])
