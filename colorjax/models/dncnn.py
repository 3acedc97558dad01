"""DnCNN: [B, H, W, Cin] to float32 [B, H, W, output_channels], at full size throughout.

K. Zhang, W. Zuo, Y. Chen, D. Meng and L. Zhang, "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image
Denoising", IEEE Transactions on Image Processing 2017, section III: 17 convolutions for one noise level, 20 for a range
of levels and for color.
"""

from typing import Literal

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.blocks import DType
from colorjax.models.convolution_chain import convolution_chain
from colorjax.models.network import Network


class DnCNN(Network):
    """3x3 convolutions with ReLU; batch normalization follows all but the first and the last.

    The paper's network finds the noise R(y). This one returns -R(y), the correction that a denoising task adds to the
    noisy image. The kernels begin as He et al. 2015 have it, as in the paper (section IV.A). A pixel of the output
    depends on 2 * depth + 1 pixels of the input in each direction.

    Attributes:
      output_channels: number of channels of the output.
      axis_name: as in `UNet`.
      width: number of features.
      depth: number of convolutions.
      norm: 'batch', or 'none' with a bias in each convolution; the published weights are of this form.
      dtype: type of the computation.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 64
    depth: int = 17
    norm: Literal["batch", "none"] = "batch"
    dtype: DType = "float32"

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return float32 [B, H, W, output_channels] for `inputs` [B, H, W, Cin] with any H, W >= 1."""
        noise = convolution_chain(
            inputs,
            train,
            (self.width,) * (self.depth - 1) + (self.output_channels,),
            dtype=self.dtype,
            kernel_init=nn.initializers.he_normal(),
            normalized=range(1, self.depth - 1) if self.norm == "batch" else (),
            axis_name=self.axis_name,
        )
        return -noise.astype(jnp.float32)
