"""A residual U-Net without biases and normalization: [B, H, W, Cin] to float32 [B, H, W, output_channels].

After DRUNet (Zhang et al. 2021, "Plug-and-Play Image Restoration with Deep Denoiser Prior", section III), without its
map of the noise level: residual blocks, skips that are added, strided layers between the scales, and no biases. A
network of convolutions and ReLU alone is homogeneous: f(a x) = a f(x) for a > 0. So a denoiser of this kind also works
at noise levels and exposures that it was not trained on (Mohan et al. 2020, "Robust and Interpretable Blind Image
Denoising via Bias-Free Convolutional Neural Networks"). Without normalization the result for a tile depends on its
pixels alone. Width 32 and depth 2 with fold 2 and three channels in and out have 1,044,224 parameters.
"""

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.blocks import DType
from colorjax.models.network import Network
from colorjax.models.resampling import pad_to_multiple, pixel_shuffle, pixel_unshuffle


class BiasFreeUNet(Network):
    """A residual U-Net without biases.

    The last convolution starts at zero, so the output of a new network is 0: when denoising, the restored image is the
    noisy image. The sides are padded to multiples of `stride` by reflection, and the output is cropped. Parameters are
    float32. All fields except `output_channels` and `axis_name` are keys of a config (see `build_model`).

    Attributes:
      output_channels: number of channels of the output.
      axis_name: not used, because nothing here needs batch statistics.
      width: number of features at full size; it doubles at each level below.
      depth: number of halvings.
      blocks: number of residual blocks in each level.
      fold: side of the squares of pixels that the network handles as one pixel with fold^2 times as many channels
        (FFDNet); 1 for the pixels themselves. The network's full size is the image's size divided by `fold`, which
        saves most of the work.
      dtype: type of the computation.
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
    """The input plus a 3x3 convolution, ReLU and a 3x3 convolution of it: [B, H, W, features] to the same shape.

    No activation follows the sum (DRUNet; He et al. 2016, "Identity Mappings in Deep Residual Networks").
    """

    features: int
    dtype: DType

    @nn.compact
    def __call__(self, inputs):
        """Return [B, H, W, features]."""
        outputs = nn.relu(_convolution(self.features, self.dtype)(inputs))
        return inputs + _convolution(self.features, self.dtype, scale=0.2)(outputs)  # close to the identity at first


def _convolution(features: int, dtype: DType, scale: float = 2.0, name: str | None = None) -> nn.Conv:
    """Return a 3x3 convolution without bias; a `scale` of 2 keeps the variance through ReLU (He et al. 2015)."""
    kernel_init = nn.initializers.variance_scaling(scale, "fan_in", "truncated_normal")
    return nn.Conv(features, (3, 3), use_bias=False, dtype=dtype, kernel_init=kernel_init, name=name)
