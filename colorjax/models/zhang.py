"""The colorizer of Zhang, Isola and Efros: lightness [B, H, W, 1] to logits over bins of ab, [B, H/4, W/4, bins].

"Colorful Image Colorization", ECCV 2016, figure 2 and table 4 of its appendix. The layers are those of the authors'
released model: eight blocks of 3x3 convolutions with ReLU, two of them dilated, without pooling.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.network import Network
from colorjax.models.picture_convolution import PictureConvolution
from colorjax.models.resampling import pad_to_multiple


class _Block(NamedTuple):
    """A block of the network.

    Attributes:
      multiple: of the network's width: the number of channels.
      convolutions: how many.
      halved: whether its last convolution halves the sides.
      dilation: of its convolutions.
    """

    multiple: int
    convolutions: int
    halved: bool
    dilation: int = 1


# conv1 to conv7; conv8 is in `__call__`.
_BLOCKS = (
    _Block(1, 2, True),
    _Block(2, 2, True),
    _Block(4, 3, True),
    _Block(8, 3, False),
    _Block(8, 3, False, 2),
    _Block(8, 3, False, 2),
    _Block(8, 3, False),
)
_REDUCTION = 8  # from the input to the coarsest features, in each direction
_OUTPUT = 4  # from the input to the output


class ZhangColorizer(Network):
    """The network; the task is `colorize_zhang`.

    It sees L - 50. Batch normalization ends the blocks 1 to 7 and has no parameters, as in Caffe. With 313 bins and a
    width of 64 there are 32,230,393 weights. Sides are padded to multiples of 8 by reflection. The last convolution
    begins at zero, so that a new network finds all bins equally likely; the paper begins with k-means instead.

    Attributes:
      output_channels: number of bins.
      axis_name: the mapped axis over which batch normalization takes its statistics, or None for one device.
      width: channels of the first block; those of the others are in proportion to it.
      norm: 'batch' as in the paper, or 'none'.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 64
    norm: Literal["batch", "none"] = "batch"

    @property
    def stride(self) -> int:
        """See `Network`."""
        return _REDUCTION

    @nn.compact
    def __call__(self, inputs: jax.Array, train: bool) -> jax.Array:
        """Return logits, float32 [B, ceil(H / 4), ceil(W / 4), output_channels].

        Args:
          inputs: L / 50 - 1, [B, H, W, 1], any H, W >= 1.
          train: whether batch normalization uses the statistics of the batch.
        """
        height, width = (-(-side // _OUTPUT) for side in inputs.shape[1:3])
        features = 50 * pad_to_multiple(inputs, _REDUCTION)
        for number, block in enumerate(_BLOCKS, start=1):
            channels = block.multiple * self.width
            for index in range(1, block.convolutions + 1):
                name = f"conv{number}_{index}"
                if block.halved and index == block.convolutions:
                    features = self._resized(channels, 3, "halved", name)(features, train)
                else:
                    features = _convolution(channels, block.dilation, name)(features)
                features = nn.relu(features)
            if self.norm == "batch":
                features = nn.BatchNorm(
                    use_running_average=not train,
                    axis_name=self.axis_name,
                    use_bias=False,
                    use_scale=False,
                    name=f"norm{number}",
                )(features)
        features = nn.relu(self._resized(4 * self.width, 4, "doubled", "conv8_1")(features, train))
        for index in (2, 3):
            features = nn.relu(_convolution(4 * self.width, 1, f"conv8_{index}")(features))
        outputs = nn.Conv(self.output_channels, (1, 1), kernel_init=nn.initializers.zeros, name="output")(features)
        return outputs.astype(jnp.float32)[:, :height, :width]

    def _resized(self, channels, kernel_size, sides, name):
        """Return a convolution that halves or doubles the sides."""
        return PictureConvolution(channels, kernel_size, sides, kernel_init=nn.initializers.he_normal(), name=name)


def _convolution(channels, dilation, name):
    return nn.Conv(
        channels,
        (3, 3),
        padding=dilation,
        kernel_dilation=dilation,
        kernel_init=nn.initializers.he_normal(),
        name=name,
    )
