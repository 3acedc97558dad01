"""Common parts of all metrics: the check of the arguments, the loop over the images, and the mean over a mask.

Images are `[*b, H, W, C]` in [0, 1]. A mask is bool `[*b, H, W]`, true for real pixels and false for padding, or None
without padding. Padding lets images of different sizes share a batch.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

_BLOCK = 64  # values that are added one after the other


def each_picture(
    function: Callable[..., jax.Array],
    *pictures: jax.Array,
    mask: jax.Array | None,
    channels: tuple[int, ...] = (1, 3),
) -> jax.Array:
    """Return `function(*pictures, mask)` for each image `[H, W, C]` of the batch, stacked to `[*b, ...]`.

    It is a loop instead of a `vmap`, because on a CPU the maps of one image fit into the cache and the maps of a batch
    don't. SSIM and CIEDE2000 run two to four times as fast this way.

    Args:
      function: receives images `[H, W, C]`, in float32 (in float64 if one of `pictures` is float64), and a mask
        `[H, W]` or None.
      *pictures: images `[*b, H, W, C]` of one shape.
      mask: bool `[*b, H, W]`, or None.
      channels: numbers of channels that are allowed.

    Raises:
      TypeError: images that aren't floating-point: uint8 images could not be told from images in [0, 1].
      ValueError: shapes that don't fit, or a mask that isn't bool.
    """
    pictures = _checked(pictures, mask, channels)
    batch = pictures[0].shape[:-3]
    flat = jax.tree.map(lambda array: array.reshape(-1, *array.shape[len(batch) :]), (*pictures, mask))
    results = jax.lax.map(lambda picture: function(*picture), flat)
    return results.reshape(*batch, *results.shape[1:])


def masked_mean(values: jax.Array, mask: jax.Array | None) -> jax.Array:
    """Return the mean of `values` `[H, W, C]` over the mask's pixels and the channels; nan for an empty mask.

    Values outside the mask may be anything, nan included.
    """
    height, width, channels = values.shape
    pixels = height * width
    if mask is not None:
        values = jnp.where(mask[..., None], values, 0.0)
        pixels = jnp.sum(mask).astype(values.dtype)
    # A dot product instead of jnp.sum, because XLA's CPU backend doesn't fuse into it. Fused into a sum, the formula
    # for the values would be computed repeatedly and not vectorized: SSIM took some ten times as long.
    rows = _in_blocks(values.reshape(height, -1))
    ones = jnp.ones(_BLOCK, values.dtype)
    blocks = jnp.matmul(rows, ones, precision=jax.lax.Precision.HIGHEST)
    while blocks.size > 1:  # a sum of all at once, one after the other, would lose digits
        blocks = jnp.sum(_in_blocks(blocks.ravel()), axis=-1)
    return blocks.reshape(()) / (pixels * channels)


def _in_blocks(values: jax.Array) -> jax.Array:
    """Return `values` [*b, n] as [*b, m, _BLOCK], filled up with zeros."""
    missing = -values.shape[-1] % _BLOCK
    values = jnp.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)])
    return values.reshape(*values.shape[:-1], -1, _BLOCK)


def _checked(pictures, mask, channels):
    pictures = [jnp.asarray(picture) for picture in pictures]
    shape = pictures[0].shape
    for picture in pictures:
        if not jnp.issubdtype(picture.dtype, jnp.floating):
            raise TypeError(f"a picture must be floating-point in [0, 1], not {picture.dtype}")
        if picture.shape != shape:
            raise ValueError(f"pictures must have one shape, not {shape} and {picture.shape}")
    if len(shape) < 3 or shape[-1] not in channels:
        counts = " or ".join(map(str, channels))
        raise ValueError(f"a picture must have the shape [*b, H, W, {counts}], not {shape}")
    if mask is not None and (mask.shape != shape[:-1] or mask.dtype != jnp.bool_):
        raise ValueError(f"a mask must be bool {list(shape[:-1])}, not {mask.dtype} {list(mask.shape)}")
    dtype = jnp.float32
    for picture in pictures:
        dtype = jnp.promote_types(dtype, picture.dtype)
    return [picture.astype(dtype) for picture in pictures]
