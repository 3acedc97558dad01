"""The guided colorizer: a pretrained encoder and a small decoder that predicts a distribution over colors.

One network for three uses, after Zhang, Zhu, Isola, Geng, Lin, Yu and Efros, "Real-Time User-Guided Image Colorization
with Learned Deep Priors", SIGGRAPH 2017: alone, with hints (colors of some pixels), and with a palette (which colors
the picture has, and how much). The encoder is EfficientNet-Lite with ImageNet's weights, so that the network knows
what things are before it sees the first color.

Inputs and outputs are those of the task `ColorizeGuided`: [B, H, W, 4] to logits [B, H/4, W/4, bins].
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from colorjax.color import ab_bins
from colorjax.color.gray import gray_of_lightness
from colorjax.errors import UserError
from colorjax.models import efficientnet_weights
from colorjax.models.blocks import DType, HalfBlock
from colorjax.models.efficientnet_lite import STRIDE, EfficientNetLite, efficientnet_input
from colorjax.models.hint_attention import HintAttention
from colorjax.models.network import Network
from colorjax.models.normalization import Norm
from colorjax.models.resampling import pad_to_multiple, upsample_nearest
from colorjax.tasks.colorize import AB_SCALE
from colorjax.tasks.colorize_guided import MOST_HINTS, PALETTE

ENCODERS = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")


class _Scale(NamedTuple):
    """A scale of the decoder.

    Attributes:
      side: of the square that one position stands for, pixels.
      end_point: of the encoder.
      multiple: of the network's width: the number of channels.
      blocks: number of residual blocks. Most are at the middle scales, where they cost least for what they see.
    """

    side: int
    end_point: str
    multiple: int
    blocks: int


_SCALES = (
    _Scale(32, "stage_7", 3, 1),
    _Scale(16, "stage_5", 3, 2),
    _Scale(8, "stage_3", 2, 2),
    _Scale(4, "stage_2", 1, 1),
)
_FINEST = _SCALES[-1].side
_HINTED = 2 * _FINEST  # the scale at which positions attend to hints
# As many of these positions as the hints of a training example can cover: each covers four at most.
_MOST_HINTED = 4 * MOST_HINTS
_PALETTE_SCALE = 8.0  # brings a palette, whose shares have the sum 1, to about the size of the features

INPUTS = 4  # channels: lightness, a and b of hints, their mask
_LEAST_SHARE = 1e-3  # of a palette's color, where its shares become logits


class GuidedColorizer(Network):
    """The network.

    Attributes:
      output_channels: number of the bins.
      axis_name: the mapped axis over which batch normalization takes its statistics, or None for one device.
      encoder: one of `ENCODERS`.
      encoder_weights: 'pretrained' (a training begins with ImageNet's weights, and batch normalization keeps its
        statistics) or 'random'. Only the beginning of a training reads ImageNet's weights.
      width: channels at the finest scale of the decoder; the coarser ones have two and three times as many.
      norm: normalization of half of the decoder's features.
      dtype: type of the computation; parameters are float32.
    """

    output_channels: int
    axis_name: str | None = None
    encoder: Literal["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"] = "efficientnet_lite0"
    encoder_weights: Literal["pretrained", "random"] = "pretrained"
    width: int = 64
    norm: Norm = "group"
    dtype: DType = "float32"

    @property
    def stride(self) -> int:
        """See `Network`."""
        return STRIDE

    @nn.compact
    def __call__(self, inputs: jax.Array, train: bool, palette: jax.Array | None = None) -> jax.Array:
        """Return logits, float32 [B, ceil(H / 4), ceil(W / 4), output_channels].

        Args:
          inputs: lightness, hints and their mask, [B, H, W, 4], as the task makes them; any H, W >= 1.
          train: whether the statistics of a random encoder's batch normalization are those of the batch.
          palette: [B, PALETTE]; None for no palette.

        Raises:
          UserError: inputs or outputs of another task.
        """
        if (inputs.shape[-1], self.output_channels) != (INPUTS, ab_bins.count()):
            raise UserError("the model guided_colorizer is for the task colorize_guided; set config.task.name to it")
        height, width = (-(-side // _FINEST) for side in inputs.shape[1:3])
        inputs = pad_to_multiple(inputs, STRIDE)
        number = ENCODERS.index(self.encoder)
        encoder = EfficientNetLite(number, classes=0, dtype=self.dtype, axis_name=self.axis_name, name="encoder")
        gray = jnp.repeat(gray_of_lightness(inputs[..., :1]), 3, axis=-1)
        end_points = encoder(efficientnet_input(gray), train and self.encoder_weights == "random")
        if palette is None:
            palette = jnp.zeros((inputs.shape[0], PALETTE), jnp.float32)

        def projected(features, channels, name, **settings):
            return nn.Conv(channels, (1, 1), dtype=self.dtype, name=name, **settings)(features.astype(self.dtype))

        features = None
        for side, end_point, multiple, blocks in _SCALES:
            channels = multiple * self.width
            new = projected(end_points[end_point], channels, f"skip_{side}")
            if features is None:
                mean = end_points[end_point].astype(jnp.float32).mean(axis=(1, 2))
                whole = jnp.concatenate([mean, _PALETTE_SCALE * jnp.sqrt(palette)], axis=-1)
                features = new + nn.Dense(channels, dtype=self.dtype, name="whole")(whole)[:, None, None]
            else:
                features = new + upsample_nearest(projected(features, channels, f"up_{side}"))
            if side == _HINTED:
                pooled = _pooled_hints(inputs[..., 1:], side)
                attention = HintAttention(_MOST_HINTED if train else None, dtype=self.dtype, name="hints")
                votes, told = attention(features, pooled)
                features = features + projected(told, channels, "told", use_bias=False)
            for block in range(blocks):
                name = f"block_{side}_{block}"
                features = HalfBlock(channels, self.norm, self.dtype, self.axis_name, name=name)(features, train)
        # A new network thinks all colors equally likely.
        outputs = projected(nn.relu(features), self.output_channels, "output", kernel_init=nn.initializers.zeros)
        strength = self.param("palette_strength", nn.initializers.constant(0.2), ())
        votes = jax.image.resize(votes, outputs.shape, "linear")  # so that a hint's color has no square edges
        outputs = outputs.astype(jnp.float32) + votes + strength * _palette_votes(palette)
        return outputs[:, :height, :width]

    @nn.nowrap
    def pretrained(self):
        """Return ImageNet's weights of the encoder, without its classifier; see `Network`.

        Raises:
          UserError: the weights are missing; the message has the line that installs them.
        """
        if self.encoder_weights == "random":
            return {}
        found = efficientnet_weights.load(ENCODERS.index(self.encoder)).variables
        head = ("head", "head_norm", "classifier")
        return {
            collection: {"encoder": {name: value for name, value in tree.items() if name not in head}}
            for collection, tree in found.items()
        }


def _pooled_hints(hints, side):
    """Return the mean color of the hints in each square, and whether there is any: [B, H/side, W/side, 3].

    Args:
      hints: a and b divided by `AB_SCALE`, and the mask, [B, H, W, 3]; a and b are 0 where the mask is.
      side: of the squares, pixels.
    """
    batch, height, width, channels = hints.shape
    sums = hints.reshape(batch, height // side, side, width // side, side, channels).sum(axis=(2, 4))
    count = sums[..., 2:]
    return jnp.concatenate([AB_SCALE * sums[..., :2] / jnp.maximum(count, 1), jnp.minimum(count, 1)], axis=-1)


def _palette_votes(palette):
    """Return the logarithm of the share that a palette [B, PALETTE] has near each bin, 0 without one, [B, 1, 1, bins].

    It is limited below, so that a palette makes no color impossible.
    """
    near = jax.nn.softmax(ab_bins.encode(jnp.asarray(ab_bins.centers())), axis=-1)
    shares = jnp.log(palette[:, : ab_bins.count()] @ near + _LEAST_SHARE)
    return (palette[:, -1:] * shares)[:, None, None]
