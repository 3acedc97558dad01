"""Normalization without running statistics, as adversarial networks have it: [B, H, W, C] in and out, float32.

'batch' normalizes in training by the statistics of the batch, over all devices. At test time it normalizes each picture
by the picture's own statistics. That is what the released code of Isola et al. 2017 does, which leaves batch
normalization as in training and colors pictures one by one: with a batch of one the statistics are the picture's. So a
result depends on no other picture, and with training batches of one, as in the paper, training and test agree.

'instance' always normalizes each picture by its own statistics and has no parameters (Ulyanov et al. 2016; Zhu et al.
2017).
"""

from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn

PictureNorm = Literal["batch", "instance", "none"]

_EPSILON = 1e-5


def around_one(key, shape, dtype=jnp.float32):
    """Draw scales from a normal distribution with mean 1 and standard deviation 0.02 (`weights_init` of pix2pix)."""
    return 1 + 0.02 * jax.random.normal(key, shape, dtype)


class PictureNormalization(nn.Module):
    """The normalization named by `norm`.

    Attributes:
      norm: 'batch', 'instance', or 'none'.
      axis_name: the mapped axis over which 'batch' takes its statistics in training, or None for one device.
    """

    norm: PictureNorm
    axis_name: str | None

    @nn.compact
    def __call__(self, features, train: bool):
        """Return normalized `features` [B, H, W, C]; 'none' returns them as they are."""
        if self.norm == "none":
            return features
        count = features.shape[1] * features.shape[2]
        # Two sums over one axis each, as in `normalization.group_norm`.
        mean = features.sum(axis=1).sum(axis=1)[:, None, None] / count
        if self.norm == "batch" and train:
            mean = self._over_batch(mean)
        # The deviations, not the difference of two means: at the bottleneck the variance is that of few numbers.
        centered = features - mean
        variance = jnp.square(centered).sum(axis=1).sum(axis=1)[:, None, None] / count
        if self.norm == "batch" and train:
            variance = self._over_batch(variance)
        factor = jax.lax.rsqrt(variance + _EPSILON)
        if self.norm == "instance":
            return centered * factor
        channels = features.shape[-1:]
        scale = self.param("scale", around_one, channels, jnp.float32)[None, None, None]
        bias = self.param("bias", nn.initializers.zeros, channels, jnp.float32)[None, None, None]
        return centered * (factor * scale) + bias

    def _over_batch(self, values):
        mean = values.mean(axis=0, keepdims=True)
        if self.axis_name is None or self.is_initializing():  # variables are made outside the mapped axis
            return mean
        return jax.lax.pmean(mean, self.axis_name)
