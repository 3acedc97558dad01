"""A convolutional denoising autoencoder: [B, H, W, Cin] to float32 [B, H, W, output_channels].

P. Vincent, H. Larochelle, Y. Bengio and P.-A. Manzagol, "Extracting and Composing Robust Features with Denoising
Autoencoders", ICML 2008, is on fully connected layers and on inputs of which a share is set to 0. The form here is the
usual one for images, that of Keras' example "Convolutional autoencoder for image denoising", for any noise.
"""

import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.blocks import DType
from colorjax.models.network import Network, image_channels
from colorjax.models.resampling import max_pool, pad_to_multiple


class DenoisingAutoencoder(Network):
    """3x3 convolutions with 2x2 pooling, as many 3x3 transposed convolutions of stride 2, and a 3x3 convolution.

    A sigmoid makes an image in [0, 1] of the result. This network returns that image minus the noisy one, the
    correction that a denoising task adds. Kernels begin as in Keras (Glorot and Bengio 2010). The sides are padded to
    multiples of `stride` by reflection, and the output is cropped.

    Attributes:
      output_channels: number of channels of the image.
      axis_name: not used, because nothing here needs batch statistics.
      width: number of features.
      depth: number of halvings.
      dtype: type of the computation.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 32
    depth: int = 2
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
        settings = {"dtype": self.dtype, "kernel_init": nn.initializers.glorot_uniform()}
        features = pad_to_multiple(inputs, self.stride)
        for level in range(self.depth):
            features = nn.relu(nn.Conv(self.width, (3, 3), **settings, name=f"down_{level}")(features))
            features = max_pool(features)
        for level in reversed(range(self.depth)):
            up = nn.ConvTranspose(self.width, (3, 3), (2, 2), **settings, name=f"up_{level}")
            features = nn.relu(up(features))
        outputs = nn.sigmoid(nn.Conv(self.output_channels, (3, 3), **settings, name="output")(features))
        return outputs[:, :height, :width].astype(jnp.float32) - noisy
