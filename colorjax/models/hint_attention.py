"""Where the colors of hints count: attention from every position of a grid to the positions that have a hint.

Scaled dot-product attention (Vaswani et al. 2017, "Attention Is All You Need", equation 1) among the positions of one
image. A position compares itself with the hinted ones alone, by learned features and by distance, and with one more
entry that stands for "none of them". So what hints change is learned, their reach too, and without hints nothing is
changed, whatever the weights.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from colorjax.color import ab_bins
from colorjax.models.blocks import DType

# How fast a head's attention falls with distance when training begins, per side of the image.
_FIRST_RATES = (1.0, 3.0, 10.0, 30.0)
HEADS = len(_FIRST_RATES)
_FIRST_STRENGTH = 2.0  # of a head, in units of log probability
# Standard deviation of the bins that a hint's color speaks for, in Lab units: more than that of a color's own encoding,
# because one thing has many shades.
_SIGMA = 12.0
_COLOR_SCALE = 27.5  # Lab units; divides the mean colors, which are then about the size of features
_NOWHERE = -1e9


class HintAttention(nn.Module):
    """The attention. Its work and memory grow with the number of positions times `most`.

    Attributes:
      most: only so many positions with a hint are attended to, the first ones by rows; None for all.
      width: length of the compared features of each head.
      dtype: type of the computation of the features; the attention itself is float32.
    """

    most: int | None = None
    width: int = 16
    dtype: DType = "float32"

    @nn.compact
    def __call__(self, features: jax.Array, hints: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return what each position is told: votes for the bins, and each head's mean color and attention.

        Args:
          features: [B, h, w, C].
          hints: Lab a and b, and 1 where there is a hint, else 0, [B, h, w, 3].

        Returns:
          Votes in units of log probability [B, h, w, bins], and [B, h, w, 3 HEADS]: a and b / 27.5, multiplied by the
          share of its attention that a head gives to hints, and this share. All are 0 for images without hints.
        """
        batch, height, width, _ = features.shape
        size = height * width
        flat = features.reshape(batch, size, -1).astype(self.dtype)
        told = hints.reshape(batch, size, 3)
        distances = jnp.broadcast_to(_distances(height, width)[None], (batch, size, size))
        sources = flat
        if self.most is not None and self.most < size:
            # Those with a hint come first.
            _, chosen = jax.lax.top_k(told[..., 2], self.most)
            sources, told = (jnp.take_along_axis(values, chosen[..., None], axis=1) for values in (flat, told))
            distances = jnp.take_along_axis(distances, chosen[:, None], axis=2)

        def by_head(name, values, length):
            projected = nn.Dense(HEADS * length, dtype=self.dtype, name=name)(values)
            return projected.reshape(batch, -1, HEADS, length).astype(jnp.float32)

        rates = jnp.exp(self.param("log_rates", lambda _: jnp.log(jnp.array(_FIRST_RATES))))
        strengths = self.param("strengths", lambda _: jnp.full(HEADS, _FIRST_STRENGTH))
        query, key = by_head("query", flat, self.width), by_head("key", sources, self.width)
        likeness = jnp.einsum("bqhd,bkhd->bhqk", query, key) / jnp.sqrt(self.width)
        likeness = likeness - rates[None, :, None, None] * distances[:, None]
        there = told[:, None, None, :, 2]
        none = jnp.moveaxis(by_head("none", flat, 1), 2, 1)
        scores = jnp.concatenate([jnp.where(there > 0, likeness, _NOWHERE), none], axis=-1)
        attention = jax.nn.softmax(scores, axis=-1)[..., :-1] * there

        votes = jnp.einsum("bqk,bkn->bqn", jnp.einsum("h,bhqk->bqk", strengths, attention), _shares(told[..., :2]))
        seen = jnp.einsum("bhqk,bkc->bqhc", attention, told / jnp.array([[[_COLOR_SCALE, _COLOR_SCALE, 1.0]]]))
        return votes.reshape(batch, height, width, -1), seen.reshape(batch, height, width, -1)


def _shares(colors):
    """Return how much colors [B, n, 2] speak for each bin, from 0 to 1, [B, n, bins]."""
    squares = jnp.sum(jnp.square(colors[:, :, None] - ab_bins.centers()[None, None]), axis=-1)
    return jnp.exp(-squares / (2 * _SIGMA**2))


def _distances(height, width):
    """Return the distances between the positions of a grid, in sides of the image, [h w, h w]."""
    y, x = jnp.meshgrid(jnp.arange(height) / height, jnp.arange(width) / width, indexing="ij")
    y, x = y.reshape(-1), x.reshape(-1)
    return jnp.hypot(y[:, None] - y[None], x[:, None] - x[None])
