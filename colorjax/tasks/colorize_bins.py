"""Colorization as a classification of each pixel's color. Images are float32 sRGB [*b, H, W, 3]."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from colorjax.color import ab_bins
from colorjax.color.spaces import rgb2lab
from colorjax.errors import UserError
from colorjax.tasks.colorize import Colorize
from colorjax.tasks.losses import Loss

VIVIDNESS = 0.5


def cross_entropy(logits: Array, ab: Array) -> Array:
    """Return the mean over the pixels of the cross entropy to the soft encoding of the true colors, [B].

    Args:
      logits: [B, H, W, bins].
      ab: Lab a and b, [B, H, W, 2].
    """
    return jnp.mean(cross_entropies(logits, ab_bins.encode(ab)), axis=(-2, -1))


def rarity_weighted_cross_entropy(logits: Array, ab: Array) -> Array:
    """Return `cross_entropy` with a weight for each pixel: the rarer its most probable true bin, the larger, [B].

    The weights are `ab_bins.rarity_weights` (Zhang et al. 2016, equations 2 and 3). Most pixels of a photograph are
    nearly gray; without weights a network predicts nearly gray everywhere.
    """
    truth = ab_bins.encode(ab)
    weights = jnp.asarray(ab_bins.rarity_weights())[jnp.argmax(truth, axis=-1)]
    return jnp.mean(weights * cross_entropies(logits, truth), axis=(-2, -1))


def cross_entropies(logits, truth):
    """Return the cross entropy of each pixel, [B, H, W]; both arguments are logits [B, H, W, bins]."""
    return -jnp.sum(jax.nn.softmax(truth, axis=-1) * jax.nn.log_softmax(logits, axis=-1), axis=-1)


@dataclasses.dataclass(frozen=True)
class ColorizeBins(Colorize):
    """The network predicts the logits of a distribution over the bins of ab (`colorjax/color/ab_bins.py`).

    After Zhang, Isola and Efros 2016. Where several colors are plausible, a network trained on squared error predicts
    their mean, a dull color. A distribution keeps the colors apart, and its annealed mean is close to one of them.

    Before the annealed mean is taken, the probabilities are multiplied by the rarity weights to a power (Menon et al.
    2021, "Long-tail learning via logit adjustment"). A power of -1 would take back all that the weights of the loss
    did. More vividness gives more color and less PSNR.

    Outputs [*b, h, w, bins] may be coarser than the image: each stands for a rectangle of H/h x W/w pixels (4x4 in the
    paper). The targets are Lab a and b of every pixel, [*b, H, W, 2].

    Attributes:
      temperature: (of the class) of the annealed mean; 0.38 in the paper. Chosen on 184 validation photographs for the
        U-Net that was bundled first.
      rarity_powers: (of the class) the power for vividness 0 and that for vividness 1; evenly between.
    """

    name: ClassVar[str] = "colorize_bins"
    output_channels: ClassVar[int] = ab_bins.count()
    measured_as: ClassVar[str] = "colorize"
    temperature: ClassVar[float] = 0.7
    rarity_powers: ClassVar[tuple[float, float]] = (0.0, 0.54)
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
          outputs: logits [B, h, w, bins]; or colors a and b [B, h, w, 2], which are encoded like a true color.
          targets: a and b [B, H, W, 2], where H is a multiple of h, and W of w. The target of an output is the mean of
            its pixels.
        """
        logits = outputs if outputs.shape[-1] == self.output_channels else ab_bins.encode(outputs)
        return self.losses[self.loss_name](logits, mean_of_squares(targets, *outputs.shape[1:3]))

    def colors(self, outputs: Array, vividness: float | Array = VIVIDNESS) -> Array:
        """Return Lab a and b [*b, h, w, 2]: the annealed mean of the distribution, or a and b as they are.

        Args:
          outputs: logits [*b, h, w, bins], or a and b [*b, h, w, 2].
          vividness: from 0, in which rare colors count less than they were predicted, to 1, in which they count more.
        """
        if outputs.shape[-1] == 2:
            return outputs
        safe, vivid = self.rarity_powers
        power = safe + vividness * (vivid - safe)
        rarity = jnp.log(ab_bins.rarity_weights()).reshape((1,) * (outputs.ndim - 1) + (-1,))
        return ab_bins.annealed_mean(outputs + power * rarity, self.temperature)


def require_divisible(full_height: int, full_width: int, height: int, width: int) -> None:
    """Check that pixels can be divided into the rectangles that a network's smaller outputs stand for.

    Raises:
      UserError: they can't.
    """
    if full_height % height or full_width % width:
        raise UserError(
            f"{full_height}x{full_width} pixels can't be divided into the network's {height}x{width} outputs; use a "
            "patch size that can (config.data.patch_size)"
        )


def mean_of_squares(values: Array, height: int, width: int) -> Array:
    """Return `values` [B, H, W, C] averaged over rectangles of pixels, [B, height, width, C]."""
    batch, full_height, full_width, channels = values.shape
    require_divisible(full_height, full_width, height, width)
    shape = (batch, height, full_height // height, width, full_width // width, channels)
    return values.reshape(shape).mean(axis=(2, 4))
