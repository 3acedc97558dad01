"""Halving, doubling and padding of feature maps [B, H, W, C], any finite range, channels last.

The two resamplings of a U-Net are 2x2 max pooling and the 2x2 transposed convolution of stride 2. Their windows do not
overlap, so slices and reshapes are enough. XLA's general operators for them, and above all their gradients
(select-and-scatter, convolution of a dilated input), are several times slower on a CPU.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn


@jax.custom_vjp
def max_pool(features):
    """Return the largest value of each 2x2 square of `features` [B, H, W, C], H and W even: [B, H/2, W/2, C].

    If several values of a square are the largest, each of them gets the gradient (`nn.max_pool` picks the first).
    """
    rows = jnp.maximum(features[:, 0::2], features[:, 1::2])
    return jnp.maximum(rows[:, :, 0::2], rows[:, :, 1::2])


def _max_pool_forward(features):
    pooled = max_pool(features)
    return pooled, (features, pooled)


def _max_pool_backward(residuals, cotangent):
    features, pooled = residuals
    largest = features == upsample_nearest(pooled)
    return (jnp.where(largest, upsample_nearest(cotangent), jnp.zeros((), cotangent.dtype)),)


max_pool.defvjp(_max_pool_forward, _max_pool_backward)


def upsample_nearest(features):
    """Return `features` [B, H, W, C] with each pixel repeated in a 2x2 square: [B, 2H, 2W, C]."""
    batch, height, width, channels = features.shape
    squares = jnp.broadcast_to(features[:, :, None, :, None], (batch, height, 2, width, 2, channels))
    return squares.reshape(batch, 2 * height, 2 * width, channels)


def pixel_unshuffle(features, side: int):
    """Return each square of `side` x `side` pixels as one pixel: [B, H, W, C] to [B, H/side, W/side, side^2 C].

    This is the pixel-unshuffle of FFDNet (Zhang, Zuo and Zhang 2018, section III.A); `side` divides H and W. The new
    channels are the pixels of the square, row by row, each with its C channels.
    """
    batch, height, width, channels = features.shape
    squares = features.reshape(batch, height // side, side, width // side, side, channels)
    return squares.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height // side, width // side, side * side * channels)


def pixel_shuffle(features, side: int):
    """Return the inverse of `pixel_unshuffle`: `features` [B, H, W, side^2 C] to [B, side H, side W, C]."""
    batch, height, width, channels = features.shape
    squares = features.reshape(batch, height, width, side, side, channels // side**2)
    return squares.transpose(0, 1, 3, 2, 4, 5).reshape(batch, side * height, side * width, channels // side**2)


class TransposedConvolution(nn.Module):
    """2x2 transposed convolution of stride 2: out[2h+i, 2w+j] = in[h, w] @ kernel[i, j] + bias.

    It equals `nn.ConvTranspose(features, (2, 2), (2, 2))` with the two spatial axes of the kernel reversed.
    """

    features: int
    dtype: str

    @nn.compact
    def __call__(self, inputs):
        """Return [B, 2H, 2W, features] for `inputs` [B, H, W, C]."""
        batch, height, width, channels = inputs.shape
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (2, 2, channels, self.features), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32)
        squares = jnp.einsum("bhwc,ijcf->bhiwjf", inputs.astype(self.dtype), kernel.astype(self.dtype))
        outputs = squares.reshape(batch, 2 * height, 2 * width, self.features)
        return outputs + bias.astype(self.dtype)[None, None, None]


def pad_to_multiple(pictures, multiple: int):
    """Return images [B, H, W, C], mirrored beyond their lower and right edges to sides that `multiple` divides.

    H and W are any numbers from 1 on; an axis of one pixel is repeated. [:, :H, :W] crops the result again.
    """
    height, width = pictures.shape[1:3]
    below, right = -height % multiple, -width % multiple
    if not (below or right):
        return pictures
    return jnp.pad(pictures, ((0, 0), (0, below), (0, right), (0, 0)), mode="reflect")


def halving_convolution(features, kernel):
    """Return the convolution of stride 2 with one pixel of zeros around: [B, H, W, C] to [B, H/2, W/2, F].

    out[n] is the sum over k of in[2n + k - 1] kernel[k], along both axes, as `torch.nn.Conv2d(stride=2, padding=1)`. It
    is computed as a 2x2 convolution of squares of pixels, whose gradient needs no convolution of a dilated input.

    Args:
      features: [B, H, W, C], H and W from 2 on; of an odd side the last pixel is read no further than by the kernel.
      kernel: [4, 4, C, F], or [3, 3, C, F], which is the same with zeros in the last row and column.
    """
    kernel = _to_four(kernel)
    channels, width = kernel.shape[2:]
    padded = jnp.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
    padded = padded[:, : padded.shape[1] // 2 * 2, : padded.shape[2] // 2 * 2]
    squares = kernel.reshape(2, 2, 2, 2, channels, width).transpose(0, 2, 1, 3, 4, 5).reshape(2, 2, -1, width)
    return convolution(pixel_unshuffle(padded, 2), squares)


def doubling_convolution(features, kernel):
    """Return the transposed convolution of stride 2: [B, H, W, C] to [B, 2H, 2W, F].

    out[2n + k - 1] gets in[n] kernel[k], along both axes. A kernel of 4x4 gives `torch.nn.ConvTranspose2d(stride=2,
    padding=1)`, one of 3x3 the same with `output_padding=1`. It is computed as a 2x2 convolution that makes the four
    pixels of each square, without a dilated input.

    Args:
      features: [B, H, W, C].
      kernel: [4, 4, C, F] or [3, 3, C, F].
    """
    kernel = _to_four(kernel)
    height, width = features.shape[1:3]
    channels, new = kernel.shape[2:]
    # Row k = 3 - 2t - p of the kernel is tap t of the pixels with the parity p.
    taps = kernel[::-1, ::-1].reshape(2, 2, 2, 2, channels, new).transpose(0, 2, 4, 1, 3, 5)
    padded = jnp.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
    outputs = convolution(padded, taps.reshape(2, 2, channels, 4 * new))
    outputs = outputs.reshape(*outputs.shape[:3], 2, 2, new)
    rows = jnp.stack([outputs[:, p : p + height, :, p] for p in range(2)], axis=2)  # [B, H, 2, W + 1, 2, F]
    pixels = jnp.stack([rows[:, :, :, q : q + width, q] for q in range(2)], axis=4)  # [B, H, 2, W, 2, F]
    return pixels.reshape(features.shape[0], 2 * height, 2 * width, new)


def _to_four(kernel):
    missing = 4 - kernel.shape[0]
    return jnp.pad(kernel, ((0, missing), (0, missing), (0, 0), (0, 0))) if missing else kernel


def convolution(features, kernel, padding: int = 0):
    """Return the convolution of `features` [B, H, W, C] by `kernel` [k, k, C, F].

    `padding` pixels of zeros are put around the features; the sides of the result are H and W plus 2 padding - k + 1.
    """
    sides = ((padding, padding), (padding, padding))
    return jax.lax.conv_general_dilated(features, kernel, (1, 1), sides, dimension_numbers=("NHWC", "HWIO", "NHWC"))
