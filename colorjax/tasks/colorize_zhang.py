"""Colorization as Zhang, Isola and Efros have it: rarity weights on the gradient, and the annealed mean.

"Colorful Image Colorization", ECCV 2016, section 2, with what the authors' released training code adds. Images are
float32 sRGB [*b, H, W, 3].
"""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from colorjax.color import ab_bins
from colorjax.tasks.colorize_bins import VIVIDNESS, ColorizeBins, cross_entropies, require_divisible
from colorjax.tasks.losses import Loss

#: Bins of the soft encoding. The paper says 5; the released training code has 10.
NEAREST = 10
#: Share of the uniform distribution in the prior of the rarity weights: lambda of equation 4.
UNIFORM_SHARE = 0.5
#: Temperature of the annealed mean (the paper's T).
TEMPERATURE = 0.38
#: An image without any a or b beyond this is taken for a gray one, from which nothing is learned (released code).
LEAST_COLOR = 5.0


def rarity_weighted_gradient(logits: Array, ab: Array, file: str) -> Array:
    """Return the mean cross entropy to the soft encoding, [B], whose gradient has a weight for each pixel.

    The value is that of the plain cross entropy. The weight of a pixel's gradient is the rarity of its nearest bin
    (equations 3 and 4), and 0 for all pixels of an image without colors.

    Args:
      logits: [B, H, W, bins].
      ab: Lab a and b, [B, H, W, 2].
      file: of the bins, as in `ab_bins`.
    """
    truth = ab_bins.encode(ab, file, NEAREST)
    rarity = jnp.asarray(ab_bins.rarity_weights(file, UNIFORM_SHARE))[jnp.argmax(truth, axis=-1)]
    colored = jnp.any(jnp.abs(ab) > LEAST_COLOR, axis=(-3, -2, -1), keepdims=True)[..., 0]
    weights = rarity * colored.astype(rarity.dtype)
    each = cross_entropies(logits, truth)
    return jnp.mean(weights * each + jax.lax.stop_gradient(each - weights * each), axis=(-2, -1))


def cross_entropy(logits: Array, ab: Array, file: str) -> Array:
    """Return the mean cross entropy to the soft encoding, [B]: the paper's "classification" without weights."""
    return jnp.mean(cross_entropies(logits, ab_bins.encode(ab, file, NEAREST)), axis=(-2, -1))


@dataclasses.dataclass(frozen=True)
class ColorizeZhang(ColorizeBins):
    """The network predicts the logits of a distribution over the bins of a file, or over those of this project.

    Outputs [*b, h, w, bins] are compared with the true colors of every (H/h)-th pixel, as in the released code.

    Attributes:
      bins: file of the bins, as in `ab_bins`; "" for the bins of this project.
    """

    name: ClassVar[str] = "colorize_zhang"
    losses: ClassVar[Mapping[str, Loss]] = {
        "rarity_weighted_gradient": rarity_weighted_gradient,
        "cross_entropy": cross_entropy,
    }

    bins: str = ""

    def __post_init__(self):
        super().__post_init__()
        ab_bins.table(self.bins)  # refuses a file with something else in it before any work is done

    @property
    def output_channels(self) -> int:
        """The number of bins."""
        return ab_bins.count(self.bins)

    def loss(self, outputs: Array, targets: Array) -> Array:
        """See `ColorizeBins`; the target of an output is its upper left pixel."""
        (height, width), (rows, columns) = targets.shape[1:3], outputs.shape[1:3]
        require_divisible(height, width, rows, columns)
        logits = outputs if outputs.shape[-1] == self.output_channels else ab_bins.encode(outputs, self.bins)
        targets = targets[:, :: height // rows, :: width // columns]
        return self.losses[self.loss_name](logits, targets, self.bins)

    def colors(self, outputs: Array, vividness: float | Array = VIVIDNESS) -> Array:
        """Return Lab a and b [*b, h, w, 2]: the annealed mean (equation 5), or a and b as they are.

        Args:
          outputs: logits [*b, h, w, bins], or a and b [*b, h, w, 2].
          vividness: 0 is the mean (temperature 1), 0.5 the paper's temperature; towards 1 it comes near the mode.
        """
        if outputs.shape[-1] == 2:
            return outputs
        return ab_bins.annealed_mean(outputs, TEMPERATURE ** (2 * vividness), self.bins)
