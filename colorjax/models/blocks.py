"""The convolution blocks of a level: [B, H, W, Cin] in, [B, H, W, features] out, computed in `dtype`.

Three are those of Komatsu and Gonsalves 2020 ("Comparing U-Net Based Models for Denoising Color Images"): plain
(U-Net), residual (Residual U-Net) and dense (Dense U-Net). The fourth is the half normalized block of HINet (Chen et
al. 2021).

Convolutions are XLA's own on every platform. On a CPU XLA has a fast path that needs equal padding on both sides. An
odd kernel with SAME padding has it, while one more row on one side made a step ten times slower. Weight gradients
written as nine matrix products, by patches or along one axis were slower than XLA's in a whole network.
"""

from typing import Literal

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.normalization import Norm, Normalization

Block = Literal["plain", "residual", "dense", "half"]
DType = Literal["float32", "bfloat16"]


class ConvolutionUnit(nn.Module):
    """A convolution, a normalization and, if `activate` is true, ReLU.

    The convolution has a bias only without a normalization, because a normalization would remove the bias again.
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
    """Return a block's input, by a 1x1 convolution if the number of channels differs, to add to its convolutions.

    The 1x1 convolution becomes a submodule of the block that calls this.
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
    """Two 3x3 convolution units, with the input added before the last ReLU (He et al. 2016, figure 2).

    If the channel counts differ, the input passes through a 1x1 convolution (option B of the paper).
    """

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return [B, H, W, features]."""
        common = (self.features, self.norm, self.dtype, self.axis_name)
        residual = ConvolutionUnit(*common)(inputs, train)
        residual = ConvolutionUnit(*common, activate=False)(residual, train)
        return nn.relu(residual + _shortcut(inputs, self.features, self.dtype))


class DenseBlock(_Block):
    """A 1x1 unit and four 3x3 units; each reads the outputs of all units before it (Huang et al. 2017).

    The proportions are those of Guan et al. 2020 ("Fully Dense UNet"): the 1x1 unit makes half of the features, and
    each 3x3 unit an eighth. If the eighth is rounded up, the 1x1 unit makes fewer features, but at least one.
    """

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return [B, H, W, features], or 5 channels if `features` is below 5."""
        common = (self.norm, self.dtype, self.axis_name)
        growth = -(-self.features // 8)
        outputs = ConvolutionUnit(max(1, self.features - 4 * growth), *common, kernel_size=1)(inputs, train)
        for _ in range(4):
            outputs = jnp.concatenate([outputs, ConvolutionUnit(growth, *common)(outputs, train)], axis=-1)
        return outputs


class HalfBlock(_Block):
    """A shortcut plus two 3x3 convolutions; half of the features between the two are normalized.

    This is the half instance normalization block of Chen et al. 2021 ("HINet", figure 3), with the network's own
    normalization in place of instance normalization, and ReLU. Normalization of all features would remove the strength
    of the noise. The other half of the features keeps it, and the image's mean as well. No activation follows the sum,
    so that the input can pass unchanged through a stack of blocks (He et al. 2016, "Identity Mappings").
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
        outputs = convolution(self.features, 0.2)(nn.relu(outputs))  # a new block is close to its shortcut
        return outputs + _shortcut(inputs, self.features, self.dtype)


BLOCKS: dict[str, type[_Block]] = {
    "plain": PlainBlock,
    "residual": ResidualBlock,
    "dense": DenseBlock,
    "half": HalfBlock,
}
