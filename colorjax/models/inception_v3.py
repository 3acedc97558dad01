"""Inception v3 as FID uses it: images [B, H, W, 3] in about [-1, 1], end points by name.

Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, in
the version that Google published on 2015-12-05, of which FID (Heusel et al. 2017) takes the 2,048 pooled features. It
has 1,008 classes and differs in one place from the network of the paper, Keras and torchvision: the pooling branch of
its last block takes the largest value instead of the mean. Both ports known as FID, `pytorch-fid` (Seitzer 2020) and
the one of StyleGAN2-ADA that `clean-fid` (Parmar et al. 2022) uses, are of that graph. Average pooling doesn't count
the padding, and the epsilon of batch normalization is 1e-3. The auxiliary classifier, which only training used, is left
out. Modules have torchvision's names in small letters.

    end_points = InceptionV3().apply(variables, inputs)
    end_points["pooled"]                                                # [B, 2048]

`inception_v3_weights.py` converts the published weights. Under `jax.jit`, end points that are not used are not
computed.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from colorjax.models.inception.network import SMALLEST, ConvolutionUnit, Unit, average_pool, halving_max_pool

SIZE = 299  # side in pixels of the images that the published weights were trained on
CLASSES = 1008  # of the 2015 graph: ImageNet's 1,000 are among them
FEATURES = 2048


class Branch(NamedTuple):
    """Units one after the other, by name, and `ends`, which all read the output of the last and are concatenated."""

    units: Mapping[str, Unit]
    ends: Mapping[str, Unit] = {}


class Block(NamedTuple):
    """Branches that read the same input and are concatenated.

    Attributes:
      branches: all but that of the pooling.
      pooling: 'average' and 'largest' pool 3x3 squares around each pixel, before the unit `pooled`; 'halving' is the
        largest of 3x3 squares two pixels apart.
      pooled: the unit `branch_pool` after the pooling; None for none.
    """

    branches: tuple[Branch, ...]
    pooling: Literal["average", "largest", "halving"]
    pooled: Unit | None = None


STEM = {
    "conv2d_1a_3x3": Unit(32, 3, 3, 2, valid=True),
    "conv2d_2a_3x3": Unit(32, 3, 3, valid=True),
    "conv2d_2b_3x3": Unit(64, 3, 3),
    "maxpool1": None,
    "conv2d_3b_1x1": Unit(80, 1, 1),
    "conv2d_4a_3x3": Unit(192, 3, 3, valid=True),
    "maxpool2": None,
}


def _block_a(pooled: int) -> Block:
    """Return a block at an eighth of the size (the paper's figure 5, with 5x5 in place of two 3x3)."""
    return Block(
        (
            Branch({"branch1x1": Unit(64, 1, 1)}),
            Branch({"branch5x5_1": Unit(48, 1, 1), "branch5x5_2": Unit(64, 5, 5)}),
            Branch(
                {
                    "branch3x3dbl_1": Unit(64, 1, 1),
                    "branch3x3dbl_2": Unit(96, 3, 3),
                    "branch3x3dbl_3": Unit(96, 3, 3),
                }
            ),
        ),
        "average",
        Unit(pooled, 1, 1),
    )


_BLOCK_B = Block(
    (
        Branch({"branch3x3": Unit(384, 3, 3, 2, valid=True)}),
        Branch(
            {
                "branch3x3dbl_1": Unit(64, 1, 1),
                "branch3x3dbl_2": Unit(96, 3, 3),
                "branch3x3dbl_3": Unit(96, 3, 3, 2, valid=True),
            }
        ),
    ),
    "halving",
)


def _block_c(width: int) -> Block:
    """Return a block at a sixteenth of the size (the paper's figure 6)."""
    return Block(
        (
            Branch({"branch1x1": Unit(192, 1, 1)}),
            Branch(
                {
                    "branch7x7_1": Unit(width, 1, 1),
                    "branch7x7_2": Unit(width, 1, 7),
                    "branch7x7_3": Unit(192, 7, 1),
                }
            ),
            Branch(
                {
                    "branch7x7dbl_1": Unit(width, 1, 1),
                    "branch7x7dbl_2": Unit(width, 7, 1),
                    "branch7x7dbl_3": Unit(width, 1, 7),
                    "branch7x7dbl_4": Unit(width, 7, 1),
                    "branch7x7dbl_5": Unit(192, 1, 7),
                }
            ),
        ),
        "average",
        Unit(192, 1, 1),
    )


_BLOCK_D = Block(
    (
        Branch({"branch3x3_1": Unit(192, 1, 1), "branch3x3_2": Unit(320, 3, 3, 2, valid=True)}),
        Branch(
            {
                "branch7x7x3_1": Unit(192, 1, 1),
                "branch7x7x3_2": Unit(192, 1, 7),
                "branch7x7x3_3": Unit(192, 7, 1),
                "branch7x7x3_4": Unit(192, 3, 3, 2, valid=True),
            }
        ),
    ),
    "halving",
)
#: At a thirty-second of the size (the paper's figure 7).
_BLOCK_E = Block(
    (
        Branch({"branch1x1": Unit(320, 1, 1)}),
        Branch(
            {"branch3x3_1": Unit(384, 1, 1)},
            {"branch3x3_2a": Unit(384, 1, 3), "branch3x3_2b": Unit(384, 3, 1)},
        ),
        Branch(
            {"branch3x3dbl_1": Unit(448, 1, 1), "branch3x3dbl_2": Unit(384, 3, 3)},
            {"branch3x3dbl_3a": Unit(384, 1, 3), "branch3x3dbl_3b": Unit(384, 3, 1)},
        ),
    ),
    "average",
    Unit(192, 1, 1),
)

BLOCKS = {
    "mixed_5b": _block_a(32),
    "mixed_5c": _block_a(64),
    "mixed_5d": _block_a(64),
    "mixed_6a": _BLOCK_B,
    "mixed_6b": _block_c(128),
    "mixed_6c": _block_c(160),
    "mixed_6d": _block_c(160),
    "mixed_6e": _block_c(192),
    "mixed_7a": _BLOCK_D,
    "mixed_7b": _BLOCK_E,
    "mixed_7c": _BLOCK_E._replace(pooling="largest"),  # as in the graph of 2015 alone
}


class InceptionV3(nn.Module):
    """The network, never trained here: it normalizes by its running statistics. All its variables are float32."""

    @nn.compact
    def __call__(self, inputs: jax.Array) -> dict[str, jax.Array]:
        """Return each of `STEM` and `BLOCKS` [B, h, w, C], 'pooled' [B, 2048] and 'logits' [B, 1008], float32.

        Args:
          inputs: float32 [B, H, W, 3] in about [-1, 1], H and W at least 75.

        Raises:
          ValueError: inputs of another shape.
        """
        if inputs.ndim != 4 or inputs.shape[-1] != 3 or min(inputs.shape[1:3]) < SMALLEST:
            raise ValueError(f"inputs are [B, H, W, 3] with H and W at least {SMALLEST}, not {inputs.shape}")
        features, end_points = inputs, {}
        for name, unit in STEM.items():
            features = halving_max_pool(features) if unit is None else ConvolutionUnit(unit, name=name)(features)
            end_points[name] = features
        for name, block in BLOCKS.items():
            features = _BlockModule(block, name=name)(features)
            end_points[name] = features
        end_points["pooled"] = features.mean(axis=(1, 2))
        end_points["logits"] = nn.Dense(CLASSES, name="fc")(end_points["pooled"])
        return end_points


class _BlockModule(nn.Module):
    block: Block

    @nn.compact
    def __call__(self, inputs):
        outputs = []
        for branch in self.block.branches:
            features = inputs
            for name, unit in branch.units.items():
                features = ConvolutionUnit(unit, name=name)(features)
            ends = [ConvolutionUnit(unit, name=name)(features) for name, unit in branch.ends.items()]
            outputs += ends or [features]
        pooled = _POOLINGS[self.block.pooling](inputs)
        if self.block.pooled:
            pooled = ConvolutionUnit(self.block.pooled, name="branch_pool")(pooled)
        return jnp.concatenate([*outputs, pooled], axis=-1)


def _largest(features):
    """Return the largest values of the 3x3 squares around the pixels."""
    return nn.max_pool(features, (3, 3), (1, 1), "SAME")


_POOLINGS = {"average": average_pool, "largest": _largest, "halving": halving_max_pool}
