"""The colors of the most similar training photograph, found by ImageNet's features and given by lightness alone."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from colorjax.color.spaces import recolor, rgb2lab
from colorjax.errors import UserError
from colorjax.methods import imagenet_features
from colorjax.methods.imagenet_features import lightness_and_ab
from colorjax.methods.method import Method, Observation, Restored
from colorjax.methods.settings import require_at_least
from colorjax.pictures.images import Photograph
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks import TASKS


@dataclasses.dataclass
class RetrievedReference(Method):
    """Gives each pixel the mean color of the reference's pixels whose lightness has the same rank.

    The simplest form of the transfer of Welsh, Ashikhmin and Mueller 2002 ("Transferring Color to Greyscale Images"):
    lightness is matched over the whole image and neighborhoods do not count.

    Attributes:
      levels: number of ranks.

    Raises:
      UserError: fewer than 2 levels.
    """

    levels: int = 32
    name: ClassVar[str] = "retrieved_reference"
    tasks: ClassVar[frozenset[str]] = frozenset(name for name, task in TASKS.items() if task.colorizes)

    def __post_init__(self):
        require_at_least(2, self, "levels")
        self._features, self._colors = None, None

    def fit(self, photographs: Sequence[Photograph]) -> Self:
        """Keep the features and the colors by rank of each photograph.

        Raises:
          UserError: there is no photograph, or ImageNet's weights are missing.
        """
        if not len(photographs):
            raise UserError("the method retrieved_reference needs training photographs, and there are none")
        features, colors = [], []
        for photograph in photographs:
            lab = lightness_and_ab(photograph.picture.astype(np.float32) / np.float32(255))
            features.append(imagenet_features.features(lab[..., 0])[1])
            order = np.argsort(lab[..., 0], axis=None, kind="stable")
            ranked = np.array_split(lab[..., 1:].reshape(-1, 2)[order], self.levels)
            colors.append([part.mean(axis=0) for part in ranked])
        self._features = np.array(features, np.float32)
        self._colors = np.array(colors, np.float32)
        return self

    def restore(self, observation: Observation) -> Restored:
        """Return the colored image, not clipped."""
        whole = imagenet_features.features(lightness_and_ab(observation.image)[..., 0])[1]
        colors = self._colors[self._nearest(whole)]
        lightness = map_pixels(rgb2lab, observation.image)[..., 0]
        ranks = np.searchsorted(np.sort(lightness, axis=None), lightness, side="left") / lightness.size
        places = (np.arange(self.levels) + 0.5) / self.levels
        ab = np.stack([np.interp(ranks, places, colors[:, axis]) for axis in range(2)], axis=-1)
        return Restored(map_pixels(recolor, observation.image, ab.astype(np.float32)))

    def weight_count(self) -> int:
        """See `Method`."""
        return imagenet_features.weight_count()

    def fingerprint(self) -> dict[str, Any]:
        """Return the hash of the published weights."""
        return {"features": imagenet_features.fingerprint()}

    def _nearest(self, whole: np.ndarray) -> int:
        """Return the number of the photograph with the largest cosine similarity, of features without their mean."""
        mean = self._features.mean(axis=0)
        there, own = self._features - mean, whole - mean
        norms = np.linalg.norm(there, axis=-1) * np.linalg.norm(own)
        return int(np.argmax(there @ own / np.maximum(norms, 1e-12)))
