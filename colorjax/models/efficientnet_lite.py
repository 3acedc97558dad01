"""EfficientNet-Lite0 to Lite4, whole networks with their classifiers: images in, end points by name out.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, in the variants
"Lite" that its authors published in 2020: without squeeze-and-excitation, ReLU6 instead of swish, and the first and
the last stage and the head of one size in all five. Padding is TensorFlow's SAME, the epsilon of batch normalization
is 1e-3. Images are RGB in [-1, 1] as `efficientnet_input` makes them.

    module = EfficientNetLite(0)
    end_points = module.apply(variables, efficientnet_input(images), train=False)   # images in [0, 1]

Under `jax.jit`, entries of the returned dict that are not used are not computed. `efficientnet_weights.py` reads the
published weights.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from jax import Array, lax

from colorjax.models.depthwise import DepthwiseConvolution, same_padding
from colorjax.models.variables import parameter


class Size(NamedTuple):
    """How one network differs from Lite0: factors of its channels and of its blocks, and its image side in pixels."""

    width: float
    depth: float
    side: int


#: The authors' table: the number in the network's name is the index.
SIZES = (Size(1.0, 1.0, 224), Size(1.0, 1.1, 240), Size(1.1, 1.2, 260), Size(1.2, 1.4, 280), Size(1.4, 1.8, 300))


class Stage(NamedTuple):
    """A stage of Lite0: its blocks, the side of their filters, the stride of the first, expansion, and channels."""

    blocks: int
    kernel_size: int
    stride: int
    expansion: int
    channels: int


#: Tan and Le 2019, table 1.
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
STEM, HEAD = 32, 1280  # channels
CLASSES = 1000
STRIDE = 32

_DIVISOR = 8  # of the number of channels
_EPSILON = 1e-3
_MOMENTUM = 0.99


def stages(number: int) -> tuple[Stage, ...]:
    """Return the stages of the network Lite0 (`number` 0) to Lite4."""
    size = SIZES[number]
    last = len(STAGES) - 1
    return tuple(
        stage._replace(
            blocks=stage.blocks if place in (0, last) else math.ceil(stage.blocks * size.depth),
            channels=_channels(stage.channels * size.width),
        )
        for place, stage in enumerate(STAGES)
    )


def _channels(wanted: float) -> int:
    """Return a multiple of 8 near `wanted`, at least nine tenths of it."""
    rounded = max(_DIVISOR, int(wanted + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return rounded + _DIVISOR if rounded < 0.9 * wanted else rounded


def efficientnet_input(images: Array) -> Array:
    """Return the network's input for images in [0, 1]: (x - 127) / 128 of their 8-bit values."""
    return (images * 255 - 127) / 128


class EfficientNetLite(nn.Module):
    """One of the five networks.

    Attributes:
      number: 0 to 4.
      classes: of the classifier; 0 leaves it and the head before it out.
      dtype: type of the computation; parameters are float32.
      axis_name: the mapped axis over which batch normalization takes its statistics, or None.
    """

    number: int = 0
    classes: int = CLASSES
    dtype: str = "float32"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, inputs: Array, train: bool = False) -> dict[str, Array]:
        """Return the end points.

        Args:
          inputs: [B, H, W, 3], any H and W; best with short sides near `SIZES[number].side`.
          train: whether batch normalization uses the batch's statistics, and updates the running ones.

        Returns:
          'stem' [B, H/2, W/2, 32], 'stage_1' to 'stage_7' (sides divided by 2, 4, 8, 16, 16, 32 and 32), and with a
          classifier 'head' [B, H/32, W/32, 1280], 'pooled' [B, 1280], 'logits' and 'softmax' [B, classes].
        """
        end_points = {}
        features = self._unit(_Convolution(STEM, 3, 2, self.dtype, name="stem"), "stem_norm", inputs, train)
        end_points["stem"] = features
        place = 0
        for number, stage in enumerate(stages(self.number), 1):
            for block in range(stage.blocks):
                stride = stage.stride if block == 0 else 1
                features = _Block(
                    stage.channels,
                    stage.kernel_size,
                    stride,
                    stage.expansion,
                    self.dtype,
                    self.axis_name,
                    name=f"block_{place}",
                )(features, train)
                place += 1
            end_points[f"stage_{number}"] = features
        if not self.classes:
            return end_points
        head = self._unit(_Convolution(HEAD, 1, 1, self.dtype, name="head"), "head_norm", features, train)
        pooled = head.astype(jnp.float32).mean(axis=(1, 2))
        logits = nn.Dense(self.classes, name="classifier")(pooled)
        return end_points | {"head": head, "pooled": pooled, "logits": logits, "softmax": nn.softmax(logits)}

    def _unit(self, convolution, norm, inputs, train):
        return _relu6(_BatchNorm(self.axis_name, name=norm)(convolution(inputs), train))


