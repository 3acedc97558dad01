import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorjax.errors import UserError
from colorjax.patches import (
    cut,
    map_pixels,
    pad_reflected,
    pad_to_shared_size,
    patch_grid,
    put_together,
    smooth_window,
)

SIDES = st.integers(1, 40)


@st.composite
def layouts(draw):
    patch_size = draw(st.integers(1, 16))
    return draw(SIDES), draw(SIDES), patch_size, draw(st.integers(0, patch_size - 1))


@given(layouts(), st.sampled_from([np.float32, np.uint8]), st.integers(1, 4))
def test_cut_and_put_together_is_the_identity_bit_for_bit(layout, dtype, channels):
    height, width, patch_size, overlap = layout
    random = np.random.default_rng(height * 41 + width)
    picture = (random.uniform(0, 255, (height, width, channels))).astype(dtype)
    grid = patch_grid(height, width, patch_size, overlap)
    patches = cut(picture, grid)
    assert patches.shape == (len(grid), patch_size, patch_size, channels)
    together = put_together(patches, grid)
    assert together.dtype == dtype
    np.testing.assert_array_equal(together, picture)


@given(layouts())
def test_the_grid_covers_the_picture_and_overlaps_enough(layout):
    height, width, patch_size, overlap = layout
    grid = patch_grid(height, width, patch_size, overlap)
    for side, starts in ((height, grid.tops), (width, grid.lefts)):
        assert starts[0] == 0
        assert starts[-1] + patch_size == max(side, patch_size)
        steps = np.diff(starts)
        assert (steps > 0).all()
        assert (steps <= patch_size - overlap).all()
        # One patch fewer could not cover the side with this overlap.
        assert len(starts) == 1 or (len(starts) - 1) * (patch_size - overlap) + overlap < side


def test_cut_in_slices_gives_the_same_patches():
    picture = np.random.default_rng(0).uniform(size=(30, 25, 3)).astype(np.float32)
    grid = patch_grid(30, 25, 8, 3)
    slices = [cut(picture, grid, start, start + 4) for start in range(0, len(grid), 4)]
    np.testing.assert_array_equal(np.concatenate(slices), cut(picture, grid))


def test_neighboring_windows_sum_to_one_and_seams_are_smooth():
    window = smooth_window(16, 6)
    assert window.min() > 0
    np.testing.assert_allclose(window[8, -6:] + window[8, :6], 1.0, atol=1e-12)
    np.testing.assert_array_equal(smooth_window(5, 0), np.ones((5, 5)))
    # Patches that disagree by one meet in a ramp whose steps are small, not in a step of one.
    grid = patch_grid(16, 26, 16, 6)
    picture = put_together([np.full((16, 16, 1), value, np.float32) for value in (0.0, 1.0)], grid)
    profile = picture[8, :, 0]
    assert (np.diff(profile) >= -1e-7).all()
    assert np.diff(profile).max() < 0.3
    assert (profile[0], profile[-1]) == (0.0, 1.0)


def test_a_small_picture_continues_with_its_reflection():
    picture = np.arange(3, dtype=np.float32).reshape(1, 3, 1)
    patch = cut(picture, patch_grid(1, 3, 6, 0))[0, :, :, 0]
    np.testing.assert_array_equal(patch, np.tile([0.0, 1, 2, 1, 0, 1], (6, 1)))
    full = np.zeros((4, 8, 3))
    assert pad_reflected(full, 4, 8) is full


@pytest.mark.parametrize(
    ("side", "shared"), [(1, 32), (32, 32), (33, 64), (129, 256), (256, 256), (257, 512), (513, 768)]
)
def test_padding_to_shared_sizes(side, shared):
    assert pad_to_shared_size(np.zeros((side, 2, 1))).shape == (shared, 32, 1)


def test_functions_of_pixels_on_pictures_of_many_sizes_compile_for_few():
    traced = []

    def product(one, other):
        traced.append(one.shape)
        return one * other[..., :1]

    random = np.random.default_rng(0)
    for height, width in [(5, 9), (40, 7), (33, 20), (31, 31)]:
        one, other = (random.uniform(size=(height, width, 3)).astype(np.float32) for _ in range(2))
        np.testing.assert_allclose(map_pixels(product, one, other), one * other[..., :1])
    assert traced == [(32, 32, 3), (64, 32, 3)]


@pytest.mark.parametrize(("patch_size", "overlap"), [(0, 0), (8, 8), (8, -1)])
def test_an_impossible_layout_is_one_clear_line(patch_size, overlap):
    with pytest.raises(UserError, match="overlap"):
        patch_grid(20, 20, patch_size, overlap)


def test_wrong_pictures_and_counts_are_refused():
    grid = patch_grid(10, 10, 8, 2)
    with pytest.raises(UserError, match="grid"):
        cut(np.zeros((9, 10, 3)), grid)
    with pytest.raises(ValueError, match="3 patches for a grid of 4"):
        put_together(np.zeros((3, 8, 8, 1)), grid)
    with pytest.raises(IndexError):
        put_together(np.zeros((5, 8, 8, 1)), grid)
    with pytest.raises(UserError, match="at least one pixel"):
        patch_grid(0, 10, 8, 2)
