"""A U-Net generator with a dense block at its bottleneck: [B, H, W, Cin] to float32 [B, H, W, output_channels].

After J. Xu et al., "DenseUnet generative adversarial network for near-infrared face image colorization", Signal
Processing 2021. What is known of it is its abstract and one re-implementation by others: seven halvings, a dense block
of four layers with growth 32 where 128x128 pixels have become one (256x256: 2x2), seven doublings with skips. Kernels
of 4x4 in place of that program's 5x5 and 6x6, normalization outside of the block, activations and dropout are those of
pix2pix, for that program has none; this is the project's choice, not the paper's.
"""

import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from colorjax.models.picture_convolution import PictureConvolution
from colorjax.models.pix2pix_unet import Pix2pixUNet


class DenseUNetGenerator(Pix2pixUNet):
    """`Pix2pixUNet` of depth 7 with a dense block (Huang et al. 2017) at the bottleneck.

    Attributes:
      layers: number of the dense block's 3x3 convolutions. Each adds `width` / 2 features (32 for width 64), which all
        later ones read.
    """

    depth: int = 7
    layers: int = 4

    def bottleneck(self, features: Array, train: bool) -> Array:
        """Return `features` beside those of the dense block, without normalization: they may be one pixel."""
        for number in range(self.layers):
            layer = PictureConvolution(max(1, self.width // 2), 3, "kept", name=f"dense_{number}")
            features = jnp.concatenate([features, layer(nn.relu(features), train)], axis=-1)
        return features
