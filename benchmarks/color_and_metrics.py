"""Color conversion and metrics on 32 pictures of 256x256: colorjax against scikit-image, on the same CPU.

    python benchmarks/color_and_metrics.py

Both sides get the same float32 pictures (parts of the photographs in scikit-image's wheel, and disturbed copies) and
are timed in turn, so that a busy machine slows both; the table has the medians. scikit-image runs as a user would
call it: conversions on the whole batch, PSNR and SSIM picture by picture. colorjax's functions are jitted;
their compilation is in a column of its own and not in the ratio. `difference` is the largest between both results.
scikit-image has no Hasler-Süsstrunk colorfulness and no accuracy in ab bins, so these aren't here.
"""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import statistics
import sys
import time
from pathlib import Path

import jax
import numpy as np
from skimage import color as skimage_color
from skimage import data
from skimage import metrics as skimage_metrics

sys.path.insert(0, str(Path(__file__).parents[1]))

from colorjax.color import spaces  # noqa: E402
from colorjax.metrics import fidelity  # noqa: E402

PICTURES, SIZE, ROUNDS, TARGET = 32, 256, 7, 5.0


def pictures():
    """Return crops [32, 256, 256, 3] and copies with Gaussian noise of 0.05, float32 in [0, 1]."""
    rng = np.random.default_rng(0)
    photographs = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    crops = []
    for i in range(PICTURES):
        photograph = photographs[i % len(photographs)]
        top, left = (rng.integers(extent - SIZE + 1) for extent in photograph.shape[:2])
        crops.append(photograph[top : top + SIZE, left : left + SIZE])
    truth = (np.stack(crops) / 255).astype(np.float32)
    noisy = np.clip(truth + rng.normal(0, 0.05, truth.shape), 0, 1).astype(np.float32)
    return truth, noisy


def each(function):
    """Apply a metric of scikit-image to each pair of pictures."""
    return lambda truth, prediction: np.array([function(x, y) for x, y in zip(truth, prediction, strict=True)])


def skimage_ssim(x, y):
    return skimage_metrics.structural_similarity(
        x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1, channel_axis=-1
    )


def skimage_ciede2000(truth, prediction):
    difference = skimage_color.deltaE_ciede2000(skimage_color.rgb2lab(truth), skimage_color.rgb2lab(prediction))
    return difference.mean((1, 2))


def cases(truth, noisy):
    """Return (name, colorjax function, scikit-image function, arguments), ... for conversions and for metrics."""
    conversions = [
        ("rgb -> lab -> rgb", lambda x: spaces.lab2rgb(spaces.rgb2lab(x)),
         lambda x: skimage_color.lab2rgb(skimage_color.rgb2lab(x)), truth),
    ]  # fmt: skip
    for space in ("lab", "xyz", "hsv", "yiq"):
        there, back = f"rgb2{space}", f"{space}2rgb"
        values = getattr(skimage_color, there)(truth)
        conversions.append((there, getattr(spaces, there), getattr(skimage_color, there), truth))
        conversions.append((back, getattr(spaces, back), getattr(skimage_color, back), values))
    measures = [
        ("mse", fidelity.mean_squared_error, each(skimage_metrics.mean_squared_error)),
        ("psnr", fidelity.peak_signal_noise_ratio,
         each(lambda x, y: skimage_metrics.peak_signal_noise_ratio(x, y, data_range=1))),
        ("ssim", fidelity.structural_similarity, each(skimage_ssim)),
        ("ciede2000", fidelity.ciede2000, skimage_ciede2000),
    ]  # fmt: skip
    return [(name, ours, theirs, (array,)) for name, ours, theirs, array in conversions] + [
        (name, ours, theirs, (truth, noisy)) for name, ours, theirs in measures
    ]


def seconds(function, arguments):
    start = time.perf_counter()
    result = jax.block_until_ready(function(*arguments))
    return time.perf_counter() - start, result


def main():
    print(f"{PICTURES} pictures of {SIZE}x{SIZE}, {os.cpu_count()} CPUs, jax {jax.__version__}, {ROUNDS} rounds")
    print(f"{'':18}{'scikit-image':>13}{'colorjax':>11}{'ratio':>8}{'compile':>10}{'difference':>12}")
    totals = [0.0, 0.0]
    for name, ours, theirs, arguments in cases(*pictures()):
        ours, on_device = jax.jit(ours), jax.device_put(arguments)
        first, ours_result = seconds(ours, on_device)
        _, theirs_result = seconds(theirs, arguments)
        difference = np.max(np.abs(np.asarray(ours_result) - theirs_result))
        times = [(seconds(theirs, arguments)[0], seconds(ours, on_device)[0]) for _ in range(ROUNDS)]
        theirs_time, ours_time = (statistics.median(side) for side in zip(*times, strict=True))
        totals = [totals[0] + theirs_time, totals[1] + ours_time]
        print(
            f"{name:18}{1e3 * theirs_time:10.1f} ms{1e3 * ours_time:8.1f} ms{theirs_time / ours_time:7.1f}x"
            f"{first - ours_time:8.2f} s{difference:12.1e}"
        )
    ratio = totals[0] / totals[1]
    print(f"{'total':18}{1e3 * totals[0]:10.1f} ms{1e3 * totals[1]:8.1f} ms{ratio:7.1f}x")
    print(f"target: {TARGET:g}x in total, {'reached' if ratio >= TARGET else 'missed'}")


if __name__ == "__main__":
    main()
