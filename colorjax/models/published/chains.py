"""From a published chain of convolutions to the fields and the variables of DnCNN, FFDNet or IRCNN."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from colorjax.errors import UserError
from colorjax.models.ffdnet import SQUARE
from colorjax.models.ircnn import DILATIONS
from colorjax.models.published.chain import Chain, Convolution

DEPTHS = (17, 20)  # of the published DnCNN: for one noise level, and for a range of levels or for color


class Converted(NamedTuple):
    """A model's settings and weights.

    Attributes:
      fields: those of the model that differ from its defaults.
      channels: of the image: 1 for gray, 3 for color.
      told: whether the network takes a map of the noise level.
      params: its parameters, nested.
    """

    fields: dict[str, Any]
    channels: int
    told: bool
    params: dict[str, Any]


def dncnn(chain: Chain, where: str) -> Converted:
    """Return DnCNN; its outputs are the noise, as in the file.

    Raises:
      UserError: the chain is not one of the published networks'; `where` begins the message.
    """
    channels, width, depth = _like(chain, where, "DnCNN", dilations=(1,) * len(chain.convolutions))
    if depth not in DEPTHS:
        raise UserError(f"{where}: DnCNN has {' or '.join(map(str, DEPTHS))} convolutions, this network has {depth}")
    return Converted({"width": width, "depth": depth, "norm": "none"}, channels, False, _params(chain.convolutions))


def ircnn(chain: Chain, where: str) -> Converted:
    """Return IRCNN's denoiser; its outputs are the noise, as in the file.

    Raises:
      UserError: as `dncnn`.
    """
    if len(chain.convolutions) != len(DILATIONS):
        count = len(chain.convolutions)
        raise UserError(f"{where}: IRCNN has {len(DILATIONS)} convolutions, this network has {count}")
    channels, width, _ = _like(chain, where, "IRCNN", DILATIONS)
    return Converted({"width": width, "norm": "none"}, channels, False, _params(chain.convolutions))


def ffdnet(chain: Chain, where: str) -> Converted:
    """Return FFDNet; the channels that are pixels of a square are brought into the order of `pixel_unshuffle`.

    Raises:
      UserError: as `dncnn`.
    """
    first, last = chain.convolutions[0], chain.convolutions[-1]
    pixels = SQUARE**2
    channels, left = divmod(last.kernel.shape[3], pixels)
    inputs = first.kernel.shape[2]
    if chain.unshuffled is False or left or channels not in (1, 3) or inputs != pixels * channels + 1:
        raise UserError(
            f"{where}: FFDNet has 5 or 13 channels in, and 4 or 12 out; this network has {inputs} and "
            f"{last.kernel.shape[3]}"
        )
    _require_inner(chain, where, "FFDNet", dilations=(1,) * len(chain.convolutions))
    order = _order(channels, chain.columns_first)
    first = first._replace(kernel=first.kernel[:, :, [*order, inputs - 1]])
    middle = chain.convolutions[1:-1]
    last = last._replace(kernel=last.kernel[..., order], bias=last.bias[order])
    fields = {"width": first.kernel.shape[3], "depth": len(middle) + 2}
    return Converted(fields, channels, True, _params((first, *middle, last)))


def _order(channels: int, columns_first: bool) -> list[int]:
    """Return which of the file's channels is each channel of `pixel_unshuffle`.

    In the file each channel of the image has its pixels of the square together, row by row or column by column; in
    `pixel_unshuffle` each pixel of the square, row by row, has its channels together.
    """
    order = []
    for row in range(SQUARE):
        for column in range(SQUARE):
            pixel = column * SQUARE + row if columns_first else row * SQUARE + column
            order += [channel * SQUARE**2 + pixel for channel in range(channels)]
    return order


def _like(chain: Chain, where: str, name: str, dilations: Sequence[int]) -> tuple[int, int, int]:
    """Return the channels, the width and the depth of a network from an image to an image of as many channels."""
    channels, outputs = chain.convolutions[0].kernel.shape[2], chain.convolutions[-1].kernel.shape[3]
    if chain.unshuffled or channels not in (1, 3) or outputs != channels:
        shuffled = " on squares of pixels" if chain.unshuffled else ""
        raise UserError(
            f"{where}: {name} has 1 or 3 channels in and as many out; this network{shuffled} has {channels} and "
            f"{outputs}"
        )
    _require_inner(chain, where, name, dilations)
    return channels, chain.convolutions[0].kernel.shape[3], len(chain.convolutions)


def _require_inner(chain: Chain, where: str, name: str, dilations: Sequence[int]) -> None:
    """Raise a `UserError` unless the kernels are 3x3 and dilated as they must be, and each fits the one before it."""
    before = None
    for number, (layer, dilation) in enumerate(zip(chain.convolutions, dilations, strict=True), 1):
        which = f"{where}: weights of another network than {name}: its convolution {number}"
        if layer.kernel.shape[0] != 3 or layer.dilation not in (0, dilation):
            raise UserError(f"{which} is {layer.kernel.shape[0]}x{layer.kernel.shape[1]}, dilated by {layer.dilation}")
        if before not in (None, layer.kernel.shape[2]):
            raise UserError(f"{which} has {layer.kernel.shape[2]} channels in, the one before it {before} out")
        if not (np.isfinite(layer.kernel).all() and np.isfinite(layer.bias).all()):
            raise UserError(f"{which} has values that are not finite")
        before = layer.kernel.shape[3]


def _params(convolutions: Sequence[Convolution]) -> dict[str, Any]:
    layers = enumerate(convolutions)
    return {f"convolution_{number}": {"kernel": layer.kernel, "bias": layer.bias} for number, layer in layers}
