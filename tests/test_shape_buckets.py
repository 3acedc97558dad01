"""Sizes that arrays share: never below the length, of few kinds, with as much padding as each rule allows."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorjax.runtime.shape_buckets import network_side, pixelwise_side, row_count, tile_side

LENGTHS = st.integers(1, 2**15)
RULES = {
    "pixelwise": pixelwise_side,
    "rows": row_count,
    "tile": functools.partial(tile_side, stride=1),
}
SHARE = {"pixelwise": 1, "rows": 1, "tile": 1 / 4}  # of the length that is padding at most


@pytest.mark.parametrize("name", RULES)
@given(length=LENGTHS)
def test_shape_buckets_hold_their_length_and_little_more(name, length):
    padded = RULES[name](length)
    assert padded >= length
    assert RULES[name](padded) == padded
    assert padded == RULES[name](1) or padded - length <= max(32, SHARE[name] * length)
    if name == "pixelwise":
        assert padded - length < 256


@pytest.mark.parametrize(("name", "most"), [("pixelwise", 19), ("rows", 9), ("tile", 24)])
def test_shape_buckets_are_few(name, most):
    assert len({RULES[name](length) for length in range(1, 4097)}) <= most


@given(length=LENGTHS, stride=st.integers(1, 64))
def test_shape_buckets_of_tiles_are_multiples_of_the_stride(length, stride):
    assert tile_side(length, stride) % stride == 0
    assert tile_side(length, stride) >= length


@given(st.floats(1, 10_000))
def test_shape_buckets_of_networks_are_the_nearest_multiple_of_16(side):
    reduced = network_side(side)
    assert reduced % 16 == 0
    assert abs(reduced - side) <= 8 or reduced == 16
