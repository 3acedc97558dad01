"""The U-Net, by default with an output of its input's size: [B, H, W, Cin] to float32 [B, H, W, output_channels].

It is the network of Ronneberger et al. 2015, with SAME convolutions instead of cropped ones and with group
normalization at every level, as in Sugumar ("Colorization of Digital Images") and in Komatsu and Gonsalves 2020. Width
32 and depth 4 with three channels in and out have 7.76 million parameters.
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
    """A U-Net.

    The last convolution starts at zero, so the output of a new network is 0: when denoising, the restored image is the
    noisy image; when colorizing, it is gray. The sides are padded to multiples of fold * 2**depth by reflection, and
    the output is cropped. The padding counts in the statistics of normalization. Parameters are float32. All fields
    except `output_channels` and `axis_name` are keys of a config (see `build_model`).

    Attributes:
      output_channels: number of channels of the output.
      axis_name: the mapped axis over which batch normalization takes its statistics, or None for one device.
      width: number of features at full size; it doubles at each level below.
      depth: number of halvings.
      blocks: number of blocks in each level.
      fold: side of the squares of pixels that the network handles as one pixel with fold^2 times as many channels
        (FFDNet); 1 for the pixels themselves. The network's full size is the image's size divided by `fold`, which
        saves most of the work.
      output_fold: side of the squares of pixels with one output each, a divisor of `fold`; 1 for an output for each
        pixel.
      norm: the normalization, a name of `normalization.Norm`.
      block: the kind of block, a key of `blocks.BLOCKS`.
      dtype: type of the computation.
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
        """Return float32 [B, h, w, output_channels] for `inputs` [B, H, W, Cin] with any H, W >= 1.

        h and w are H and W divided by `output_fold`, rounded up.

        Raises:
          UserError: `output_fold` does not divide `fold`.
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
