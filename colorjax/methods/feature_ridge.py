"""Ridge regression from ImageNet's features to color: what pretrained features know before any network learns."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from colorjax.color.spaces import recolor, rgb2lab
from colorjax.errors import UserError
from colorjax.inference.color_upsampling import upsample_colors
from colorjax.methods import imagenet_features
from colorjax.methods.imagenet_features import lightness_and_ab, mean_on_grid
from colorjax.methods.method import Method, Observation, Restored
from colorjax.methods.settings import require_positive
from colorjax.pictures.images import Photograph
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks import TASKS


@dataclasses.dataclass
class FeatureRidge(Method):
    """Predicts Lab a and b on a grid of 28x28 squares, linearly; they are brought to full size along the edges.

    Attributes:
      penalty: of the squared coefficients, in units of the mean square of a feature, summed over all squares.

    Raises:
      UserError: the penalty is not above 0.
    """

    penalty: float = 0.01
    name: ClassVar[str] = "feature_ridge"
    tasks: ClassVar[frozenset[str]] = frozenset(name for name, task in TASKS.items() if task.colorizes)

    def __post_init__(self):
        require_positive(self, "penalty")
        self._coefficients = None

    def fit(self, photographs: Sequence[Photograph]) -> Self:
        """Learn the coefficients from color photographs.

        Raises:
          UserError: there is no photograph, or ImageNet's weights are missing.
        """
        if not len(photographs):
            raise UserError("the method feature_ridge learns from training photographs, and there are none")
        gram = products = 0.0
        for photograph in photographs:
            lab = lightness_and_ab(photograph.picture.astype(np.float32) / np.float32(255))
            inputs = self._inputs(lab[..., 0])
            targets = mean_on_grid(lab[..., 1:]).reshape(-1, 2)
            gram = gram + (inputs.T @ inputs).astype(np.float64)
            products = products + (inputs.T @ targets).astype(np.float64)
        # The constant, which is the last feature, is not penalized.
        weights = np.full(len(gram), self.penalty * np.trace(gram) / len(gram))
        weights[-1] = 0
        self._coefficients = np.linalg.solve(gram + np.diag(weights), products).astype(np.float32)
        return self

    def restore(self, observation: Observation) -> Restored:
        """Return the colored image, not clipped."""
        lab = map_pixels(rgb2lab, observation.image)
        small = lightness_and_ab(observation.image)[..., 0]
        grid = imagenet_features.GRID
        colors = (self._inputs(small) @ self._coefficients).reshape(grid, grid, 2)
        return Restored(map_pixels(recolor, observation.image, upsample_colors(colors, small, lab[..., 0])))

    def weight_count(self) -> int:
        """See `Method`."""
        return self._coefficients.size + imagenet_features.weight_count()

    def fingerprint(self) -> dict[str, Any]:
        """Return the hash of the published weights."""
        return {"features": imagenet_features.fingerprint()}

    def _inputs(self, lightness: np.ndarray) -> np.ndarray:
        """Return the features of each square and a constant, [squares, D + 1]."""
        squares, _ = imagenet_features.features(lightness)
        squares = squares.reshape(-1, squares.shape[-1])
        return np.concatenate([squares, np.ones((len(squares), 1), np.float32)], axis=-1)
