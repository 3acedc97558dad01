"""Convolutions as PyTorch and Caffe pad them, each with its normalization: float32 [B, H, W, C] to [B, h, w, features].

Kernels of adversarial networks begin normally distributed with a standard deviation of 0.02, biases at zero (Isola et
al. 2017, section 6.2; Zhu et al. 2017, section 4). Before batch normalization there is no bias, which it would remove.
"""

import functools
from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.picture_norm import PictureNorm, PictureNormalization
from colorjax.models.resampling import convolution, doubling_convolution, halving_convolution

#: How the kernels of new networks are drawn.
KERNEL_INIT = nn.initializers.normal(0.02)

_CONVOLUTIONS = {
    "halved": halving_convolution,
    "doubled": doubling_convolution,
    "kept": functools.partial(convolution, padding=1),
    "valid": convolution,
}


class PictureConvolution(nn.Module):
    """A convolution and a normalization.

    Attributes:
      features: number of features after it.
      kernel_size: side of the kernel; 3 or 4 where the sides are halved or doubled.
      sides: what becomes of the sides: 'halved', 'doubled', or 'kept': with one pixel of zeros around, which a kernel
        of side 4 makes one pixel shorter; or 'valid': without zeros.
      norm: the normalization after it.
      axis_name: as in `PictureNormalization`.
      use_bias: whether a bias is added before the normalization; by default, if it is not 'batch'.
      kernel_init: how the kernel of a new network is drawn.
    """

    features: int
    kernel_size: int
    sides: Literal["halved", "doubled", "kept", "valid"]
    norm: PictureNorm = "none"
    axis_name: str | None = None
    use_bias: bool | None = None
    kernel_init: nn.initializers.Initializer = KERNEL_INIT

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return [B, h, w, features]."""
        shape = (self.kernel_size, self.kernel_size, inputs.shape[-1], self.features)
        outputs = _CONVOLUTIONS[self.sides](inputs, self.param("kernel", self.kernel_init, shape, jnp.float32))
        if self.norm != "batch" if self.use_bias is None else self.use_bias:
            bias = self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32)
            if self.norm != "none":
                # The normalization removes it, so its gradient is rounding, of which Adam would make whole steps.
                bias = jax.lax.stop_gradient(bias)
            outputs = outputs + bias[None, None, None]
        return PictureNormalization(self.norm, self.axis_name, name="norm")(outputs, train)
