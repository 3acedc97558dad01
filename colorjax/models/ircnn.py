"""The denoiser of IRCNN: [B, H, W, Cin] to float32 [B, H, W, output_channels], at full size throughout.

K. Zhang, W. Zuo, S. Gu and L. Zhang, "Learning Deep CNN Denoiser Prior for Image Restoration", CVPR 2017, figure 1.
Each network is for one noise level; there are 25 of them, for levels of 2 to 50.
"""

from typing import Literal

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.blocks import DType
from colorjax.models.convolution_chain import convolution_chain
from colorjax.models.network import Network

DILATIONS = (1, 2, 3, 4, 3, 2, 1)


class IRCNN(Network):
    """Seven dilated 3x3 convolutions with ReLU; batch normalization follows all but the first and the last.

    The paper's network finds the noise; this one returns minus the noise, the correction that a denoising task adds to
    the noisy image. A pixel of the output depends on 33 pixels of the input in each direction.

    Attributes:
      output_channels: number of channels of the output.
      axis_name: as in `UNet`.
      width: number of features.
      norm: 'batch', or 'none' with a bias in each convolution; the published weights are of this form.
      dtype: type of the computation.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 64
    norm: Literal["batch", "none"] = "batch"
    dtype: DType = "float32"

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return float32 [B, H, W, output_channels] for `inputs` [B, H, W, Cin] with any H, W >= 1."""
        last = len(DILATIONS) - 1
        noise = convolution_chain(
            inputs,
            train,
            (self.width,) * last + (self.output_channels,),
            dtype=self.dtype,
            kernel_init=nn.initializers.he_normal(),
            dilations=DILATIONS,
            normalized=range(1, last) if self.norm == "batch" else (),
            axis_name=self.axis_name,
        )
        return -noise.astype(jnp.float32)
