"""The conventional encoder-decoder: [B, H, W, Cin] to float32 [B, H, W, output_channels], no skip connections.

It is the plain U-Net without its skips, so a table with both shows the effect of the skips. All information for the
decoder passes through the smallest feature map.
"""

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.blocks import DType, PlainBlock
from colorjax.models.network import Network
from colorjax.models.normalization import Norm
from colorjax.models.resampling import TransposedConvolution, max_pool, pad_to_multiple


class CNN(Network):
    """An encoder of `depth` halvings and a decoder of as many doublings.

    The fields, the padding and the last convolution's start at zero are as in `UNet`.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 64
    depth: int = 4
    norm: Norm = "group"
    dtype: DType = "float32"

    @property
    def stride(self) -> int:
        """See `Network`."""
        return 2**self.depth

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return float32 [B, H, W, output_channels] for `inputs` [B, H, W, Cin] with any H, W >= 1."""
        height, width = inputs.shape[1:3]
        features = pad_to_multiple(inputs, self.stride)

        def block(level):
            return PlainBlock(self.width * 2**level, self.norm, self.dtype, self.axis_name)

        for level in range(self.depth):
            features = max_pool(block(level)(features, train))
        features = block(self.depth)(features, train)
        for level in reversed(range(self.depth)):
            features = TransposedConvolution(self.width * 2**level, self.dtype)(features)
            features = block(level)(features, train)
        outputs = nn.Conv(
            self.output_channels, (1, 1), dtype=self.dtype, kernel_init=nn.initializers.zeros, name="output"
        )(features)
        return outputs[:, :height, :width].astype(jnp.float32)
