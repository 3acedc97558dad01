"""Non-local means by scikit-image. Images are float32 [H, W, C] of any finite range."""

import dataclasses
from typing import ClassVar

import numpy as np
from skimage import restoration  # loads its functions when they are first used, which takes a second

from colorjax.methods.classical.method import Denoiser
from colorjax.methods.settings import require_at_least, require_odd, require_positive


@dataclasses.dataclass
class NonLocalMeans(Denoiser):
    """Averages pixels whose surroundings are alike.

    Attributes:
      patch: side of the surroundings, pixels, odd.
      reach: how far alike ones are looked for, pixels.
      strength: h, the difference at which the weight falls to 1/e, in units of the noise's standard deviation.

    Raises:
      UserError: a setting outside its range.

    Reference: A. Buades, B. Coll and J.-M. Morel, "A non-local algorithm for image denoising", CVPR 2005; the fast form
    of J. Darbon et al., "Fast nonlocal filtering applied to electron cryomicroscopy", ISBI 2008.
    """

    patch: int = 5
    reach: int = 8
    strength: float = 0.55
    name: ClassVar[str] = "non_local_means"
    rows: ClassVar[int] = 192  # few, so that progress is seen

    @property
    def margin(self) -> int:
        """Return how many rows further a pixel depends on others."""
        return self.reach + self.patch

    def __post_init__(self):
        super().__post_init__()
        require_odd(self, "patch")
        require_at_least(1, self, "reach")
        require_positive(self, "strength")

    def denoised(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """See `Denoiser`."""
        return restoration.denoise_nl_means(
            image,
            patch_size=self.patch,
            patch_distance=self.reach,
            h=self.strength * sigma,
            fast_mode=True,
            sigma=sigma,
            channel_axis=-1,
        ).reshape(image.shape)
