"""The residual generator of CycleGAN: [B, H, W, Cin] to float32 [B, H, W, output_channels] in (-1, 1).

J.-Y. Zhu, T. Park, P. Isola and A. A. Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", ICCV 2017, section 7.2, after Johnson et al. 2016. With width 64 and nine blocks it has 11,378,179 parameters
from three channels to three, as the authors' PyTorch code counts them.
"""

from typing import Literal

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.network import Network
from colorjax.models.picture_convolution import PictureConvolution
from colorjax.models.picture_norm import PictureNorm
from colorjax.models.resampling import pad_to_multiple


class ResNetGenerator(Network):
    """A 7x7 convolution, two halvings, residual blocks, two doublings, a 7x7 convolution.

    Blocks and 7x7 convolutions see the picture reflected beyond its edges. Sides are padded to multiples of 4.

    Attributes:
      output_channels: number of channels of the output.
      axis_name: as in `PictureNormalization`.
      width: number of features at full size.
      blocks: number of residual blocks; in the paper 6 for 128x128 pixels and 9 for 256x256 and more.
      norm: 'instance' (the paper's), 'batch' or 'none'.
      skips: 'concatenate' puts the features before each halving beside those after its doubling, as in a U-Net: so Sun
        et al. 2019 say of their generator that it combines both. How they do is not established.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 64
    blocks: int = 9
    norm: PictureNorm = "instance"
    skips: Literal["none", "concatenate"] = "none"

    stride = 4

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return float32 [B, H, W, output_channels] for `inputs` [B, H, W, Cin] with any H, W >= 1."""
        height, width = inputs.shape[1:3]
        features = _reflected(pad_to_multiple(inputs, 4), 3)

        def unit(features, many, size, sides, norm=self.norm):
            return PictureConvolution(many, size, sides, norm, self.axis_name)(features, train)

        features = nn.relu(unit(features, self.width, 7, "valid"))
        skips = []
        for many in (2 * self.width, 4 * self.width):
            skips.append(features)
            features = nn.relu(unit(features, many, 3, "halved"))
        for _ in range(self.blocks):
            inner = nn.relu(unit(_reflected(features, 1), 4 * self.width, 3, "valid"))
            features = features + unit(_reflected(inner, 1), 4 * self.width, 3, "valid")
        for many in (2 * self.width, self.width):
            features = nn.relu(unit(features, many, 3, "doubled"))
            if self.skips == "concatenate":
                features = jnp.concatenate([skips.pop(), features], axis=-1)
        outputs = unit(_reflected(features, 3), self.output_channels, 7, "valid", norm="none")
        return jnp.tanh(outputs)[:, :height, :width]


def _reflected(features, border: int):
    """Return `features` [B, H, W, C] with `border` mirrored pixels on each side."""
    return jnp.pad(features, ((0, 0), (border, border), (border, border), (0, 0)), mode="reflect")
