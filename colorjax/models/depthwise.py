"""Depthwise convolution: each channel of [B, H, W, C] by a filter of its own; padding SAME as TensorFlow's.

On a CPU it is a sum of shifted copies, each multiplied by one row of the filter's table. XLA compiles that into one
pass over memory, while its own grouped convolution is five to thirteen times slower there (`benchmarks/depthwise.py`).
On other platforms it is XLA's own.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array, lax

from colorjax.models.variables import parameter


def same_padding(length: int, kernel_size: int, stride: int) -> tuple[int, int]:
    """Return TensorFlow's SAME padding of an axis: the smaller half before, the larger half after."""
    total = max((-(-length // stride) - 1) * stride + kernel_size - length, 0)
    return total // 2, total - total // 2


def depthwise_convolution(features: Array, kernel: Array, stride: int = 1) -> Array:
    """Return the convolution of each channel by its own filter.

    Args:
      features: [B, H, W, C].
      kernel: [K, K, C], of the same dtype.
      stride: of both axes, 1 or more.

    Returns:
      [B, ceil(H / stride), ceil(W / stride), C].
    """
    padding = [same_padding(length, kernel.shape[0], stride) for length in features.shape[1:3]]

    def shifted(features, kernel):
        return _by_shifts(features, kernel, stride, padding)

    def grouped(features, kernel):
        return lax.conv_general_dilated(
            features,
            kernel[:, :, None],
            (stride, stride),
            padding,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=features.shape[-1],
        )

    return lax.platform_dependent(features, kernel, cpu=shifted, default=grouped)


def _by_shifts(features, kernel, stride, padding):
    # Written with lax, because jnp's indexing and arithmetic take most of the time that tracing a network takes.
    batch, *sides, channels = features.shape
    rows, columns = (-(-length // stride) for length in sides)
    shape = (batch, rows, columns, channels)
    padded = lax.pad(features, jnp.zeros((), features.dtype), [(0, 0, 0), *((*pair, 0) for pair in padding), (0, 0, 0)])
    total = None
    for y in range(kernel.shape[0]):
        for x in range(kernel.shape[1]):
            last = (batch, y + (rows - 1) * stride + 1, x + (columns - 1) * stride + 1, channels)
            shifted = lax.slice(padded, (0, y, x, 0), last, (1, stride, stride, 1))
            filters = lax.slice(kernel, (y, x, 0), (y + 1, x + 1, channels))
            product = lax.mul(shifted, lax.broadcast_in_dim(filters, shape, (1, 2, 3)))
            total = product if total is None else lax.add(total, product)
    return total


class DepthwiseConvolution(nn.Module):
    """A depthwise convolution without a bias.

    Attributes:
      kernel_size: side of the filters.
      stride: of both axes.
      dtype: of the computation; the kernel is float32.
    """

    kernel_size: int
    stride: int = 1
    dtype: str = "float32"

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        """Return [B, ceil(H / stride), ceil(W / stride), C] for `inputs` [B, H, W, C]."""
        # He et al. 2015: each output is a sum over the filter alone.
        shape = (self.kernel_size, self.kernel_size, inputs.shape[-1])
        initial = jax.nn.initializers.he_normal(in_axis=(0, 1), out_axis=2, batch_axis=())
        kernel = parameter(self, "kernel", initial, shape)
        return depthwise_convolution(inputs.astype(self.dtype), kernel.astype(self.dtype), self.stride)
