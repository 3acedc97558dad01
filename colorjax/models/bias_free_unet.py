"""A residual U-Net without biases and normalization: [B, H, W, Cin] to float32 [B, H, W, output_channels].

After DRUNet (Zhang et al. 2021, "Plug-and-Play Image Restoration with Deep Denoiser Prior", section III), without its
map of the noise level: residual blocks, skips that are added, strided layers between the scales, nowhere a bias. A
network of convolutions and ReLU alone is homogeneous, f(a x) = a f(x) for a > 0, so that one that denoises does so at
noise levels and exposures that it was never trained on (Mohan et al. 2020, "Robust and Interpretable Blind Image
Denoising via Bias-Free Convolutional Neural Networks"). Without normalization a tile's result depends on its pixels
alone. Width 32 and depth 2 with fold 2 and three channels in and out have 1,044,224 parameters.
"""

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.blocks import DType
from colorjax.models.network import Network
from colorjax.models.resampling import pad_to_multiple, pixel_shuffle, pixel_unshuffle


class BiasFreeUNet(Network):
    """`depth` halvings, `width` features at full size and twice as many at each level below it, `blocks` blocks each.

    `fold` is the side of the squares of pixels that the network takes and gives as one, with so many more channels
    (FFDNet; 1: the pixels themselves): its full size is then the picture's over `fold`, at a fraction of the work.

    Fields are the keys of a config, but `output_channels` and `axis_name`, which nothing here needs (see
    `build_model`). Parameters are float32; `dtype` is that of the computation. The last convolution starts at zero, so
    a new network's output is 0: the noisy picture itself when denoising.

    The sides are padded to multiples of `stride` by reflection and the output is cropped.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 32
    depth: int = 2
    blocks: int = 2
    fold: int = 2
    dtype: DType = "float32"

    @property
    def stride(self) -> int:
        """See `Network`."""
        return self.fold * 2**self.depth

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return float32 [B, H, W, output_channels] for `inputs` [B, H, W, Cin] with any H, W >= 1."""
        del train
        height, width = inputs.shape[1:3]
        features = pixel_unshuffle(pad_to_multiple(inputs, self.stride), self.fold).astype(self.dtype)

        def dense(features, channels, name):
            return nn.Dense(channels, use_bias=False, dtype=self.dtype, name=name)(features)

        def blocks(level, features):
            for _ in range(self.blocks):
                features = ResidualBlock(self.width * 2**level, self.dtype)(features)
            return features

        features = _convolution(self.width, self.dtype, name="input")(features)
        skips = []
        for level in range(self.depth):
            features = blocks(level, features)
            skips.append(features)
            features = dense(pixel_unshuffle(features, 2), self.width * 2 ** (level + 1), f"down_{level}")
        features = blocks(self.depth, features)
        for level in reversed(range(self.depth)):
            features = pixel_shuffle(dense(features, 4 * self.width * 2**level, f"up_{level}"), 2)
            features = blocks(level, skips[level] + features)
        outputs = nn.Conv(
            self.output_channels * self.fold**2,
            (1, 1),
            use_bias=False,
            dtype=self.dtype,
            kernel_init=nn.initializers.zeros,
            name="output",
        )(features)
        return pixel_shuffle(outputs, self.fold)[:, :height, :width].astype(jnp.float32)


class ResidualBlock(nn.Module):
    """A 3x3 convolution, ReLU and a 3x3 convolution beside the input itself: [B, H, W, features] to the same.

    No activation follows the sum (DRUNet; He et al. 2016, "Identity Mappings in Deep Residual Networks").
    """

    features: int
    dtype: DType

    @nn.compact
    def __call__(self, inputs):
        """Return [B, H, W, features]."""
        outputs = nn.relu(_convolution(self.features, self.dtype)(inputs))
        return inputs + _convolution(self.features, self.dtype, scale=0.2)(outputs)  # begins close to its input


def _convolution(features: int, dtype: DType, scale: float = 2.0, name: str | None = None) -> nn.Conv:
    """Return a 3x3 convolution without bias; a `scale` of 2 keeps the variance through ReLU (He et al. 2015)."""
    kernel_init = nn.initializers.variance_scaling(scale, "fan_in", "truncated_normal")
    return nn.Conv(features, (3, 3), use_bias=False, dtype=dtype, kernel_init=kernel_init, name=name)
