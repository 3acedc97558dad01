"""The convolution blocks of a level: [B, H, W, Cin] in, [B, H, W, features] out, computed in `dtype`.

The three of Komatsu and Gonsalves 2020 ("Comparing U-Net Based Models for Denoising Color Images"): plain (U-Net),
residual (Residual U-Net) and dense (Dense U-Net); and the half normalized one of HINet (Chen et al. 2021).

Convolutions are XLA's own on every platform. On a CPU they take its fast path only with the same padding on both
sides: an odd kernel with SAME padding has that, while one row more on one side made a step ten times slower. Weight
gradients written as nine matrix products, by patches or along one axis were slower than XLA's in a whole network.
"""

from typing import Literal

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.normalization import Norm, Normalization

Block = Literal["plain", "residual", "dense", "half"]
DType = Literal["float32", "bfloat16"]


class ConvolutionUnit(nn.Module):
    """A convolution, its normalization and, unless `activate` is off, ReLU.

    The convolution has a bias only where no normalization follows, which would take it away again.
    """

    features: int
    norm: Norm
    dtype: DType
    axis_name: str | None
    kernel_size: int = 3
    activate: bool = True

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return [B, H, W, features]."""
        outputs = nn.Conv(
            self.features,
            (self.kernel_size, self.kernel_size),
            use_bias=self.norm == "none",
            dtype=self.dtype,
            kernel_init=nn.initializers.he_normal(),  # He et al. 2015: made for ReLU
        )(inputs)
        outputs = Normalization(self.norm, self.axis_name)(outputs, train)
        return nn.relu(outputs) if self.activate else outputs


def _shortcut(inputs, features: int, dtype: DType):
    """Return what goes around a block's convolutions: the input or, for another number of channels, a 1x1 convolution
    of it, which is a submodule of the block that calls this.
    """
    if inputs.shape[-1] == features:
        return inputs.astype(dtype)
    return nn.Conv(features, (1, 1), use_bias=False, dtype=dtype, name="shortcut")(inputs.astype(dtype))


class _Block(nn.Module):
    """The fields of every block."""

    features: int
    norm: Norm
    dtype: DType
    axis_name: str | None


class PlainBlock(_Block):
    """Two 3x3 convolution units (Ronneberger et al. 2015)."""

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return [B, H, W, features]."""
        for _ in range(2):
            inputs = ConvolutionUnit(self.features, self.norm, self.dtype, self.axis_name)(inputs, train)
        return inputs


class ResidualBlock(_Block):
    """Two 3x3 convolution units around which the input is added before the last ReLU (He et al. 2016, figure 2).

    Where the channel counts differ, the input goes through a 1x1 convolution (their option B).
    """

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return [B, H, W, features]."""
        common = (self.features, self.norm, self.dtype, self.axis_name)
        residual = ConvolutionUnit(*common)(inputs, train)
        residual = ConvolutionUnit(*common, activate=False)(residual, train)
        return nn.relu(residual + _shortcut(inputs, self.features, self.dtype))


class DenseBlock(_Block):
    """A 1x1 unit and four 3x3 units, each reading what all those before it made (Huang et al. 2017).

    The proportions are those of Guan et al. 2020 ("Fully Dense UNet"): the 1x1 unit makes half of the features
    and each 3x3 unit an eighth (rounded up, and then the 1x1 unit makes the fewer, but at least one).
    """

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return [B, H, W, features] (5 channels for fewer features than that)."""
        common = (self.norm, self.dtype, self.axis_name)
        growth = -(-self.features // 8)
        outputs = ConvolutionUnit(max(1, self.features - 4 * growth), *common, kernel_size=1)(inputs, train)
        for _ in range(4):
            outputs = jnp.concatenate([outputs, ConvolutionUnit(growth, *common)(outputs, train)], axis=-1)
        return outputs


class HalfBlock(_Block):
    """Two 3x3 convolutions beside a shortcut, with half of the features between them normalized.

    The half instance normalization block of Chen et al. 2021 ("HINet", figure 3), with the network's own
    normalization in place of instance normalization and ReLU. Normalization of all features takes away how strong
    the noise is; the half that is left as it is keeps that, and a picture's mean besides. No activation follows the
    sum, so that what comes in also passes through a stack of blocks unchanged (He et al. 2016, "Identity Mappings").
    """

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return [B, H, W, features]."""

        def convolution(features, scale):
            kernel_init = nn.initializers.variance_scaling(scale, "fan_in", "truncated_normal")
            return nn.Conv(features, (3, 3), dtype=self.dtype, kernel_init=kernel_init)

        half = self.features // 2
        outputs = convolution(self.features, 2.0)(inputs)
        if half:
            normalized = Normalization(self.norm, self.axis_name)(outputs[..., :half], train)
            outputs = jnp.concatenate([normalized, outputs[..., half:]], axis=-1)
        outputs = convolution(self.features, 0.2)(nn.relu(outputs))  # a block begins close to its shortcut
        return outputs + _shortcut(inputs, self.features, self.dtype)


BLOCKS: dict[str, type[_Block]] = {
    "plain": PlainBlock,
    "residual": ResidualBlock,
    "dense": DenseBlock,
    "half": HalfBlock,
}
