"""Metrics against scikit-image, published values and formulas; masks against the pictures without padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import color as skimage_color
from skimage import data
from skimage import metrics as skimage_metrics

from colorjax.color import ab_bins
from colorjax.color.ciede2000 import delta_e_ciede2000
from colorjax.metrics import fidelity
from colorjax.metrics.ab_accuracy import ab_bin, color_accuracy
from colorjax.metrics.info import MEASURES
from colorjax.metrics.registry import METRICS
from colorjax.metrics.ssim import structural_similarity

# Sharma, Wu and Dalal 2005, table 1: L1 a1 b1, L2 a2 b2, difference.
SHARMA = np.loadtxt(
    """\
50.0000 2.6772 -79.7751 50.0000 0.0000 -82.7485 2.0425
50.0000 3.1571 -77.2803 50.0000 0.0000 -82.7485 2.8615
50.0000 2.8361 -74.0200 50.0000 0.0000 -82.7485 3.4412
50.0000 -1.3802 -84.2814 50.0000 0.0000 -82.7485 1.0000
50.0000 -1.1848 -84.8006 50.0000 0.0000 -82.7485 1.0000
50.0000 -0.9009 -85.5211 50.0000 0.0000 -82.7485 1.0000
50.0000 0.0000 0.0000 50.0000 -1.0000 2.0000 2.3669
50.0000 -1.0000 2.0000 50.0000 0.0000 0.0000 2.3669
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0009 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0010 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0011 7.2195
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0012 7.2195
50.0000 -0.0010 2.4900 50.0000 0.0009 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0010 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0011 -2.4900 4.7461
50.0000 2.5000 0.0000 50.0000 0.0000 -2.5000 4.3065
50.0000 2.5000 0.0000 73.0000 25.0000 -18.0000 27.1492
50.0000 2.5000 0.0000 61.0000 -5.0000 29.0000 22.8977
50.0000 2.5000 0.0000 56.0000 -27.0000 -3.0000 31.9030
50.0000 2.5000 0.0000 58.0000 24.0000 15.0000 19.4535
50.0000 2.5000 0.0000 50.0000 3.1736 0.5854 1.0000
50.0000 2.5000 0.0000 50.0000 3.2972 0.0000 1.0000
50.0000 2.5000 0.0000 50.0000 1.8634 0.5757 1.0000
50.0000 2.5000 0.0000 50.0000 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
""".splitlines()
)

HEIGHT, WIDTH = 26, 23  # of the padded pictures; one shape, compiled once
measure = jax.jit(lambda *args: {name: metric(*args) for name, metric in METRICS.items()})


def ssim_reference(truth, prediction):
    return skimage_metrics.structural_similarity(
        truth.astype(np.float64),
        prediction.astype(np.float64),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=-1,
        data_range=1,
    )


def colorfulness_reference(picture):
    red, green, blue = np.moveaxis(picture.astype(np.float64) * 255, -1, 0)
    rg, yb = red - green, 0.5 * (red + green) - blue
    return np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())


def area_reference(lab, predicted_lab, weights):
    """The area under the curve by its definition, at thresholds that are near each other."""
    errors, thresholds = (
        np.hypot(*np.moveaxis((lab - predicted_lab)[..., 1:], -1, 0)).ravel(),
        np.linspace(0, 150, 6001),
    )
    order = np.argsort(errors)
    summed = np.concatenate([[0], np.cumsum(weights.ravel()[order])]) / weights.sum()
    return np.trapezoid(summed[np.searchsorted(errors[order], thresholds, side="right")], thresholds) / 150


def rarity_reference(lab):
    """1 over the smoothed share of the bin of each pixel."""
    places = [tuple(color) for color in ab_bins.centers()]
    shares = dict(zip(places, np.maximum(ab_bins.smoothed_shares(), 1e-5), strict=True))
    rounded = 10 * np.floor(lab[..., 1:] / 10 + 0.5)
    return np.array([[1 / shares.get(tuple(color), 1e-5) for color in row] for row in rounded])


def reference(truth, prediction):
    """All metrics of one picture in float64, by scikit-image and by a confusion matrix."""
    truth, prediction = truth.astype(np.float64), prediction.astype(np.float64)
    lab, predicted_lab = skimage_color.rgb2lab(truth), skimage_color.rgb2lab(prediction)
    names = {}
    confusion = np.zeros((529, 529), int)
    for true_ab, ab in zip(lab[..., 1:].reshape(-1, 2), predicted_lab[..., 1:].reshape(-1, 2), strict=True):
        row, column = (names.setdefault(tuple(np.round(x / 10)), len(names)) for x in (true_ab, ab))
        confusion[row, column] += 1
    right, present, predicted = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    bins = present > 0
    return {
        "psnr": skimage_metrics.peak_signal_noise_ratio(truth, prediction, data_range=1),
        "ssim": ssim_reference(truth, prediction) if min(truth.shape[:2]) >= 11 else np.nan,
        "mse": skimage_metrics.mean_squared_error(truth, prediction),
        "ciede2000": skimage_color.deltaE_ciede2000(lab, predicted_lab).mean(),
        "colorfulness": colorfulness_reference(prediction) - colorfulness_reference(truth),
        "accuracy": np.mean(np.hypot(*np.moveaxis((lab - predicted_lab)[..., 1:], -1, 0)) <= 10),
        "bin_accuracy": right.sum() / confusion.sum(),
        "precision": np.mean(right[bins] / np.maximum(predicted[bins], 1)),
        "sensitivity": np.mean(right[bins] / present[bins]),
        "ab_psnr": skimage_metrics.peak_signal_noise_ratio(lab[..., 1:], predicted_lab[..., 1:], data_range=255),
        "auc": area_reference(lab, predicted_lab, np.ones(truth.shape[:2])),
        "rebalanced_auc": area_reference(lab, predicted_lab, rarity_reference(lab)),
    }


def two_pictures(rng, height, width, noise):
    """Part of a photograph and a disturbed copy, float32."""
    top, left = rng.integers(0, 100, 2)
    truth = data.astronaut()[top : top + 3 * height : 3, left : left + 3 * width : 3] / 255
    prediction = np.clip(truth + rng.normal(0, noise, truth.shape), 0, 1)
    return truth.astype(np.float32), prediction.astype(np.float32)


def assert_metrics_equal(ours, expected):
    assert ours.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-4, atol=1e-4, err_msg=name)


@given(
    seed=st.integers(0, 1000),
    height=st.integers(1, HEIGHT),
    width=st.integers(1, WIDTH),
    noise=st.sampled_from([0.01, 0.05, 0.3]),
    outside=st.sampled_from([0.0, 0.5, 1e6, np.nan]),
)
def test_padded_pictures_measure_as_the_pictures_without_padding(seed, height, width, noise, outside):
    rng = np.random.default_rng(seed)
    top, left = rng.integers(HEIGHT - height + 1), rng.integers(WIDTH - width + 1)
    place = np.s_[top : top + height, left : left + width]
    truth, prediction = two_pictures(rng, height, width, noise)
    padded = np.full((2, HEIGHT, WIDTH, 3), outside, np.float32)
    padded[0][place], padded[1][place] = truth, prediction
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[place] = True
    assert_metrics_equal(measure(padded[0], padded[1], mask), reference(truth, prediction))


def test_metrics_of_a_batch_without_mask_measure_each_picture():
    pairs = [two_pictures(np.random.default_rng(i), HEIGHT, WIDTH, 0.02 + 0.1 * i) for i in range(3)]
    truth, prediction = (np.stack(side) for side in zip(*pairs, strict=True))
    ours = measure(truth, prediction, None)
    expected = [reference(*pair) for pair in pairs]
    assert_metrics_equal(ours, {name: [e[name] for e in expected] for name in METRICS})
    mapped = jax.jit(jax.vmap(lambda x, y: METRICS["precision"](x, y)))(truth, prediction)
    np.testing.assert_allclose(mapped, ours["precision"], rtol=1e-6)


@pytest.mark.parametrize("level", [0.0, 0.02, 0.5, 0.99])
@pytest.mark.parametrize("spread", [1e-4, 1e-2])
def test_ssim_of_nearly_flat_pictures_keeps_its_precision(level, spread):
    """Where E[x^2] - E[x]^2 in float32 would be all rounding."""
    rng = np.random.default_rng(1)
    x, y = (np.clip(level + rng.normal(0, spread, (HEIGHT, WIDTH, 3)), 0, 1).astype(np.float32) for _ in "xy")
    ours = jax.jit(structural_similarity)(x, y, np.ones((HEIGHT, WIDTH), bool))
    np.testing.assert_allclose(ours, ssim_reference(x, y), atol=2e-5)


def test_gray_pictures_have_psnr_and_ssim():
    x, y = (picture[..., :1] for picture in two_pictures(np.random.default_rng(2), HEIGHT, WIDTH, 0.1))
    ssim = jax.jit(structural_similarity)(x, y)
    np.testing.assert_allclose(ssim, ssim_reference(x, y), atol=1e-5)
    np.testing.assert_allclose(
        fidelity.peak_signal_noise_ratio(x, y), skimage_metrics.peak_signal_noise_ratio(x, y, data_range=1), rtol=1e-5
    )


def test_equal_pictures():
    """Errors are none at all, however XLA rounds the two sides; the other metrics are 1, or 0, but for rounding."""
    truth, _ = two_pictures(np.random.default_rng(3), HEIGHT, WIDTH, 0)
    ours = {name: float(value) for name, value in measure(truth, truth, np.ones((HEIGHT, WIDTH), bool)).items()}
    errors = {name: ours.pop(name) for name in ("psnr", "ab_psnr", "mse", "ciede2000")}
    assert errors == {"psnr": np.inf, "ab_psnr": np.inf, "mse": 0.0, "ciede2000": 0.0}
    assert ours == pytest.approx(
        {
            "ssim": 1.0,
            "colorfulness": 0.0,
            "accuracy": 1.0,
            "bin_accuracy": 1.0,
            "precision": 1.0,
            "sensitivity": 1.0,
            "auc": 1.0,
            "rebalanced_auc": 1.0,
        },
        abs=1e-4,
    )


def test_metrics_of_a_gray_copy_are_worse_and_less_colorful():
    truth, _ = two_pictures(np.random.default_rng(4), HEIGHT, WIDTH, 0)
    gray = np.repeat(skimage_color.rgb2gray(truth)[..., None], 3, axis=-1).astype(np.float32)
    ours = measure(truth, gray, np.ones((HEIGHT, WIDTH), bool))
    np.testing.assert_allclose(ours["colorfulness"], -colorfulness_reference(truth), rtol=1e-3)
    assert ours["sensitivity"] < ours["bin_accuracy"] < 1


def test_means_of_large_pictures_do_not_drift():
    """A running float32 sum of 0.9 over these pixels would be off by a percent."""
    truth = np.zeros((1024, 1024, 3), np.float32)
    mask = np.ones(truth.shape[:2], bool)
    ours = jax.jit(fidelity.mean_squared_error)(truth, truth + np.float32(0.9), mask)
    np.testing.assert_allclose(ours, 0.81, rtol=1e-5)


def test_ciede2000_equals_the_published_pairs():
    ours = jax.jit(delta_e_ciede2000)(SHARMA[:, :3].astype(np.float32), SHARMA[:, 3:6].astype(np.float32))
    np.testing.assert_allclose(ours, SHARMA[:, 6], atol=1.1e-4)


def test_ciede2000_equals_scikit_image_on_random_colors():
    lab = np.random.default_rng(0).uniform([0, -100, -100], [100, 100, 100], (20_000, 2, 3))
    lab[:5_000, 1] = lab[:5_000, 0] + np.random.default_rng(1).normal(0, 0.5, (5_000, 3))
    lab[5_000:6_000, :, 1:] *= 1e-3
    lab[6_000:7_000, 0, 1:] = 0
    expected = skimage_color.deltaE_ciede2000(lab[:, 0], lab[:, 1])
    ours = jax.jit(delta_e_ciede2000)(lab[:, 0].astype(np.float32), lab[:, 1].astype(np.float32))
    np.testing.assert_allclose(ours, expected, atol=1e-3)


def test_ciede2000_has_finite_derivatives_for_equal_gray_black_and_opposite_colors():
    some = np.array(
        [[0, 0, 0], [50, 0, 0], [100, 0, 0], [50, 30, 40], [50, -30, -40], [50, 1e-8, 0], [50, 0, 1e-18], [50, 90, 0]],
        np.float32,
    )
    first, second = (x.reshape(-1, 3) for x in np.broadcast_arrays(some[:, None], some[None]))
    gradients = jax.jit(jax.grad(lambda x, y: jnp.sum(delta_e_ciede2000(x, y)), argnums=(0, 1)))(first, second)
    assert np.all(np.isfinite(gradients))


def test_bins_are_centered_at_multiples_of_ten():
    ab = np.array([[-110, -110], [-4.9, 4.9], [5.1, 0], [0, 5.1], [110, 110], [127, 130]], np.float32)
    assert ab_bin(*ab.T).tolist() == [0, 264, 264 + 23, 265, 528, 528]


def test_distance_of_accuracy():
    truth, prediction = two_pictures(np.random.default_rng(5), 4, 4, 0.1)
    distances = np.linalg.norm((skimage_color.rgb2lab(truth) - skimage_color.rgb2lab(prediction))[..., 1:], axis=-1)
    ours = color_accuracy(truth, prediction, distance=float(np.median(distances)))
    np.testing.assert_allclose(ours, 0.5)


def test_bad_pictures_are_told():
    picture = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(TypeError, match=r"floating-point in \[0, 1\], not uint8"):
        fidelity.peak_signal_noise_ratio(picture, picture.astype(np.uint8))
    with pytest.raises(ValueError, match=r"one shape, not \(4, 4, 3\) and \(4, 4, 1\)"):
        structural_similarity(picture, picture[..., :1])
    with pytest.raises(ValueError, match=r"H, W, 3\], not \(4, 4, 1\)"):
        fidelity.ciede2000(picture[..., :1], picture[..., :1])
    with pytest.raises(ValueError, match=r"mask must be bool \[4, 4\], not float32 \[4, 4\]"):
        fidelity.mean_squared_error(picture, picture, picture[..., 0])


def test_registry_describes_every_metric_in_one_line():
    assert list(MEASURES) == [*METRICS, "loss"]
    for measure in MEASURES.values():
        assert measure.label
        assert measure.description
        assert "\n" not in measure.description


def test_ssim_with_another_window_is_that_of_scikit_image():
    """scikit-image takes its window's side from sigma: at 3.5 sigma, rounded, to either side."""
    random = np.random.default_rng(3)
    truth, prediction = random.uniform(size=(2, 40, 33, 3)).astype(np.float32)
    expected = skimage_metrics.structural_similarity(
        truth.astype(np.float64), prediction.astype(np.float64), gaussian_weights=True, sigma=2.0,
        use_sample_covariance=False, data_range=1.0, channel_axis=-1,
    )  # fmt: skip
    value = structural_similarity(truth, prediction, sigma=2.0, window=15)
    np.testing.assert_allclose(value, expected, atol=1e-5)
