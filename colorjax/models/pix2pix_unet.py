"""The U-Net generator of pix2pix: [B, H, W, Cin] to float32 [B, H, W, output_channels] in (-1, 1).

P. Isola, J.-Y. Zhu, T. Zhou and A. A. Efros, "Image-to-Image Translation with Conditional Adversarial Networks", CVPR
2017, section 6.1.1. With width 64 and depth 8 it has 54,409,858 parameters from one channel to two, as the authors'
PyTorch code counts them.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from colorjax.models.network import Network
from colorjax.models.picture_convolution import PictureConvolution
from colorjax.models.picture_norm import PictureNorm
from colorjax.models.resampling import pad_to_multiple

SLOPE = 0.2  # of the leaky ReLU below zero
_WIDEST = 8  # times the width: the number of features doubles at each level up to this
_KEPT = 0.5  # share of the features that dropout keeps


class Pix2pixUNet(Network):
    """4x4 convolutions that halve the sides down to one pixel, and as many that double them, with skips between.

    Normalization follows all convolutions but the first, the last, and that at the bottleneck: with one picture of
    256x256 the bottleneck of depth 8 is one pixel, which its own mean would set to zero.

    Dropout is active in training alone, if the network is given keys. The paper keeps it at test time too, as its only
    noise, and finds little randomness in the results (section 3.2); here a result must not depend on a draw. Sides are
    padded to multiples of 2**depth by reflection.

    Attributes:
      output_channels: number of channels of the output.
      axis_name: as in `PictureNormalization`.
      width: number of features after the first convolution.
      depth: number of halvings; 8 for the paper's 256x256 pixels, 6 for 64x64.
      norm: 'batch' (the paper's; at test time each picture's own statistics, see `picture_norm.py`), 'instance' or
        'none'.
      dropout: 'half' of the features of the inner depth - 5 doublings (three for depth 8, as in the paper), or 'none'.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 64
    depth: int = 8
    norm: PictureNorm = "batch"
    dropout: Literal["half", "none"] = "half"

    takes_keys = True

    @property
    def stride(self) -> int:
        """See `Network`."""
        return 2**self.depth

    @nn.compact
    def __call__(self, inputs, train: bool, keys: Array | None = None):
        """Return float32 [B, H, W, output_channels] for `inputs` [B, H, W, Cin] with any H, W >= 1.

        Args:
          inputs: of the network.
          train: whether batch normalization uses the batch's statistics.
          keys: typed keys [B] for dropout in training; without them nothing is dropped.
        """
        height, width = inputs.shape[1:3]
        features = pad_to_multiple(inputs, self.stride)

        def convolution(number, sides, level, normalized):
            norm = self.norm if normalized else "none"
            # As in the authors' PyTorch code: no bias but in the last layer, if the normalization is 'batch'.
            biased = self.norm != "batch" or sides == "doubled" and level < 0
            many = self.output_channels if level < 0 else self.width * min(2**level, _WIDEST)
            return PictureConvolution(
                many,
                4,
                sides,
                norm,
                self.axis_name,
                use_bias=biased,
                name=f"{'down' if sides == 'halved' else 'up'}_{number}",
            )

        skips = []
        for level in range(self.depth):
            if level:
                features = nn.leaky_relu(features, SLOPE)
            normalized = 0 < level < self.depth - 1
            features = convolution(level, "halved", level, normalized)(features, train)
            skips.append(features)
        features = self.bottleneck(skips.pop(), train)
        for number, level in enumerate(reversed(range(self.depth - 1))):
            features = convolution(number, "doubled", level, True)(nn.relu(features), train)
            if self.dropout == "half" and train and keys is not None and number < self.depth - 5:
                features = drop_half(features, jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, number))
            features = jnp.concatenate([skips.pop(), features], axis=-1)
        outputs = convolution(self.depth - 1, "doubled", -1, False)(nn.relu(features), train)
        return jnp.tanh(outputs)[:, :height, :width]

    def bottleneck(self, features: Array, train: bool) -> Array:
        """Return what is doubled of the smallest `features`; another network may put layers between."""
        del train
        return features


def drop_half(features: Array, keys: Array) -> Array:
    """Return `features` [B, H, W, C] with a random half at zero and the rest doubled, each example by its own key [B].

    So the result does not depend on how a batch is shared between devices.
    """
    kept = jax.vmap(lambda key: jax.random.bernoulli(key, _KEPT, features.shape[1:]))(keys)
    return jnp.where(kept, features / _KEPT, jnp.zeros((), features.dtype))
