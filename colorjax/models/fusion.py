"""The fusion colorizer: lightness [B, H, W, 1] to ab [B, H, W, 2], with a classifier's features fused in.

Ibraheem, Danach and Ghandour, "Colorization of Black and White Images Using a Hybrid Deep Learning Framework", 2024.
It descends from Baldassarre, Gonzalez Morin and Rodes-Guirao, "Deep Koalarization: Image Colorization using CNNs and
Inception-ResNet-v2", 2017, and from Wallner's "Full version" of that. The defaults are those of the 2024 paper as far
as it states them (400x400 to 50x50x512, fused, 256 channels down to 2 at full size), else those of its ancestors.
All three fuse features of Inception-ResNet-v2. EfficientNet-Lite0 can take its place, because its weights come with a
Python package, while Inception-ResNet-v2's have to be downloaded.
"""

import functools
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn

from colorjax.color.gray import gray_of_lightness
from colorjax.models import efficientnet_weights
from colorjax.models.blocks import DType
from colorjax.models.efficientnet_lite import SIZES, EfficientNetLite, efficientnet_input
from colorjax.models.inception import weights as inception_weights
from colorjax.models.inception.network import SIZE, InceptionResNetV2, inception_input
from colorjax.models.network import FrozenWeights, Network, require_ab
from colorjax.models.resampling import pad_to_multiple, upsample_nearest
from colorjax.models.variables import fingerprint_of
from colorjax.tasks.colorize import AB_SCALE

_REDUCTION = 8  # from the input to the encoder's output, in each direction
_CLASSES = 1000  # length of the zero embedding


