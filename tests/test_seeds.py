"""Averages over seeds: of each picture's numbers, and of the means over pictures with Student's t interval."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from colorjax.errors import UserError
from colorjax.evaluation.evaluate import Evaluation, Sample
from colorjax.evaluation.seeds import average, describe
from colorjax.evaluation.statistics import mean_over_seeds

PICTURES = [("b", "01"), ("a", "00"), ("c", "02")]


def made(values, order=(0, 1, 2), **changes):
    rows = tuple(
        {"picture": PICTURES[i][0], "hash": PICTURES[i][1], "height": 8, "width": 9, "loss": 0.5, "psnr": values[i]}
        for i in order
    )
    picture = np.full((2, 2, 3), int(values[0]), np.uint8)
    evaluation = Evaluation("unet", "l1", "hash", ("loss", "psnr"), rows, (Sample("b", *[picture] * 3),))
    return dataclasses.replace(evaluation, **changes)


def test_seeds_average_each_pictures_numbers_whatever_their_order():
    evaluations = {0: made([20, 30, 10]), 1: made([22, 33, math.nan], order=(2, 0, 1)), 5: made([27, 36, 13])}
    result = average(evaluations)
    assert [row["picture"] for row in result.rows] == ["b", "a", "c"]
    np.testing.assert_array_equal(result.values("psnr"), [23, 33, math.nan])
    np.testing.assert_array_equal(result.values("loss"), 0.5)
    assert [(row["hash"], row["height"], row["width"]) for row in result.rows] == [(h, 8, 9) for _, h in PICTURES]
    assert result.samples[0].truth[0, 0, 0] == 20
    assert list(result.by_seed) == [0, 1, 5]
    assert evaluations[0].rows[0]["psnr"] == 20


def test_seeds_average_of_one_is_that_seed():
    one = made([20, 30, 10])
    assert dataclasses.replace(average({3: one}), by_seed={}) == one
    assert describe("U-Net", {3: one}) == "U-Net: mean of 1 seed (3)"
    assert describe("U-Net", {0: one, 1: one, 2: one}) == "U-Net: mean of 3 seeds (0, 1, 2)"


@pytest.mark.parametrize(
    "other",
    [
        made([1, 2, 3], protocol_hash="another"),
        made([1, 2, 3], loss="squared_error"),
        made([1, 2, 3], method="cnn"),
        made([1, 2, 3], columns=("psnr",)),
        made([1, 2, 3], order=(0, 1)),
        made([1, 2, 3], order=(0, 1, 1)),
    ],
)
def test_seeds_not_measured_alike_are_not_averaged(other):
    with pytest.raises(UserError, match="seeds 0 and 4 can't be averaged"):
        average({0: made([1, 2, 3]), 4: other})


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=8))
def test_interval_over_seeds_is_scipys_of_students_t(values):
    estimate = mean_over_seeds(values)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    theirs = np.mean(values) + np.array(t.interval(0.95, len(values) - 1)) * error
    np.testing.assert_allclose(estimate[:3], [np.mean(values), *theirs], atol=1e-9)
    assert estimate.count == len(values)


def test_interval_over_three_seeds_is_4_303_standard_errors():
    """4.303 is what printed tables give for two degrees of freedom."""
    estimate = mean_over_seeds([1.0, 2.0, 3.0])
    assert estimate.high - estimate.mean == pytest.approx(4.303 / math.sqrt(3), rel=1e-4)


def test_interval_holds_the_truth_19_times_in_20():
    draws = np.random.default_rng(0).normal(21.0, 0.3, (2000, 3))
    held = [estimate.low <= 21.0 <= estimate.high for estimate in map(mean_over_seeds, draws)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_interval_of_one_seed_is_none():
    estimate = mean_over_seeds([21.0, math.nan])
    assert (estimate.mean, estimate.count) == (21.0, 1)
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.high)
