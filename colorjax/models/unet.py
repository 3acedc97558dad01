"""The U-Net with an output of its input's size: [B, H, W, Cin] to float32 [B, H, W, output_channels].

Ronneberger et al. 2015, with SAME convolutions instead of cropped ones and group normalization at every level, as
in Sugumar ("Colorization of Digital Images") and in Komatsu and Gonsalves 2020. Width 32 and depth 4 with three
channels in and out have 7.76 million parameters.
"""

import jax.numpy as jnp
from flax import linen as nn

from colorjax.errors import UserError
from colorjax.models.blocks import BLOCKS, Block, DType
from colorjax.models.network import Network
from colorjax.models.normalization import Norm
from colorjax.models.resampling import (
    TransposedConvolution,
    max_pool,
    pad_to_multiple,
    pixel_shuffle,
    pixel_unshuffle,
)


class UNet(Network):
    """`depth` halvings, `width` features at full size and twice as many at each level below it, `blocks` blocks each.

    `fold` is the side of the squares of pixels that the network takes and gives as one, with so many more channels
    (FFDNet; 1: the pixels themselves): its full size is then the picture's over `fold`, at a fraction of the work.
    `output_fold`, a divisor of it, is the side of the squares that an output stands for: 1 for one of every pixel.

    Fields are the keys of a config, but `output_channels` and `axis_name` (see `build_model`). Parameters are
    float32; `dtype` is that of the computation. The last convolution starts at zero, so a new network's output
    is 0: the noisy picture itself when denoising, gray when colorizing.

    The sides are padded to multiples of fold * 2**depth by reflection and the output is cropped; the padding takes part
    in the statistics of normalization.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 64
    depth: int = 4
    blocks: int = 1
    fold: int = 1
    output_fold: int = 1
    norm: Norm = "group"
    block: Block = "plain"
    dtype: DType = "float32"

    @property
    def stride(self) -> int:
        """See `Network`."""
        return self.fold * 2**self.depth

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return float32 [B, H, W, output_channels] for `inputs` [B, H, W, Cin] with any H, W >= 1.

        H and W are over `output_fold`, rounded up.
        """
        if self.fold % self.output_fold:
            raise UserError(
                f"model.output_fold={self.output_fold}: it must divide model.fold={self.fold}; use 1 or {self.fold}"
            )
        height, width = (-(-side // self.output_fold) for side in inputs.shape[1:3])
        features = pixel_unshuffle(pad_to_multiple(inputs, self.stride), self.fold)

        def blocks(level, features):
            for _ in range(self.blocks):
                block = BLOCKS[self.block](self.width * 2**level, self.norm, self.dtype, self.axis_name)
                features = block(features, train)
            return features

        skips = []
        for level in range(self.depth):
            features = blocks(level, features)
            skips.append(features)
            features = max_pool(features)
        features = blocks(self.depth, features)
        for level in reversed(range(self.depth)):
            features = TransposedConvolution(self.width * 2**level, self.dtype)(features)
            features = jnp.concatenate([skips[level], features], axis=-1)
            features = blocks(level, features)
        outputs = nn.Conv(
            self.output_channels * (self.fold // self.output_fold) ** 2,
            (1, 1),
            dtype=self.dtype,
            kernel_init=nn.initializers.zeros,
            name="output",
        )(features)
        return pixel_shuffle(outputs, self.fold // self.output_fold)[:, :height, :width].astype(jnp.float32)