class _Block(nn.Module):
    """An inverted residual block (Sandler et al. 2018, "MobileNetV2", figure 3)."""

    channels: int
    kernel_size: int
    stride: int
    expansion: int
    dtype: str
    axis_name: str | None

    @nn.compact
    def __call__(self, inputs, train):
        features = inputs
        if self.expansion > 1:
            features = _Convolution(self.expansion * inputs.shape[-1], 1, 1, self.dtype, name="expand")(features)
            features = _relu6(_BatchNorm(self.axis_name, name="expand_norm")(features, train))
        features = DepthwiseConvolution(self.kernel_size, self.stride, self.dtype, name="depthwise")(features)
        features = _relu6(_BatchNorm(self.axis_name, name="depthwise_norm")(features, train))
        features = _Convolution(self.channels, 1, 1, self.dtype, name="project")(features)
        features = _BatchNorm(self.axis_name, name="project_norm")(features, train)
        return features + inputs if features.shape == inputs.shape else features


class _Convolution(nn.Module):
    """A convolution without a bias."""

    features: int
    kernel_size: int
    stride: int
    dtype: str

    @nn.compact
    def __call__(self, inputs):
        side = self.kernel_size
        shape = (side, side, inputs.shape[-1], self.features)
        kernel = parameter(self, "kernel", nn.initializers.he_normal(), shape).astype(self.dtype)
        inputs = inputs.astype(self.dtype)
        if side == 1:
            return jnp.einsum("bhwc,cf->bhwf", inputs, kernel[0, 0])
        # Padded beforehand: XLA's convolution is slow on a CPU if the two sides of an axis differ.
        padding = [same_padding(length, side, self.stride) for length in inputs.shape[1:3]]
        inputs = jnp.pad(inputs, ((0, 0), *padding, (0, 0)))
        strides, layout = (self.stride, self.stride), ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(inputs, kernel, strides, "VALID", dimension_numbers=layout)


class _BatchNorm(nn.Module):
    """Batch normalization (Ioffe and Szegedy 2015); flax's own has no way around the cost that `parameter` avoids."""

    axis_name: str | None

    @nn.compact
    def __call__(self, features, train):
        shape = features.shape[-1:]
        scale = parameter(self, "scale", nn.initializers.ones, shape)
        bias = parameter(self, "bias", nn.initializers.zeros, shape)
        running = [self.variable("batch_stats", name, fill, shape) for name, fill in _STATISTICS]
        wide = features.astype(jnp.float32)
        if train:
            moments = wide.mean(axis=(0, 1, 2)), jnp.square(wide).mean(axis=(0, 1, 2))
            if self.axis_name is not None and not self.is_initializing():
                moments = lax.pmean(moments, self.axis_name)
            mean, variance = moments[0], jnp.maximum(moments[1] - jnp.square(moments[0]), 0)
            if not self.is_initializing():
                for variable, new in zip(running, (mean, variance), strict=True):
                    variable.value = _MOMENTUM * variable.value + (1 - _MOMENTUM) * new
        else:
            mean, variance = (variable.value for variable in running)
        factor = lax.rsqrt(variance + _EPSILON) * scale
        return (wide * factor[None, None, None] + (bias - mean * factor)[None, None, None]).astype(features.dtype)


_STATISTICS = (("mean", jnp.zeros), ("var", jnp.ones))


def _relu6(features):
    return jnp.clip(features, 0, 6)
