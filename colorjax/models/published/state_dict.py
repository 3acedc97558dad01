"""Read a state dict of PyTorch, from its own files or as safetensors, and chains of convolutions in one."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from colorjax.errors import UserError
from colorjax.models.published.chain import Chain, Convolution
from colorjax.models.torch_pickle import read_tensors

# Of the batch normalization in the authors' training (cszn/DnCNN, cszn/KAIR); a state dict does not have it.
_EPSILON = 1e-4
# A layer of `nn.Sequential`, which lies in the attribute `model` or `dncnn` of the authors' modules.
_LAYER = re.compile(r"(?:(\d+)/)?(?:module\.)?(?:model|dncnn)\.(\d+)\.(\w+)")


def read_state_dict(data: bytes, path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a state dict by name, floating ones as float32.

    Args:
      data: the content of the file.
      path: the file.

    Raises:
      UserError: the file can't be read, or holds anything but tensors.
    """
    if data[8:9] == b"{":  # a header of JSON after its length
        try:
            tensors = safetensors.numpy.load(data)
        except (SafetensorError, ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path}: no safetensors file that can be read ({error})") from None
    else:
        tensors = read_tensors(path)
    return {
        name: tensor.astype(np.float32) if np.issubdtype(tensor.dtype, np.floating) else tensor
        for name, tensor in tensors.items()
    }


def kernel_of(weight: np.ndarray) -> np.ndarray:
    """Return PyTorch's kernel [Cout, Cin, K, K] as [K, K, Cin, Cout]."""
    return np.ascontiguousarray(weight.transpose(2, 3, 1, 0))


def chains_of(tensors: Mapping[str, np.ndarray], where: str) -> tuple[Chain, ...]:
    """Return the chain in a state dict, or those in a dictionary of state dicts, in the order of their numbers.

    Raises:
      UserError: a tensor that is no convolution's or batch normalization's; `where` begins the message.
    """
    networks = {}
    for name, tensor in sorted(tensors.items()):
        found = _LAYER.fullmatch(name)
        if not found:
            raise UserError(f"{where}: weights of another network: it has {name}")
        network, layer, leaf = found.groups()
        networks.setdefault(int(network or 0), {}).setdefault(int(layer), {})[leaf] = tensor
    if sorted(networks) != list(range(len(networks))) or not networks:
        raise UserError(f"{where}: its networks are not numbered from 0 on: {sorted(networks)}")
    return tuple(_chain(networks[number], where) for number in sorted(networks))


def _chain(layers: Mapping[int, Mapping[str, np.ndarray]], where: str) -> Chain:
    convolutions = []
    for number in sorted(layers):
        layer = layers[number]
        try:
            if layer["weight"].ndim == 4:
                kernel = kernel_of(layer["weight"])
                bias = layer.get("bias", np.zeros(kernel.shape[3], np.float32))
                if kernel.shape[0] != kernel.shape[1] or bias.shape != kernel.shape[3:]:
                    raise ValueError(f"shapes {layer['weight'].shape} and {bias.shape}")
                convolutions.append(Convolution(kernel, bias))
            else:
                factor = layer["weight"] / np.sqrt(layer["running_var"] + np.float32(_EPSILON))
                offset = layer["bias"] - layer["running_mean"] * factor
                if offset.shape != convolutions[-1].bias.shape:
                    raise ValueError(f"shape {offset.shape}")
                convolutions[-1] = convolutions[-1].scaled(factor, offset)
        except (KeyError, ValueError, IndexError) as error:
            line = f"layer {number} is neither a convolution nor a batch normalization after one"
            raise UserError(f"{where}: weights of another network: {line} ({error})") from None
    return Chain(tuple(convolutions), columns_first=False)
