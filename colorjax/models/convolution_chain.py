"""Convolutions at full size, one after another: [B, H, W, Cin] to [B, H, W, features]. DnCNN and others are made so."""

from collections.abc import Callable, Sequence

from flax import linen as nn

from colorjax.models.blocks import DType
from colorjax.models.normalization import Normalization


def convolution_chain(
    features,
    train: bool,
    widths: Sequence[int],
    *,
    dtype: DType,
    kernel_init: Callable,
    kernel_size: int = 3,
    dilations: Sequence[int] = (),
    normalized: Sequence[int] = (),
    axis_name: str | None = None,
):
    """Return the features after all convolutions, with ReLU after each but the last.

    The convolutions become submodules `convolution_0`, `convolution_1` ... of the module that calls this, and their
    normalizations `norm_0` ... A convolution with a normalization has no bias, which the normalization would remove.

    Args:
      features: [B, H, W, Cin].
      train: whether batch normalization uses the batch's statistics.
      widths: number of features after each convolution.
      dtype: type of the computation.
      kernel_init: makes new kernels.
      kernel_size: side of the kernels, odd.
      dilations: distance between the values that a kernel reads, for each convolution; by default 1.
      normalized: numbers of the convolutions that batch normalization follows.
      axis_name: the mapped axis over which it takes its statistics.
    """
    for number, width in enumerate(widths):
        features = nn.Conv(
            width,
            (kernel_size, kernel_size),
            kernel_dilation=dilations[number] if dilations else 1,
            use_bias=number not in normalized,
            dtype=dtype,
            kernel_init=kernel_init,
            name=f"convolution_{number}",
        )(features)
        if number in normalized:
            features = Normalization("batch", axis_name, name=f"norm_{number}")(features, train)
        if number < len(widths) - 1:
            features = nn.relu(features)
    return features
