"""WIN5-RB: [B, H, W, Cin] to float32 [B, H, W, output_channels], at full size throughout.

P. Liu and R. Fang, "Wide Inference Network for Image Denoising via Learning Pixel-distribution Prior", 2017
(arXiv:1707.05414): few wide layers with large kernels; R is for the residual, B for batch normalization.
"""

from typing import Literal

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.blocks import DType
from colorjax.models.convolution_chain import convolution_chain
from colorjax.models.network import Network


class WIN5(Network):
    """7x7 convolutions, each with batch normalization, and ReLU after all but the last.

    The last normalization's output is the correction that is added to the noisy image, as in the authors' network. A
    pixel of the output depends on 6 * depth + 1 pixels of the input in each direction: 31 for 5 convolutions.

    Attributes:
      output_channels: number of channels of the output.
      axis_name: as in `UNet`.
      width: number of features.
      depth: number of convolutions.
      norm: 'batch', or 'none' with a bias in each convolution (WIN5-R).
      dtype: type of the computation.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 128
    depth: int = 5
    norm: Literal["batch", "none"] = "batch"
    dtype: DType = "float32"

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return float32 [B, H, W, output_channels] for `inputs` [B, H, W, Cin] with any H, W >= 1."""
        correction = convolution_chain(
            inputs,
            train,
            (self.width,) * (self.depth - 1) + (self.output_channels,),
            dtype=self.dtype,
            kernel_init=nn.initializers.he_normal(),
            kernel_size=7,
            normalized=range(self.depth) if self.norm == "batch" else (),
            axis_name=self.axis_name,
        )
        return correction.astype(jnp.float32)
