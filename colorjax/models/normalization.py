"""Normalization of feature maps: [B, H, W, C] in and out, statistics and parameters in float32.

Networks use `Normalization`; `group_norm` is the pure function behind norm='group'.
"""

from typing import Literal

import jax.numpy as jnp
from flax import linen as nn
from jax import lax

Norm = Literal["group", "batch", "none"]

_MOST_GROUPS = 32  # Wu and He 2018, "Group Normalization": their default
_FEWEST_CHANNELS = 8  # a group of one channel would be instance normalization, which loses the channel's mean


def group_count(channels: int) -> int:
    """Return the number of groups for `channels`.

    It is the largest divisor that is at most 32 and leaves at least 8 channels in each group, or 1 (layer
    normalization) if there is no such divisor: 512 -> 32, 64 -> 8, 48 -> 6, 7 -> 1.
    """
    fitting = (
        groups
        for groups in range(1, _MOST_GROUPS + 1)
        if channels % groups == 0 and channels // groups >= _FEWEST_CHANNELS
    )
    return max(fitting, default=1)


def group_norm(features, scale, bias, groups: int, epsilon: float = 1e-5):
    """Return `features` [B, H, W, C] with each group of channels at mean 0 and variance 1, scaled and shifted.

    Wu and He 2018, equations 1 to 3. The computation is one multiplication and one addition for each channel, with
    the statistics from plain sums over whole rows of pixels. XLA compiles this and its gradient into two passes over
    memory. On a CPU `nn.GroupNorm` takes five times as long.

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
        # Two sums over one axis each, because XLA's CPU backend spreads the first one over its threads.
        return values.sum(axis=1).sum(axis=1).reshape(batch, groups, -1).sum(axis=-1) / count

    mean = group_mean(wide)
    variance = jnp.maximum(group_mean(jnp.square(wide)) - jnp.square(mean), 0.0)
    channels_each = channels // groups
    factor = jnp.repeat(lax.rsqrt(variance + epsilon), channels_each, axis=1) * scale[None]
    offset = bias[None] - jnp.repeat(mean, channels_each, axis=1) * factor
    normalized = wide * factor[:, None, None] + offset[:, None, None]
    return normalized.astype(features.dtype)


def weighted_moments(features, groups: int, rows, columns):
    """Return the mean and the variance of each group of `features` over weighted positions.

    The mean at (i, j) is the sum over (h, w) of rows[i, h] columns[j, w] times the group's mean at (h, w). Weights in
    the shape of boxes give the mean of a window around each position. One row and one column give a mean of the whole.

    Args:
      features: [B, H, W, C] of any float dtype.
      groups: a divisor of C.
      rows: float32 [I, H], not negative, each row with the sum 1.
      columns: float32 [J, W], likewise.

    Returns:
      the mean and the variance, each float32 [B, I, J, groups].
    """
    wide = features.astype(jnp.float32)
    wide = wide.reshape(*wide.shape[:3], groups, -1)
    moments = jnp.concatenate([wide.mean(axis=-1), jnp.square(wide).mean(axis=-1)], axis=-1)
    # The variance is a small difference of two means, so they need full float32 precision, on a GPU too.
    moments = jnp.einsum("ih,bhwg->biwg", rows, moments, precision=lax.Precision.HIGHEST)
    moments = jnp.einsum("jw,biwg->bijg", columns, moments, precision=lax.Precision.HIGHEST)
    mean = moments[..., :groups]
    return mean, jnp.maximum(moments[..., groups:] - jnp.square(mean), 0.0)


def normalize_by(features, mean, variance, scale, bias, epsilon: float = 1e-5):
    """Return `features` normalized by a given mean and variance, scaled and shifted.

    Args:
      features: [B, H, W, C] of any float dtype.
      mean: float32 [B or 1, H or 1, W or 1, groups].
      variance: float32 of the same shape.
      scale: float32 [C].
      bias: float32 [C].
      epsilon: added to the variance.

    Returns:
      [B, H, W, C] in the dtype of `features`.
    """
    channels_each = features.shape[-1] // mean.shape[-1]
    factor = jnp.repeat(lax.rsqrt(variance + epsilon), channels_each, axis=-1) * scale[None, None, None]
    offset = bias[None, None, None] - jnp.repeat(mean, channels_each, axis=-1) * factor
    return (features.astype(jnp.float32) * factor + offset).astype(features.dtype)


class GroupNorm(nn.Module):
    """Group normalization with `group_count` groups.

    The statistics are those of the input, unless the collection "statistics" has one of these pairs of variables:

        rows, columns   weights for `weighted_moments`. If the collection is mutable, the mean and the variance over all
                        examples together are used, and written as the next pair
        mean, variance  the statistics themselves, [groups]

    `colorjax/inference/group_norm_statistics.py` makes these variables for images that a network processes in tiles.
    """

    @nn.compact
    def __call__(self, features):
        """Return normalized `features` [B, H, W, C]."""
        channels = features.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (channels,), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (channels,), jnp.float32)
        groups = group_count(channels)
        if self.has_variable("statistics", "mean"):
            mean, variance = (self.get_variable("statistics", name) for name in ("mean", "variance"))
            return normalize_by(features, mean[None, None, None], variance[None, None, None], scale, bias)
        if not self.has_variable("statistics", "rows"):
            return group_norm(features, scale, bias, groups)
        rows, columns = (self.get_variable("statistics", name) for name in ("rows", "columns"))
        mean, variance = weighted_moments(features, groups, rows, columns)
        if self.is_mutable_collection("statistics"):
            square = (variance + jnp.square(mean)).mean(axis=(0, 1, 2), keepdims=True)
            mean = mean.mean(axis=(0, 1, 2), keepdims=True)
            variance = jnp.maximum(square - jnp.square(mean), 0.0)
            self.put_variable("statistics", "mean", mean[0, 0, 0])
            self.put_variable("statistics", "variance", variance[0, 0, 0])
        return normalize_by(features, mean, variance, scale, bias)


class BatchNorm(nn.Module):
    """Batch normalization; in training the statistics are taken over all devices of the axis `axis_name`."""

    axis_name: str | None

    @nn.compact
    def __call__(self, features, train: bool):
        """Return `features` [B, H, W, C] normalized by the batch's statistics (`train`) or the running statistics."""
        norm = nn.BatchNorm(use_running_average=not train, axis_name=self.axis_name)
        return norm(features.astype(jnp.float32)).astype(features.dtype)


class Normalization(nn.Module):
    """The normalization named by `norm` in a config."""

    norm: Norm
    axis_name: str | None

    @nn.compact
    def __call__(self, features, train: bool):
        """Return normalized `features` [B, H, W, C]; 'none' returns them as they are."""
        if self.norm == "group":
            return GroupNorm()(features)
        if self.norm == "batch":
            return BatchNorm(self.axis_name)(features, train)
        return features
