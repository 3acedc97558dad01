"""Labels, units, directions and descriptions of the metrics, for tables, charts and sorting.

The metrics themselves are in the other files of this folder. This file does not import jax.
"""

import math
from typing import NamedTuple

#: The largest distance in the ab plane at which a pixel's color counts as right: the width of one bin, about four times
#: a just noticeable difference.
ACCURACY_DISTANCE = 10.0

#: Standard deviation and side of SSIM's Gaussian window, in pixels (Wang et al. 2004). The window is cut at 3.5 sigma,
#: as in scikit-image.
SSIM_SIGMA, SSIM_WINDOW = 1.5, 11


class Measure(NamedTuple):
    """The label, unit, direction, number of decimals (`digits`) and description of a quantity in a table."""

    label: str
    unit: str  # '' for a number without a unit, '%' for a share in [0, 1]
    higher_is_better: bool | None  # None: the nearer to 0 the better
    digits: int
    description: str  # one line, for the foot of a table

    @property
    def title(self) -> str:
        """Label and unit, such as 'PSNR [dB]'."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    @property
    def scale(self) -> float:
        """The factor from a value to the number that a table shows."""
        return 100.0 if self.unit == "%" else 1.0

    def show(self, value: float) -> str:
        """Return the value as text; 'n/a' for NaN."""
        return "n/a" if math.isnan(value) else f"{self.scale * value:.{self.digits}f}"

    def merit(self, value: float) -> float:
        """Return a number that is higher for a better value; NaN for NaN."""
        return -abs(value) if self.higher_is_better is None else value if self.higher_is_better else -value


MEASURES = {
    "psnr": Measure(
        "PSNR", "dB", True, 2, "peak signal-to-noise ratio over all pixels and channels of sRGB in [0, 1], peak 1"
    ),
    "ssim": Measure(
        "SSIM",
        "",
        True,
        3,
        "structural similarity (Wang et al. 2004), Gaussian window of 11x11, sigma 1.5, mean of the channels",
    ),
    "mse": Measure("MSE", "", False, 5, "mean squared error over all pixels and channels of sRGB in [0, 1]"),
    "ciede2000": Measure(
        "CIEDE2000",
        "",
        False,
        2,
        "mean CIEDE2000 color difference of the pixels (Sharma et al. 2005); about 1 is just noticeable",
    ),
    "colorfulness": Measure(
        "Colorfulness difference",
        "",
        None,
        1,
        "colorfulness (Hasler and Süsstrunk 2003, on 0..255) of the result minus that of the truth",
    ),
    "accuracy": Measure(
        "Accuracy",
        "%",
        True,
        1,
        f"share of the pixels whose ab (CIE Lab, D65) lies within {ACCURACY_DISTANCE:g} of the true ab",
    ),
    "bin_accuracy": Measure(
        "Bin accuracy",
        "%",
        True,
        1,
        "share of the pixels in the right bin of the ab plane (10x10, centered at multiples of 10)",
    ),
    "precision": Measure(
        "Precision",
        "%",
        True,
        1,
        "mean, over the ab bins present in the true picture, of the share of the pixels put into a bin that belong"
        " there (0 for a bin never predicted)",
    ),
    "sensitivity": Measure(
        "Sensitivity",
        "%",
        True,
        1,
        "mean, over the ab bins present in the true picture, of the share of a bin's pixels that are put into it",
    ),
    "ab_psnr": Measure(
        "PSNR of ab", "dB", True, 2, "peak signal-to-noise ratio over all pixels of a and b of CIE Lab (D65), peak 255"
    ),
    "auc": Measure(
        "AuC",
        "%",
        True,
        1,
        "area under the share of the pixels whose ab lies within t of the true ab, t from 0 to 150 (Zhang et al. 2016)",
    ),
    "rebalanced_auc": Measure(
        "AuC, rebalanced",
        "%",
        True,
        1,
        "the same with pixels weighted by the rarity of their true color, in proportion within each picture",
    ),
    "loss": Measure("Loss", "", False, 5, "the task's own training loss"),
}