class FusionNetwork(Network):
    """An encoder, a fusion and a decoder, of 3x3 convolutions with ReLU and without normalization.

    Inputs and outputs are those of the task `Colorize`. The last convolution starts at zero, so the output of a new
    network is 0, which is gray. The sides are padded to multiples of 8 by reflection, and the output is cropped.

    Attributes:
      output_channels: 2, for ab; another number raises a `UserError`.
      axis_name: not used, because nothing here needs batch statistics.
      width: number of features of the first convolution. All other layers except the encoder's output are in
        proportion to it.
      encoder_width: number of features of the encoder's output: 512 in the 2024 paper, 256 in its ancestors.
      branch: the classifier whose features are fused.
      embedding: the end point of the branch to fuse: 'logits' (Baldassarre et al.), 'softmax' (Wallner), 'pooled' (used
        by neither; the features below both). 'zero' leaves the branch out and fuses zeros, for ablation.
      embedding_of: in training, the embedding is that of each 'patch', or of the whole 'photograph' from which the
        patch was cut. The latter is computed once and kept, which saves the branch in each step; it ignores the
        patch's crop and flip.
      output: 'full' brings the features to full size before the last convolution; 'half' (both ancestors) predicts ab
        at half size and repeats each pixel.
      lightness: scale of the encoder's input: 'centered' L / 50 - 1, 'unit' L / 100, 'raw' L.
      ab_scale: the ab for a tanh of 1 in the last layer: 128 (Wallner) or 127 (Baldassarre et al.).
      weights: weights of the branch: 'pretrained' (see `colorjax/models/inception/weights.py` and
        `efficientnet_weights.py`) or 'random'.
      dtype: type of the computation, the branch included; parameters are float32.
    """

    output_channels: int
    axis_name: str | None = None
    width: int = 64
    encoder_width: int = 512
    branch: Literal["inception_resnet_v2", "efficientnet_lite0"] = "inception_resnet_v2"
    embedding: Literal["logits", "softmax", "pooled", "zero"] = "logits"
    embedding_of: Literal["patch", "photograph"] = "patch"
    output: Literal["full", "half"] = "full"
    lightness: Literal["centered", "unit", "raw"] = "centered"
    ab_scale: int = 128
    weights: Literal["pretrained", "random"] = "pretrained"
    dtype: DType = "float32"

    @property
    def stride(self) -> int:
        """See `Network`."""
        return _REDUCTION

    def __post_init__(self):
        super().__post_init__()
        require_ab("fusion", self.output_channels)

    @nn.compact
    def __call__(self, inputs: jax.Array, train: bool, embedding: jax.Array) -> jax.Array:
        """Return ab divided by `AB_SCALE`, float32 [B, H, W, 2].

        Args:
          inputs: L / 50 - 1, [B, H, W, 1], any H, W >= 1.
          train: not used, because nothing here behaves differently in training.
          embedding: [B, D], from `conditioning`.
        """
        del train
        height, width = inputs.shape[1:3]
        unit = self.width

        def convolve(features, channels, stride=1):
            return nn.relu(_convolution(channels, stride, self.dtype)(features))

        features = pad_to_multiple(_scaled(inputs, self.lightness).astype(self.dtype), _REDUCTION)
        for channels, stride in ((1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 1)):
            features = convolve(features, channels * unit, stride)
        features = convolve(features, self.encoder_width)

        # The fusion is a 1x1 convolution of each pixel's features and the embedding, concatenated. It equals the sum of
        # a convolution of the features and a dense layer of the embedding.
        fused = nn.Conv(4 * unit, (1, 1), dtype=self.dtype, name="fusion")(features)
        spread = nn.Dense(4 * unit, use_bias=False, dtype=self.dtype, name="fusion_embedding")(embedding)
        features = nn.relu(fused + spread[:, None, None])

        features = upsample_nearest(convolve(features, 2 * unit))
        features = convolve(convolve(features, unit), unit)
        features = upsample_nearest(features)
        features = convolve(convolve(features, max(1, unit // 2)), max(1, unit // 4))
        if self.output == "full":
            features = upsample_nearest(features)
        last = _convolution(2, 1, self.dtype, kernel_init=nn.initializers.zeros, name="output")
        outputs = jnp.tanh(last(features).astype(jnp.float32)) * (self.ab_scale / AB_SCALE)
        if self.output == "half":
            outputs = upsample_nearest(outputs)
        return outputs[:, :height, :width]

    @nn.nowrap
    def frozen(self) -> FrozenWeights:
        """Return the weights of the branch, without the classifier if the embedding does not need it.

        Raises:
          UserError: the pretrained weights are missing; the message has the commands that get them.
        """
        if self.embedding == "zero":
            return FrozenWeights({})
        if self.branch == "efficientnet_lite0":
            return _efficientnet(self.weights)
        classifier = self.embedding != "pooled"
        if self.weights == "random":
            return _random(classifier)
        path = inception_weights.find(classifier)
        return _read(path, path.stat().st_mtime_ns, classifier)

    @nn.nowrap
    def conditioning(self, variables, inputs: jax.Array) -> dict[str, jax.Array]:
        """Return the embedding [B, D] of inputs [B, H, W, 1]; no gradient passes through it."""
        if self.embedding == "zero":
            return {"embedding": jnp.zeros((inputs.shape[0], _CLASSES), jnp.float32)}
        if self.branch == "efficientnet_lite0":
            view = efficientnet_input(gray_square(inputs, SIZES[0].side))
            return {"embedding": EfficientNetLite(0, dtype=self.dtype).apply(variables, view)[self.embedding]}
        classes = variables["params"].get("classifier", {"bias": jnp.zeros(0)})["bias"].size
        branch = InceptionResNetV2(classes, dtype=self.dtype)
        return {"embedding": branch.apply(variables, inception_view(inputs))[self.embedding]}

    @property
    def conditioning_of_photograph(self) -> bool:
        """Whether training uses the embedding of the whole photograph."""
        return self.embedding_of == "photograph" and self.embedding != "zero"

    @property
    def conditioning_key(self) -> str:
        """The settings on which the embedding depends, as text; the frozen weights are not among them."""
        name = {"inception_resnet_v2": "Inception-ResNet-v2", "efficientnet_lite0": "EfficientNet-Lite0"}[self.branch]
        return f"{name} {self.embedding} {self.dtype}"


def inception_view(inputs: jax.Array) -> jax.Array:
    """Return the input of Inception-ResNet-v2 for each image: gray sRGB in [-1, 1], [B, 299, 299, 3].

    Args:
      inputs: L / 50 - 1, [B, H, W, 1].
    """
    return inception_input(gray_square(inputs, SIZE))


def gray_square(inputs: jax.Array, side: int) -> jax.Array:
    """Return each image as a square of gray sRGB in [0, 1], [B, side, side, 3].

    The longer side is resized to `side` pixels; the shorter side is extended to as many by reflection.

    Args:
      inputs: L / 50 - 1, [B, H, W, 1].
      side: of the square, pixels.
    """
    batch, height, width, _ = inputs.shape
    gray = gray_of_lightness(inputs)
    scale = side / max(height, width)
    fitted = max(1, round(height * scale)), max(1, round(width * scale))
    gray = jax.image.resize(gray, (batch, *fitted, 1), "linear")
    square = jnp.pad(gray, ((0, 0), (0, side - fitted[0]), (0, side - fitted[1]), (0, 0)), mode="reflect")
    return jnp.repeat(square, 3, axis=-1)


# The caches serve tables, which ask for the same weights once for each row.
@functools.lru_cache(maxsize=2)
def _efficientnet(weights: str) -> FrozenWeights:
    found = efficientnet_weights.load(0) if weights == "pretrained" else efficientnet_weights.random(0, seed=0)
    origin = f"{found.origin}, SHA-256 {found.sha256[:12]}"
    return FrozenWeights(jax.device_put(found.variables), origin, fingerprint_of(found.variables))


@functools.lru_cache(maxsize=1)
def _random(classifier: bool) -> FrozenWeights:
    return _frozen(inception_weights.random(seed=0), classifier)


@functools.lru_cache(maxsize=1)
def _read(path: Path, changed: int, classifier: bool) -> FrozenWeights:
    del changed  # a part of the cache's key: a file that was converted again is read again
    return _frozen(inception_weights.read(path), classifier)


def _frozen(found: inception_weights.Weights, classifier: bool) -> FrozenWeights:
    variables = dict(found.variables)
    if not classifier:
        variables["params"] = {name: value for name, value in variables["params"].items() if name != "classifier"}
    origin = f"Inception-ResNet-v2, {found.origin}, SHA-256 {found.sha256[:12]}"
    return FrozenWeights(jax.device_put(variables), origin, fingerprint_of(variables))


def _convolution(features, stride, dtype, kernel_init=None, name=None):
    # Padding by one on all sides. At stride 2 SAME would pad one side only, which is slow in XLA's CPU backend.
    return nn.Conv(
        features,
        (3, 3),
        strides=stride,
        padding=1,
        dtype=dtype,
        kernel_init=kernel_init or nn.initializers.he_normal(),
        name=name,
    )


def _scaled(inputs, lightness):
    return {"centered": inputs, "unit": (inputs + 1) / 2, "raw": (inputs + 1) * 50}[lightness]
