"""From DRUNet's published state dict to the fields and the parameters of our DRUNet."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from flax.traverse_util import unflatten_dict

from colorjax.errors import UserError
from colorjax.models.published.chains import Converted
from colorjax.models.published.state_dict import kernel_of

_BLOCK = re.compile(r"(m_down|m_up|m_body)(\d*)\.(\d+)\.res\.([02])\.weight")
_RESAMPLING = re.compile(r"m_(down|up)(\d)\.(\d+)\.weight")


def drunet(tensors: Mapping[str, np.ndarray], where: str) -> Converted:
    """Return DRUNet, of any width, depth and number of blocks.

    Raises:
      UserError: the tensors are not DRUNet's; `where` begins the message.
    """
    for name in ("m_head.weight", "m_tail.weight"):
        if name not in tensors or tensors[name].ndim != 4:
            raise UserError(f"{where}: weights of another network: it has no {name}")
    width, inputs = tensors["m_head.weight"].shape[:2]
    channels = tensors["m_tail.weight"].shape[0]
    if channels not in (1, 3) or inputs != channels + 1:
        raise UserError(
            f"{where}: DRUNet has 2 or 4 channels in, and 1 or 3 out; this network has {inputs} and {channels}"
        )
    body = [int(found[3]) for name in tensors if (found := _BLOCK.fullmatch(name)) and found[1] == "m_body"]
    levels = [int(found[2]) for name in tensors if (found := _RESAMPLING.fullmatch(name))]
    if not body or not levels:
        raise UserError(f"{where}: weights of another network: it has no residual blocks, or no halving")
    blocks = max(body) + 1
    params = {}
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise UserError(f"{where}: {name} has values that are not finite")
        try:
            path, value = _parameter(name, tensor, blocks)
        except ValueError:
            raise UserError(f"{where}: weights of another network: it has {name} {tensor.shape}") from None
        params[path] = np.ascontiguousarray(value)
    fields = {"width": width, "depth": max(levels), "blocks": blocks}
    return Converted(fields, channels, True, unflatten_dict(params))


def _parameter(name: str, tensor: np.ndarray, blocks: int) -> tuple[tuple[str, ...], Any]:
    """Return a parameter's path and value; a `ValueError` if there is none for this name or number of axes."""
    if tensor.ndim != 4:
        raise ValueError(name)
    if name in ("m_head.weight", "m_tail.weight"):
        return (name[2:6], "kernel"), kernel_of(tensor)
    if found := _RESAMPLING.fullmatch(name):
        way, level, place = found[1], int(found[2]) - 1, int(found[3])
        if tensor.shape[2:] != (2, 2) or place != (blocks if way == "down" else 0):
            raise ValueError(name)
        if way == "down":  # [Cout, Cin, 2, 2] to [(row, column, Cin), Cout], the order of `pixel_unshuffle`
            kernel = tensor.transpose(2, 3, 1, 0).reshape(-1, tensor.shape[0])
        else:  # [Cin, Cout, 2, 2] to [Cin, (row, column, Cout)], the order of `pixel_shuffle`
            kernel = tensor.transpose(0, 2, 3, 1).reshape(tensor.shape[0], -1)
        return (f"{way}_{level}", "kernel"), kernel
    if not (found := _BLOCK.fullmatch(name)) or (found[1] == "m_body") != (found[2] == ""):
        raise ValueError(name)
    way, number = found[1][2:], int(found[3])
    if way == "up":
        number -= 1  # after the doubling
    level = f"_{int(found[2]) - 1}" if found[2] else ""
    return (f"{way}{level}_block_{number}", {"0": "first", "2": "second"}[found[4]], "kernel"), kernel_of(tensor)
