"""Inception-ResNet-v2, the whole network with its classifier: images [B, H, W, 3] in [-1, 1], end points by name.

Szegedy, Ioffe, Vanhoucke and Alemi, "Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning", AAAI 2017, in the version of the published weights (TF-Slim, Keras, timm): SAME padding in the stem's third
convolution and in all blocks, residuals scaled by 0.17, 0.1 and 0.2, no ReLU after the last block. It has 55.9 million
parameters. `colorjax.models.inception.weights` reads the published weights.

    module = InceptionResNetV2()
    end_points = module.apply(variables, inception_input(images))     # images float32 in [0, 1]
    end_points["softmax"]                                               # [B, classes]

Under `jax.jit`, entries of the returned dict that are not used are not computed.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.blocks import DType

SIZE = 299  # side in pixels of the images that the published weights were trained on
SMALLEST = 75  # smallest side in pixels: below it the last reduction has nothing left to reduce

_EPSILON = 1e-3  # of batch normalization, in all published weights
_MOMENTUM = 0.9997  # TF-Slim's decay of the running statistics


class Unit(NamedTuple):
    """A convolution without bias, batch normalization without scale, and ReLU.

    Attributes:
      features: number of output channels.
      height: height of the kernel.
      width: width of the kernel.
      stride: stride in both directions.
      valid: VALID padding instead of SAME.
    """

    features: int
    height: int
    width: int
    stride: int = 1
    valid: bool = False


class Block(NamedTuple):
    """Branches of units that read the same input and are concatenated.

    Attributes:
      branches: the units of each branch.
      pooling: 'average' puts an average pooling before the last branch, 'max' adds a branch with max pooling alone,
        'none' does neither.
      residual: if not 0, a 1x1 convolution of the concatenation is multiplied by this scale and added to the input.
    """

    branches: tuple[tuple[Unit, ...], ...]
    pooling: str = "none"
    residual: float = 0.0


STEM = {
    "conv2d_1a": Unit(32, 3, 3, 2, valid=True),
    "conv2d_2a": Unit(32, 3, 3, valid=True),
    "conv2d_2b": Unit(64, 3, 3),
    "maxpool_3a": None,
    "conv2d_3b": Unit(80, 1, 1, valid=True),
    "conv2d_4a": Unit(192, 3, 3, valid=True),
    "maxpool_5a": None,
}

_MIXED_5B = Block(
    (
        (Unit(96, 1, 1),),
        (Unit(48, 1, 1), Unit(64, 5, 5)),
        (Unit(64, 1, 1), Unit(96, 3, 3), Unit(96, 3, 3)),
        (Unit(64, 1, 1),),
    ),
    pooling="average",
)
_BLOCK35 = Block(
    (
        (Unit(32, 1, 1),),
        (Unit(32, 1, 1), Unit(32, 3, 3)),
        (Unit(32, 1, 1), Unit(48, 3, 3), Unit(64, 3, 3)),
    ),
    residual=0.17,
)
_MIXED_6A = Block(
    (
        (Unit(384, 3, 3, 2, valid=True),),
        (Unit(256, 1, 1), Unit(256, 3, 3), Unit(384, 3, 3, 2, valid=True)),
    ),
    pooling="max",
)
_BLOCK17 = Block(((Unit(192, 1, 1),), (Unit(128, 1, 1), Unit(160, 1, 7), Unit(192, 7, 1))), residual=0.1)
_MIXED_7A = Block(
    (
        (Unit(256, 1, 1), Unit(384, 3, 3, 2, valid=True)),
        (Unit(256, 1, 1), Unit(288, 3, 3, 2, valid=True)),
        (Unit(256, 1, 1), Unit(288, 3, 3), Unit(320, 3, 3, 2, valid=True)),
    ),
    pooling="max",
)
_BLOCK8 = Block(((Unit(192, 1, 1),), (Unit(192, 1, 1), Unit(224, 1, 3), Unit(256, 3, 1))), residual=0.2)

BLOCKS = {
    "mixed_5b": _MIXED_5B,
    **{f"block35_{i}": _BLOCK35 for i in range(1, 11)},
    "mixed_6a": _MIXED_6A,
    **{f"block17_{i}": _BLOCK17 for i in range(1, 21)},
    "mixed_7a": _MIXED_7A,
    **{f"block8_{i}": _BLOCK8 for i in range(1, 10)},
    "block8_10": _BLOCK8._replace(residual=1.0),
}
LAST_BLOCK = "block8_10"  # has no ReLU
HEAD = Unit(1536, 1, 1)  # conv2d_7b

END_POINTS = (*STEM, *BLOCKS, "conv2d_7b", "pooled", "logits", "softmax")


def inception_input(pictures: jax.Array) -> jax.Array:
    """Return images [*b, H, W, 3] in [0, 1] as inputs of the network, in [-1, 1].

    The formula is 2x - 1. The well-known x / 127.5 - 1 is for levels of 0 to 255. It would make an image in [0, 1]
    almost constant, and the network would give a plausible but wrong answer without an error.
    """
    return 2 * pictures - 1


class InceptionResNetV2(nn.Module):
    """The network; parameters and statistics are float32.

    Attributes:
      classes: number of classes; 1,000 in Keras's weights, 1,001 (the first is the background) in TF-Slim's and timm's.
        0 leaves the classifier out, and with it the end points 'logits' and 'softmax'.
      frozen: normalize by the running statistics even in training, and stop all gradients.
      dtype: type of the convolutions.
      axis_name: the mapped axis over which batch normalization takes its statistics in training.
    """

    classes: int = 1000
    frozen: bool = True
    dtype: DType = "float32"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, inputs: jax.Array, train: bool = False) -> dict[str, jax.Array]:
        """Return each of `END_POINTS`: feature maps [B, h, w, C], then 'pooled' [B, 1536], 'logits' and 'softmax'.

        Args:
          inputs: [B, H, W, 3] in [-1, 1] (see `inception_input`), H and W at least 75.
          train: normalize by the batch's statistics and update the running ones, unless frozen.

        Returns:
          float32 arrays; inside the network features have the type `dtype`.

        Raises:
          ValueError: inputs of another shape.
        """
        if inputs.ndim != 4 or inputs.shape[-1] != 3 or min(inputs.shape[1:3]) < SMALLEST:
            raise ValueError(f"inputs are [B, H, W, 3] with H and W at least {SMALLEST}, not {inputs.shape}")
        settings = {"train": train and not self.frozen, "dtype": self.dtype, "axis_name": self.axis_name}
        features = inputs.astype(self.dtype)
        end_points = {}
        for name, unit in STEM.items():
            features = (
                halving_max_pool(features) if unit is None else ConvolutionUnit(unit, name=name, **settings)(features)
            )
            end_points[name] = features
        for name, block in BLOCKS.items():
            features = _BlockModule(block, activate=name != LAST_BLOCK, name=name, **settings)(features)
            end_points[name] = features
        end_points["conv2d_7b"] = ConvolutionUnit(HEAD, name="conv2d_7b", **settings)(features)
        end_points["pooled"] = end_points["conv2d_7b"].astype(jnp.float32).mean(axis=(1, 2))
        if self.classes:
            end_points["logits"] = nn.Dense(self.classes, name="classifier")(end_points["pooled"])
            end_points["softmax"] = nn.softmax(end_points["logits"])
        end_points = {name: value.astype(jnp.float32) for name, value in end_points.items()}
        return jax.lax.stop_gradient(end_points) if self.frozen else end_points


class ConvolutionUnit(nn.Module):
    """The module of a `Unit`; the networks of Szegedy et al. 2015, 2016 and 2017 consist of these.

    Attributes:
      unit: what it is.
      train: normalize by the batch's statistics and update the running ones.
      dtype: type of the convolution and of the outputs.
      axis_name: the mapped axis over which batch normalization takes its statistics in training.
    """

    unit: Unit
    train: bool = False
    dtype: DType = "float32"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, inputs):
        """Return [B, h, w, unit.features]."""
        outputs = nn.Conv(
            self.unit.features,
            (self.unit.height, self.unit.width),
            strides=self.unit.stride,
            padding="VALID" if self.unit.valid else "SAME",
            use_bias=False,
            dtype=self.dtype,
            conv_general_dilated=_convolve,
            name="convolution",
        )(inputs)
        normalize = nn.BatchNorm(
            use_running_average=not self.train,
            momentum=_MOMENTUM,
            epsilon=_EPSILON,
            use_scale=False,
            axis_name=self.axis_name,
            name="normalization",
        )
        return nn.relu(normalize(outputs.astype(jnp.float32))).astype(self.dtype)


class _BlockModule(nn.Module):
    block: Block
    activate: bool
    train: bool
    dtype: str
    axis_name: str | None

    @nn.compact
    def __call__(self, inputs):
        outputs = []
        for i, units in enumerate(self.block.branches):
            last = i == len(self.block.branches) - 1
            features = average_pool(inputs) if self.block.pooling == "average" and last else inputs
            for j, unit in enumerate(units):
                settings = {"train": self.train, "dtype": self.dtype, "axis_name": self.axis_name}
                features = ConvolutionUnit(unit, name=f"branch_{i}_{j}", **settings)(features)
            outputs.append(features)
        if self.block.pooling == "max":
            outputs.append(halving_max_pool(inputs))
        outputs = jnp.concatenate(outputs, axis=-1)
        if self.block.residual:
            residual = nn.Conv(
                inputs.shape[-1], (1, 1), dtype=self.dtype, conv_general_dilated=_convolve, name="residual"
            )(outputs)
            outputs = inputs + self.block.residual * residual
            outputs = nn.relu(outputs) if self.activate else outputs
        return outputs


def _convolve(inputs, kernel, window_strides, padding, **settings):
    """Return the convolution, as a matrix product for 1x1 kernels: on a CPU this saves 6% of the network's time."""
    if kernel.shape[:2] == (1, 1) and max(window_strides) == 1:
        return jnp.dot(inputs, kernel[0, 0], precision=settings["precision"])
    return jax.lax.conv_general_dilated(inputs, kernel, window_strides, padding, **settings)


def halving_max_pool(features: jax.Array) -> jax.Array:
    """Return the largest values of 3x3 squares, two pixels apart and all inside the image."""
    return nn.max_pool(features, (3, 3), (2, 2), "VALID")


def average_pool(features: jax.Array) -> jax.Array:
    """Return the means of 3x3 squares; at the edges, of the pixels inside the image."""
    wide = features.astype(jnp.float32)
    return nn.avg_pool(wide, (3, 3), (1, 1), "SAME", count_include_pad=False).astype(features.dtype)
