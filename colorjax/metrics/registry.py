"""All metrics by name, for evaluation. `info.py` has their labels, units and directions."""

from collections.abc import Callable

import jax

from colorjax.metrics.ab_accuracy import bin_accuracy, color_accuracy, macro_precision, macro_sensitivity
from colorjax.metrics.ab_error import ab_peak_signal_noise_ratio, area_under_curve, rebalanced_area_under_curve
from colorjax.metrics.fidelity import ciede2000, colorfulness_difference, mean_squared_error, peak_signal_noise_ratio
from colorjax.metrics.ssim import structural_similarity

#: name -> (truth, prediction, mask) -> [*b]; `info.MEASURES` describes each
METRICS: dict[str, Callable[..., jax.Array]] = {
    "psnr": peak_signal_noise_ratio,
    "ssim": structural_similarity,
    "mse": mean_squared_error,
    "ciede2000": ciede2000,
    "colorfulness": colorfulness_difference,
    "accuracy": color_accuracy,
    "bin_accuracy": bin_accuracy,
    "precision": macro_precision,
    "sensitivity": macro_sensitivity,
    "ab_psnr": ab_peak_signal_noise_ratio,
    "auc": area_under_curve,
    "rebalanced_auc": rebalanced_area_under_curve,
}
