"""Colorization as a classification of each pixel's color. Pictures are float32 sRGB [*b, H, W, 3]."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from colorjax.color import ab_bins
from colorjax.color.spaces import rgb2lab
from colorjax.tasks.colorize import Colorize
from colorjax.tasks.losses import Loss

# Of the annealed mean, and the power of the rarity weights by which probabilities are multiplied before it (Menon et
# al. 2021, "Long-tail learning via logit adjustment"). Zhang et al. have 0.38 and none. These were chosen on 184
# validation photographs for the shipped network: a higher power or a lower temperature gives more color and less PSNR.
TEMPERATURE = 0.7
RARITY_EXPONENT = 0.27


def cross_entropy(logits: Array, ab: Array) -> Array:
    """Mean over the pixels of the cross entropy to the soft encoding of the true colors, [B].

    Args:
        logits: [B, H, W, bins].
        ab: Lab a and b, [B, H, W, 2].
    """
    return jnp.mean(_cross_entropies(logits, ab_bins.encode(ab)), axis=(-2, -1))


def rarity_weighted_cross_entropy(logits: Array, ab: Array) -> Array:
    """As `cross_entropy`, each pixel weighed by how rare its most probable true bin is (`ab_bins.rarity_weights`).

    Zhang et al. 2016, equations 2 and 3. Most of any photograph is nearly gray; without weights a network is too.
    """
    truth = ab_bins.encode(ab)
    weights = jnp.asarray(ab_bins.rarity_weights())[jnp.argmax(truth, axis=-1)]
    return jnp.mean(weights * _cross_entropies(logits, truth), axis=(-2, -1))


def _cross_entropies(logits, truth):
    """Return the cross entropy of each pixel, [B, H, W]; both distributions [B, H, W, bins] are given by logits."""
    return -jnp.sum(jax.nn.softmax(truth, axis=-1) * jax.nn.log_softmax(logits, axis=-1), axis=-1)


@dataclasses.dataclass(frozen=True)
class ColorizeBins(Colorize):
    """The network gives the logits of a distribution over the bins of ab (`colorjax/color/ab_bins.py`).

    After Zhang, Isola and Efros 2016. The mean of squared error is a dull color wherever several are plausible; a
    distribution keeps them apart, and its annealed mean is one of them.

    Outputs [*b, h, w, bins] may stand for squares of pixels, as many a picture is wide and high over w and h (theirs
    are of 4x4). The targets are Lab a and b themselves, [*b, H, W, 2], of every pixel.
    """

    name: ClassVar[str] = "colorize_bins"
    output_channels: ClassVar[int] = ab_bins.count()
    losses: ClassVar[Mapping[str, Loss]] = {
        "rarity_weighted_cross_entropy": rarity_weighted_cross_entropy,
        "cross_entropy": cross_entropy,
    }

    def targets(self, clean: Array, inputs: Array) -> Array:
        """Return the true a and b, [*b, H, W, 2]."""
        del inputs
        return rgb2lab(clean)[..., 1:]

    def loss(self, outputs: Array, targets: Array) -> Array:
        """Return one number for each example, [B].

        Args:
            outputs: logits [B, h, w, bins]; or a and b [B, H, W, 2], which count as a distribution as narrow as the
                encoding has them.
            targets: a and b [B, H, W, 2]; H a multiple of h, W of w. A square's target is its pixels' mean.
        """
        logits = outputs if outputs.shape[-1] == self.output_channels else ab_bins.encode(outputs)
        return self.losses[self.loss_name](logits, mean_of_squares(targets, *outputs.shape[1:3]))

    def colors(self, outputs: Array) -> Array:
        """Return the annealed mean of the distribution, Lab a and b [*b, h, w, 2]."""
        if outputs.shape[-1] == 2:
            return outputs
        adjusted = outputs + RARITY_EXPONENT * jnp.log(ab_bins.rarity_weights()).reshape(
            (1,) * (outputs.ndim - 1) + (-1,)
        )
        return ab_bins.annealed_mean(adjusted, TEMPERATURE)


def mean_of_squares(values: Array, height: int, width: int) -> Array:
    """Return `values` [B, H, W, C] averaged over rectangles of pixels, [B, height, width, C]."""
    batch, full_height, full_width, channels = values.shape
    if full_height % height or full_width % width:
        raise ValueError(f"{full_height}x{full_width} pixels can't be divided into {height}x{width}")
    shape = (batch, height, full_height // height, width, full_width // width, channels)
    return values.reshape(shape).mean(axis=(2, 4))
