import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from colorjax.evaluation.statistics import mean_with_interval, means_with_intervals, paired_differences


def test_interval_agrees_with_scipys_percentile_bootstrap():
    values = np.random.default_rng(3).gamma(2.0, size=60)
    estimate = mean_with_interval(values)
    theirs = bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", random_state=1)
    assert estimate.mean == pytest.approx(values.mean())
    assert estimate.count == 60
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    np.testing.assert_allclose(estimate[1:3], theirs.confidence_interval, atol=0.03 * width)


def test_interval_agrees_with_the_normal_approximation_and_shrinks_with_more_pictures():
    values = np.random.default_rng(0).normal(5.0, 2.0, size=1000)
    estimate = mean_with_interval(values)
    half = 1.96 * values.std() / np.sqrt(1000)
    np.testing.assert_allclose(estimate[1:3], [values.mean() - half, values.mean() + half], atol=0.05 * half)
    fewer = mean_with_interval(values[:100])
    assert fewer.high - fewer.low > 2 * (estimate.high - estimate.low)


def test_weights_count_as_repetition():
    values = np.array([1.0, 2.0, 6.0])
    assert mean_with_interval(values, weights=[1, 2, 1]).mean == pytest.approx(np.mean([1, 2, 2, 6]))
    only_first = mean_with_interval(values, weights=[1, 0, 0])
    assert only_first[:3] == (1.0, 1.0, 1.0)


def test_undefined_pictures_are_left_out_and_counted():
    values = np.array([1.0, np.nan, 3.0, 2.0])
    estimate = mean_with_interval(values)
    assert (estimate.mean, estimate.count) == (2.0, 3)
    assert 1.0 <= estimate.low < 2.0 < estimate.high <= 3.0
    one = mean_with_interval([np.nan, 4.0])
    assert (one.mean, one.count) == (4.0, 1)
    assert np.isnan(one.low)
    assert np.isnan(one.high)
    assert np.isnan(mean_with_interval([np.nan]).mean)


def test_confidence_interval_of_paired_differences_is_far_narrower_than_the_spread():
    random = np.random.default_rng(0)
    pictures = random.normal(25, 5, size=40)
    better = pictures + 0.3 + random.normal(0, 0.1, size=40)
    (difference,) = paired_differences(better[:, None], pictures[:, None])
    assert difference.mean == pytest.approx((better - pictures).mean())
    assert 0.2 < difference.low < difference.high < 0.4
    apart = mean_with_interval(better)
    assert apart.high - apart.low > 20 * (difference.high - difference.low)
    (none,) = paired_differences(pictures[:, None], pictures[:, None])
    assert none[:3] == (0.0, 0.0, 0.0)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), st.integers(0, 5))
def test_interval_is_seeded_and_lies_within_the_values(values, seed):
    estimate = mean_with_interval(values, seed=seed, resamples=200)
    assert estimate == mean_with_interval(values, seed=seed, resamples=200)
    assert min(values) - 1e-9 <= estimate.low <= estimate.high <= max(values) + 1e-9


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="same pictures"):
        paired_differences([[1.0], [2.0]], [[1.0]])
    with pytest.raises(ValueError, match="one weight a picture"):
        mean_with_interval([1.0, 2.0], weights=[1.0])


def test_columns_are_resampled_alike():
    values = np.random.default_rng(0).normal(size=(9, 1))
    one, shifted, alone = *means_with_intervals(np.hstack([values, values + 7.0])), mean_with_interval(values[:, 0])
    np.testing.assert_allclose(one, alone)
    np.testing.assert_allclose(shifted[:3], np.array(one[:3]) + 7.0)
