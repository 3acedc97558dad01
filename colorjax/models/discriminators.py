"""Discriminators: pictures [B, H, W, C] to maps of scores [B, h, w, 1], each the higher, the truer its patch looks.

They are no networks of a task and no part of what is exported. `DISCRIMINATORS` lists them by name; a discriminator
returns a tuple of one or more maps.
"""

from collections.abc import Callable

from flax import linen as nn
from jax import Array

from colorjax.models.picture_convolution import PictureConvolution
from colorjax.models.picture_norm import PictureNorm
from colorjax.models.pix2pix_unet import SLOPE
from colorjax.models.resampling import upsample_nearest

_WIDEST = 8  # times the width
MOST_LAYERS = 5


def receptive_field(layers: int) -> int:
    """Return the side of the patch that one score of a `PatchDiscriminator` sees: 16, 34, 70, 142, 286 pixels."""
    side = 1
    for stride in (1, 1, *(2,) * layers):
        side = stride * (side - 1) + 4
    return side


def least_side(layers: int) -> int:
    """Return the side of the smallest picture for which a discriminator has a score."""
    return 3 * 2**layers


class PatchDiscriminator(nn.Module):
    """PatchGAN (Isola et al. 2017, section 6.1.2): 4x4 convolutions, of which the first `layers` halve the sides.

    With three it judges patches of 70x70 pixels. Normalization always uses the statistics of the pictures at hand.

    Attributes:
      layers: number of halvings, 1 to 5.
      width: number of features after the first; it doubles up to eight times as many.
      norm: follows all convolutions but the first and the last.
      axis_name: as in `PictureNormalization`.
    """

    layers: int = 3
    width: int = 64
    norm: PictureNorm = "batch"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, pictures: Array) -> tuple[Array]:
        """Return the scores, one map [B, H / 2**layers - 2, W / 2**layers - 2, 1]."""
        *_, features = patch_features(pictures, self.layers, self.width, self.norm, self.axis_name)
        many = self.width * min(2**self.layers, _WIDEST)
        features = PictureConvolution(many, 4, "kept", self.norm, self.axis_name)(features, True)
        return (PictureConvolution(1, 4, "kept")(nn.leaky_relu(features, SLOPE), True),)


class PyramidDiscriminator(nn.Module):
    """Scores at the three coarsest of `layers` halvings, each from features that the coarser ones are added to.

    After Sun, Jung, Fu and Han, "NIR to RGB Domain Translation Using Asymmetric Cycle Generative Adversarial Networks",
    IEEE Access 2019, whose abstract names feature pyramid networks (Lin et al. 2017) in the discriminator and a
    receptive field of 128x128 pixels. The rest is this project's choice: 1x1 convolutions to `width` features, sums
    with the nearest pixel of the coarser map, and a 3x3 convolution to the scores. With `layers` of 5 a coarsest score
    sees 158x158 pixels, with 4 it sees 78x78.

    Attributes:
      layers, width, norm, axis_name: as in `PatchDiscriminator`.
    """

    layers: int = 5
    width: int = 64
    norm: PictureNorm = "batch"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, pictures: Array) -> tuple[Array, ...]:
        """Return the maps of scores from the coarsest on; sides are cropped to multiples of 2**layers."""
        side = 2**self.layers
        height, width = (length // side * side for length in pictures.shape[1:3])
        levels = patch_features(pictures[:, :height, :width], self.layers, self.width, self.norm, self.axis_name)
        maps, above = [], None
        for features in reversed(levels[-3:]):
            lateral = PictureConvolution(self.width, 1, "valid")(features, True)
            above = lateral if above is None else lateral + upsample_nearest(above)
            maps.append(PictureConvolution(1, 3, "kept")(nn.leaky_relu(above, SLOPE), True))
        return tuple(maps)


def patch_features(pictures: Array, layers: int, width: int, norm: PictureNorm, axis_name: str | None) -> list[Array]:
    """Return the features after each of `layers` halvings, inside a module's `__call__`; after leaky ReLU."""
    features, levels = pictures, []
    for layer in range(layers):
        many = width * min(2**layer, _WIDEST)
        features = PictureConvolution(many, 4, "halved", norm if layer else "none", axis_name)(features, True)
        features = nn.leaky_relu(features, SLOPE)
        levels.append(features)
    return levels


DISCRIMINATORS: dict[str, Callable[..., nn.Module]] = {
    "patch": PatchDiscriminator,
    "pyramid": PyramidDiscriminator,
}
