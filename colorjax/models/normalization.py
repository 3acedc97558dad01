"""Normalization of feature maps: [B, H, W, C] in and out, statistics and parameters in float32.

`normalization` is what networks use; `group_norm` is the pure function behind norm='group'.
"""

from typing import Literal

import jax.numpy as jnp
from flax import linen as nn
from jax import lax

Norm = Literal["group", "batch", "none"]

_MOST_GROUPS = 32  # Wu and He 2018, "Group Normalization": their default
_FEWEST_CHANNELS = 8  # a group of one channel would be instance normalization, which forgets its brightness


def group_count(channels: int) -> int:
    """Return the number of groups for `channels`: the largest divisor that is at most 32 and leaves at least

    8 channels to a group; 1 (layer normalization) where there is none. 512 -> 32, 64 -> 8, 48 -> 6, 7 -> 1.
    """
    fitting = (
        groups
        for groups in range(1, _MOST_GROUPS + 1)
        if channels % groups == 0 and channels // groups >= _FEWEST_CHANNELS
    )
    return max(fitting, default=1)


def group_norm(features, scale, bias, groups: int, epsilon: float = 1e-5):
    """Return `features` [B, H, W, C] with each group of channels at mean 0 and variance 1, scaled and shifted.

    Wu and He 2018, equations 1 to 3. It is written as one multiplication and addition for each channel, with
    the statistics from plain sums over whole rows of pixels: XLA turns this and its gradient into two passes
    over memory, where `nn.GroupNorm` takes five times as long on a CPU.

    Args:
      features: [B, H, W, C] of any float dtype.
      scale: float32 [C].
      bias: float32 [C].
      groups: a divisor of C.
      epsilon: added to the variance.

    Returns:
      [B, H, W, C] in the dtype of `features`; the arithmetic is done in float32.
    """
    batch, height, width, channels = features.shape
    wide = features.astype(jnp.float32)
    count = height * width * (channels // groups)

    def group_mean(values):
        # Two sums of one axis each: XLA's CPU backend spreads the first over its threads.
        return values.sum(axis=1).sum(axis=1).reshape(batch, groups, -1).sum(axis=-1) / count

    mean = group_mean(wide)
    variance = jnp.maximum(group_mean(jnp.square(wide)) - jnp.square(mean), 0.0)
    channels_each = channels // groups
    factor = jnp.repeat(lax.rsqrt(variance + epsilon), channels_each, axis=1) * scale[None]
    offset = bias[None] - jnp.repeat(mean, channels_each, axis=1) * factor
    normalized = wide * factor[:, None, None] + offset[:, None, None]
    return normalized.astype(features.dtype)


class GroupNorm(nn.Module):
    """Group normalization with `group_count` groups."""

    @nn.compact
    def __call__(self, features):
        """Normalize `features` [B, H, W, C]."""
        channels = features.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (channels,), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (channels,), jnp.float32)
        return group_norm(features, scale, bias, group_count(channels))


class BatchNorm(nn.Module):
    """Batch normalization; in training the statistics are those of all devices of `axis_name`."""

    axis_name: str | None

    @nn.compact
    def __call__(self, features, train: bool):
        """Normalize `features` [B, H, W, C] by the batch's statistics (train) or by the running ones."""
        norm = nn.BatchNorm(use_running_average=not train, axis_name=self.axis_name)
        return norm(features.astype(jnp.float32)).astype(features.dtype)


class Normalization(nn.Module):
    """The normalization that a config's `norm` names."""

    norm: Norm
    axis_name: str | None

    @nn.compact
    def __call__(self, features, train: bool):
        """Normalize `features` [B, H, W, C]; 'none' returns them as they are."""
        if self.norm == "group":
            return GroupNorm()(features)
        if self.norm == "batch":
            return BatchNorm(self.axis_name)(features, train)
        return features
