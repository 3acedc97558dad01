"""The colorizer of Iizuka, Simo-Serra and Ishikawa: lightness [B, H, W, 1] to ab [B, H, W, 2].

"Let there be Color!: Joint End-to-end Learning of Global and Local Image Priors for Automatic Image Colorization with
Simultaneous Classification", SIGGRAPH 2016, section 3 and table 1. Features of the whole picture, which also tell its
class, are fused with those of each place.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn

from colorjax.errors import UserError
from colorjax.models.network import AUXILIARY, CLASS_LOGITS, Network, require_ab
from colorjax.models.normalization import Normalization
from colorjax.models.picture_convolution import PictureConvolution
from colorjax.models.resampling import pad_to_multiple, upsample_nearest
from colorjax.tasks.colorize import AB_SCALE

#: The a or b that the outputs 0 and 1 of the sigmoid stand for (released program; the paper: "scaled to [0, 1]").
LARGEST_AB = 100.0

_REDUCTION = 8  # from the input to the low-level features, in each direction
_LEAST_SIDE = 32  # of the picture that the global branch sees, pixels: it is halved five times

Norm = Literal["batch", "none"]


def classification_weight(side: int, alpha: float = 1 / 300) -> float:
    """Return the weight of the term `classification` beside the mean squared error of a and b, in units of `AB_SCALE`.

    The paper weighs the cross entropy with alpha = 1/300 against a squared Frobenius norm: the sum over
    the 2 (side/2)^2 values of the half-size output, scaled to [0, 1]. With e = a / AB_SCALE, a value there is e times
    AB_SCALE / (2 LARGEST_AB), so the sum is the mean of e^2 times the number of values and the square of that factor.

    Args:
      side: of the patches in training, pixels.
      alpha: the paper's weight.
    """
    return alpha / (2 * (side / 2) ** 2 * (AB_SCALE / (2 * LARGEST_AB)) ** 2)


class _Convolution(nn.Module):
    """A 3x3 convolution, normalization and ReLU; `sides` is 'kept' or 'halved'."""

    features: int
    sides: Literal["kept", "halved"]
    norm: Norm
    axis_name: str | None

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return [B, h, w, features]."""
        convolution = PictureConvolution(
            self.features, 3, self.sides, use_bias=self.norm == "none", kernel_init=nn.initializers.he_normal()
        )
        return nn.relu(Normalization(self.norm, self.axis_name)(convolution(inputs, train), train))


class _Dense(nn.Module):
    """A fully connected layer, normalization and ReLU."""

    features: int
    norm: Norm
    axis_name: str | None

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return [B, features]."""
        layer = nn.Dense(self.features, use_bias=self.norm == "none", kernel_init=nn.initializers.he_normal())
        outputs = layer(inputs)[:, None, None]
        return nn.relu(Normalization(self.norm, self.axis_name)(outputs, train))[:, 0, 0]


class _Chain(nn.Module):
    """Convolutions one after another, each of `features` channels and 'kept' or 'halved' sides."""

    layers: tuple[tuple[int, str], ...]
    norm: Norm
    axis_name: str | None

    @nn.compact
    def __call__(self, inputs, train: bool):
        """Return [B, h, w, features of the last]."""
        for features, sides in self.layers:
            inputs = _Convolution(features, sides, self.norm, self.axis_name)(inputs, train)
        return inputs


class IizukaColorizer(Network):
    """The network; the task is `colorize`.

    With the default widths, no normalization and 205 classes it has 42,353,839 weights. The last convolution begins at
    zero, which is gray.

    Attributes:
      output_channels: 2, for ab; another number raises a `UserError`.
      axis_name: the mapped axis over which batch normalization takes its statistics, or None for one device.
      width: channels of the first convolution; those of all other layers are in proportion to it.
      classes: number of classes that the classifier tells apart; 205 scenes in the paper. Its logits are sown for the
        term `classification`.
      side: of the square that the global branch sees the whole picture as, pixels.
      norm: 'batch' as in the paper, in every layer but the last ones; or 'none'.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 64
    classes: int = 205
    side: int = 224
    norm: Norm = "batch"

    takes_style = True

    @property
    def stride(self) -> int:
        """See `Network`."""
        return _REDUCTION

    def __post_init__(self):
        super().__post_init__()
        require_ab("iizuka", self.output_channels)
        if self.side < _LEAST_SIDE:
            raise UserError(
                f"model.side: {self.side} pixels; the global branch of 'iizuka' needs {_LEAST_SIDE} or more"
            )

    @nn.compact
    def __call__(self, inputs: jax.Array, train: bool, style: jax.Array | None = None) -> jax.Array:
        """Return ab divided by `AB_SCALE`, float32 [B, H, W, 2].

        Args:
          inputs: L / 50 - 1, [B, H, W, 1], any H, W >= 1.
          train: whether batch normalization uses the statistics of the batch.
          style: inputs of other pictures, [B, h, w, 1] of any size, whose global features take the place of the
            pictures' own (the paper's style transfer).
        """
        height, width = inputs.shape[1:3]
        unit, common = self.width, (self.norm, self.axis_name)
        kept, halved = "kept", "halved"

        widths = ((unit, 2 * unit), (2 * unit, 4 * unit), (4 * unit, 8 * unit))
        layers = tuple(layer for first, second in widths for layer in ((first, halved), (second, kept)))
        low = _Chain(layers, *common, name="low")
        padded = pad_to_multiple(inputs, _REDUCTION)
        features = low(padded, train)
        whole = inputs if style is None else style
        batch = inputs.shape[0]
        if style is None and padded.shape[1:3] == (self.side, self.side):
            seen = features
        else:
            seen = low(jax.image.resize(whole, (batch, self.side, self.side, 1), "linear"), train)

        wide = 8 * unit
        seen = _Chain(((wide, halved), (wide, kept), (wide, halved), (wide, kept)), *common, name="global")(seen, train)
        seen = _Dense(16 * unit, *common, name="global_1")(seen.reshape(batch, -1), train)
        seen = _Dense(8 * unit, *common, name="global_2")(seen, train)
        logits = nn.Dense(self.classes, name="classes")(_Dense(4 * unit, *common, name="classifier")(seen, train))
        self.sow(AUXILIARY, CLASS_LOGITS, logits)
        seen = _Dense(4 * unit, *common, name="global_3")(seen, train)

        features = _Chain(((wide, kept), (4 * unit, kept)), *common, name="mid")(features, train)
        # The fusion layer is a 1x1 convolution of each place's features and the global ones, concatenated.
        spread = jnp.broadcast_to(seen[:, None, None], (*features.shape[:3], seen.shape[-1]))
        fusion = nn.Conv(
            4 * unit,
            (1, 1),
            use_bias=self.norm == "none",
            kernel_init=nn.initializers.he_normal(),
            name="fusion",
        )(jnp.concatenate([features, spread], axis=-1))
        features = nn.relu(Normalization(*common, name="fusion_norm")(fusion, train))

        features = upsample_nearest(_Chain(((2 * unit, kept),), *common, name="color_1")(features, train))
        features = _Chain(((unit, kept), (unit, kept)), *common, name="color_2")(features, train)
        features = _Chain(((max(1, unit // 2), kept),), *common, name="color_3")(upsample_nearest(features), train)
        last = PictureConvolution(2, 3, "kept", kernel_init=nn.initializers.zeros, name="output")(features, train)
        outputs = (2 * nn.sigmoid(last) - 1) * (LARGEST_AB / AB_SCALE)
        return upsample_nearest(outputs)[:, :height, :width]
