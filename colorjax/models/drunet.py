"""DRUNet: an image beside a map of its noise level, [B, H, W, Cin], to float32 [B, H, W, output_channels].

K. Zhang, Y. Li, W. Zuo, L. Zhang, L. Van Gool and R. Timofte, "Plug-and-Play Image Restoration with Deep Denoiser
Prior", IEEE Transactions on Pattern Analysis and Machine Intelligence 2021, section III.A.
"""

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.blocks import DType
from colorjax.models.network import Network, image_channels
from colorjax.models.resampling import pad_to_multiple, pixel_shuffle, pixel_unshuffle

# The initialization of the authors' training: orthogonal, with a gain of 0.2 (cszn/KAIR, options/train_drunet.json).
_INITIAL = nn.initializers.orthogonal(0.2)


class DRUNet(Network):
    """A residual U-Net without biases and normalization; its skips are added before each doubling.

    The paper's network finds the image itself. This one returns that image minus the noisy one, the correction that a
    denoising task adds. The inputs are the noisy image and, as a further channel, the map (task `denoise_told`);
    without the map (task `denoise`) the network must find the level by itself. It is homogeneous: with an image and a
    map that are a > 0 times as large, the output is a times as large. The sides are padded to multiples of `stride` by
    reflection, and the output is cropped.

    Attributes:
      output_channels: number of channels of the image.
      axis_name: not used, because nothing here needs batch statistics.
      width: number of features at full size; it doubles at each level below.
      depth: number of halvings, by 2x2 convolutions of stride 2.
      blocks: number of residual blocks of two 3x3 convolutions, in each level on the way down and up.
      dtype: type of the computation.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 64
    depth: int = 3
    blocks: int = 4
    dtype: DType = "float32"

    @property
    def stride(self) -> int:
        """See `Network`."""
        return 2**self.depth

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return float32 [B, H, W, output_channels] for `inputs` [B, H, W, Cin] with any H, W >= 1."""
        del train
        height, width = inputs.shape[1:3]
        noisy = image_channels(self, inputs)

        def blocks(features, name):
            for number in range(self.blocks):
                features = _Block(features.shape[-1], self.dtype, name=f"{name}_block_{number}")(features)
            return features

        def dense(features, channels, name):
            return nn.Dense(channels, use_bias=False, dtype=self.dtype, kernel_init=_INITIAL, name=name)(features)

        features = _convolution(self.width, self.dtype, "head")(pad_to_multiple(inputs, self.stride))
        skips = []
        for level in range(self.depth):
            skips.append(features)
            features = blocks(features, f"down_{level}")
            features = dense(pixel_unshuffle(features, 2), self.width * 2 ** (level + 1), f"down_{level}")
        skips.append(features)
        features = blocks(features, "body")
        for level in reversed(range(self.depth)):
            doubled = dense(features + skips.pop(), 4 * self.width * 2**level, f"up_{level}")
            features = blocks(pixel_shuffle(doubled, 2), f"up_{level}")
        outputs = _convolution(self.output_channels, self.dtype, "tail")(features + skips.pop())
        return outputs[:, :height, :width].astype(jnp.float32) - noisy


class _Block(nn.Module):
    """The input plus a 3x3 convolution, ReLU and a 3x3 convolution of it: [B, H, W, features] to the same shape."""

    features: int
    dtype: DType

    @nn.compact
    def __call__(self, inputs):
        """Return [B, H, W, features]."""
        outputs = nn.relu(_convolution(self.features, self.dtype, "first")(inputs))
        return inputs + _convolution(self.features, self.dtype, "second")(outputs)


def _convolution(features: int, dtype: DType, name: str) -> nn.Conv:
    return nn.Conv(features, (3, 3), use_bias=False, dtype=dtype, kernel_init=_INITIAL, name=name)
