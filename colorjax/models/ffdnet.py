"""FFDNet: an image beside a map of its noise level, [B, H, W, Cin], to float32 [B, H, W, output_channels].

K. Zhang, W. Zuo and L. Zhang, "FFDNet: Toward a Fast and Flexible Solution for CNN-based Image Denoising", IEEE
Transactions on Image Processing 2018, section III: 15 convolutions of 64 features for gray, 12 of 96 for color.
"""

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.blocks import DType
from colorjax.models.convolution_chain import convolution_chain
from colorjax.models.network import Network, image_channels
from colorjax.models.resampling import pad_to_multiple, pixel_shuffle, pixel_unshuffle

SQUARE = 2  # side of the squares of pixels that become one


class FFDNet(Network):
    """3x3 convolutions with ReLU, without normalization, on squares of 2x2 pixels and one value of the map for each.

    The paper's network finds the image itself. This one returns that image minus the noisy one, the correction that a
    denoising task adds. The inputs are the noisy image and, as a further channel, the map (task `denoise_told`);
    without the map (task `denoise`) the network must find the level by itself. Kernels begin orthogonal, as in the
    paper (section III.D).

    Attributes:
      output_channels: number of channels of the image.
      axis_name: not used, because nothing here needs batch statistics.
      width: number of features.
      depth: number of convolutions.
      dtype: type of the computation.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 96
    depth: int = 12
    dtype: DType = "float32"

    @property
    def stride(self) -> int:
        """See `Network`."""
        return SQUARE

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return float32 [B, H, W, output_channels] for `inputs` [B, H, W, Cin] with any H, W >= 1."""
        height, width = inputs.shape[1:3]
        noisy = image_channels(self, inputs)
        padded = pad_to_multiple(inputs, SQUARE)
        image, level = padded[..., : self.output_channels], padded[..., self.output_channels :]
        features = jnp.concatenate([pixel_unshuffle(image, SQUARE), level[:, ::SQUARE, ::SQUARE]], axis=-1)
        outputs = convolution_chain(
            features,
            train,
            (self.width,) * (self.depth - 1) + (self.output_channels * SQUARE**2,),
            dtype=self.dtype,
            kernel_init=nn.initializers.orthogonal(),
        )
        return pixel_shuffle(outputs, SQUARE)[:, :height, :width].astype(jnp.float32) - noisy
