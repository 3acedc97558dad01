import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorjax.inference.tiling import lay_out


@st.composite
def layouts(draw):
    largest = draw(st.integers(1, 200))
    overlap = draw(st.integers(0, largest - 1))
    return draw(st.integers(1, 700)), largest, overlap, draw(st.sampled_from([1, 2, 3, 8, 16]))


@given(layouts())
def test_tiles_lie_at_multiples_of_the_stride_and_reach_from_one_end_to_the_other(layout):
    side, largest, overlap, stride = layout
    tiles = lay_out(*layout)
    assert tiles.length == -(-side // stride) * stride
    assert tiles.tile % stride == 0
    assert all(start % stride == 0 for start in tiles.starts)
    assert tiles.starts[0] == 0
    if len(tiles.starts) > 1:
        steps = np.diff(tiles.starts)
        assert tiles.starts[-1] + tiles.tile == tiles.length
        assert 0 < steps.min() <= steps.max() <= tiles.tile - overlap
    else:
        assert tiles.tile >= tiles.length
    # Rounded up to the stride alone: only what an overlap close to a tile's length needs is added.
    assert tiles.tile <= max(largest, overlap + stride) + stride - 1


@given(layouts())
def test_weights_are_shares_of_each_position_and_later_tiles_leave_what_is_finished_alone(layout):
    tiles = lay_out(*layout)
    weights = tiles.weights()
    total = np.zeros(max(tiles.length, tiles.tile))
    for start, own in zip(tiles.starts, weights, strict=True):
        total[start : start + tiles.tile] += own
    np.testing.assert_allclose(total, 1.0, atol=1e-6)
    assert weights.min() >= 0.0
    for index, (start, end) in enumerate(zip(tiles.starts[1:], tiles.finished(), strict=False)):
        assert start <= end <= tiles.starts[index] + tiles.tile
        assert not weights[index + 1][: end - start].any()
    assert tiles.finished()[-1] == tiles.length


def test_tiling_overlap_is_a_ramp_with_no_weight_in_its_outer_quarters():
    tiles = lay_out(160, 96, 32, 8)
    assert (tiles.tile, tiles.starts) == (96, (0, 64))
    one, other = tiles.weights()
    assert (one[-8:] == 0).all()
    assert (other[:8] == 0).all()
    np.testing.assert_allclose(one[-24:-8][::-1], other[8:24])
    assert (np.diff(other[8:24]) > 0).all()
    assert np.diff(other[:32]).max() < 0.1  # no step


@pytest.mark.parametrize(
    ("side", "tile", "count"),
    [(1, 32, 1), (150, 160, 1), (200, 224, 1), (481, 512, 1), (520, 320, 2), (6000, 512, 13)],
)
def test_tiles_are_few_and_no_longer_than_they_need_to_be(side, tile, count):
    tiles = lay_out(side, 512, 32, 8)
    assert (tiles.tile, len(tiles.starts)) == (tile, count)
