"""Networks on pictures of any size, against the same networks on the whole picture and formulas in NumPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter

from colorjax.errors import UserError
from colorjax.inference import group_norm_statistics
from colorjax.inference.tiled_network import TiledNetwork, Tiling, restore, sample_corners
from colorjax.inference.tiling import bands, cut, lay_out
from colorjax.models.network import Network
from colorjax.models.normalization import GroupNorm
from colorjax.models.unet import UNet
from colorjax.tasks import Denoise, DenoiseGray

COLOR, GRAY = Denoise("squared_error"), DenoiseGray("squared_error")


class Zero(Network):
    features: int

    @nn.compact
    def __call__(self, inputs, train):
        return jnp.zeros((*inputs.shape[:-1], self.features), inputs.dtype)


class PixelNorm(Network):
    """Sees each pixel alone but for two group normalizations, so that only their statistics can make tiles differ."""

    @nn.compact
    def __call__(self, inputs, train):
        features = nn.relu(GroupNorm(name="one")(nn.Dense(16)(inputs)))
        return nn.Dense(3)(GroupNorm(name="other")(nn.Dense(8)(features)))


class NormAlone(Network):
    @nn.compact
    def __call__(self, inputs, train):
        return GroupNorm()(inputs)


def _variables(model, channels=3):
    """Random ones, the last layer's too, which a new U-Net has at zero."""
    variables = model.init(jax.random.key(0), jnp.zeros((1, 16, 16, channels)), train=False)
    leaves, structure = jax.tree.flatten(variables)
    random = np.random.default_rng(0)
    leaves = [leaf + jnp.asarray(0.1 * random.normal(size=leaf.shape), jnp.float32) for leaf in leaves]
    return jax.tree.unflatten(structure, leaves)


def _picture(height, width, channels=3):
    """Dark and smooth on the left, bright and rough on the right: statistics differ from place to place."""
    slope = np.linspace(0, 1, width)[None, :, None]
    noise = np.random.default_rng(height * 41 + width).uniform(-0.5, 0.5, (height, width, channels))
    return (0.5 * slope + slope * noise).astype(np.float32)


def _same(inputs):
    return inputs


def _outputs(outputs, inputs):
    del inputs
    return outputs


def _tiled(model, variables, picture, **tiling):
    network = TiledNetwork(model, variables, {}, Tiling(**tiling))
    return np.concatenate(list(network.bands(picture, _same, _outputs)))


@functools.partial(jax.jit, static_argnums=0)
def _untiled(model, variables, picture):
    return model.apply(variables, picture[None], train=False)[0]


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([np.uint8, np.uint16]), st.booleans())
@settings(max_examples=15)
def test_tiled_network_without_a_correction_returns_any_picture_bit_for_bit(height, width, dtype, gray):
    task, channels = (GRAY, 1) if gray else (COLOR, 3)
    picture = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)
    done = []
    tiling = Tiling(patch_size=32, overlap=12, batch_size=2)
    restored = restore(Zero(channels), {}, task, picture, tiling, done.append)
    assert restored.dtype == dtype
    np.testing.assert_array_equal(restored, picture)
    assert sum(done) == height * width


def test_gray_pictures_may_have_three_equal_channels():
    picture = np.repeat(np.arange(200, dtype=np.uint8).reshape(10, 20, 1), 3, axis=-1)
    np.testing.assert_array_equal(restore(Zero(1), {}, GRAY, picture, Tiling(patch_size=16, overlap=4)), picture)


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"batch_size": 2}, {"patch_size": 88}])
def test_tiles_without_normalization_give_what_the_whole_picture_gives(options):
    model = UNet(output_channels=3, width=4, depth=1, fold=2, norm="none")
    variables, picture = _variables(model), _picture(100, 148)
    # A pixel sees 17 others on each side, and a quarter of the overlap is cut off.
    tiled = _tiled(model, variables, picture, **({"patch_size": 96, "overlap": 72} | options))
    np.testing.assert_allclose(tiled, _untiled(model, variables, picture), atol=2e-5)


def test_tiled_network_without_normalization_sees_no_sample_of_the_picture(monkeypatch):
    seen = []
    monkeypatch.setattr(group_norm_statistics, "of_sample", lambda *network, **_: seen.append(network))
    model, picture = UNet(3, width=4, depth=1, norm="none"), _picture(70, 90)
    network = TiledNetwork(model, _variables(model), {}, Tiling(patch_size=32, overlap=8))
    assert np.concatenate(list(network.bands(picture, _same, _outputs))).shape == picture.shape
    assert not seen


def test_tiled_network_repeats_an_output_for_each_pixel_of_its_square():
    model = UNet(output_channels=2, width=4, depth=1, fold=2, output_fold=2, norm="none")
    variables, picture = _variables(model), _picture(100, 148)
    tiled = _tiled(model, variables, picture, patch_size=96, overlap=72)
    squares = _untiled(model, variables, picture)
    assert squares.shape == (50, 74, 2)
    np.testing.assert_allclose(tiled[::2, ::2], squares, atol=2e-5)
    np.testing.assert_allclose(tiled[1::2, 1::2], squares, atol=2e-5)


@given(st.integers(1, 20), st.integers(1, 20))
@settings(max_examples=8)
def test_tile_that_is_the_picture_has_its_own_statistics(height, width):
    model = PixelNorm()
    variables, picture = _variables(model), _picture(height, width)
    tiled = _tiled(model, variables, picture, patch_size=32, overlap=8, statistics="shared")
    np.testing.assert_allclose(tiled, _untiled(model, variables, picture), atol=1e-3)


def test_sample_that_covers_the_picture_has_the_statistics_of_the_whole_in_every_layer():
    model = PixelNorm()
    variables, picture = _variables(model), _picture(16, 32)
    sample = np.stack([cut(picture, top, left, 8, 8) for top in (0, 8) for left in (0, 8, 16, 24)])
    shared = group_norm_statistics.of_sample(model, variables, {}, sample, (8, 8))
    assert jax.tree.map(np.shape, shared) == {
        "one": {"mean": (2,), "variance": (2,)},
        "other": {"mean": (1,), "variance": (1,)},
    }
    tile = _untiled(model, {**variables, "statistics": shared}, picture[:8, :8])
    np.testing.assert_allclose(tile, _untiled(model, variables, picture)[:8, :8], atol=1e-4)


def test_shared_statistics_leave_no_seam_and_a_tile_s_own_do():
    model = PixelNorm()
    variables = _variables(model)
    picture = _picture(40, 300)
    picture[20] = 0.25  # one value from left to right
    rows = {
        kind: _tiled(model, variables, picture, patch_size=64, overlap=16, statistics=kind)[20]
        for kind in ("shared", "own")
    }
    np.testing.assert_allclose(rows["shared"], np.broadcast_to(rows["shared"][:1], (300, 3)), atol=1e-5)
    assert np.ptp(rows["own"], axis=0).max() > 0.1


def test_window_gives_the_local_normalization_that_a_uniform_filter_gives():
    window, groups = 7, 2
    features = np.random.default_rng(0).normal(2.0, 3.0, (1, 20, 24, 16)).astype(np.float32)
    model = NormAlone()
    variables = model.init(jax.random.key(0), features, train=False)
    given = group_norm_statistics.of_window(model, variables, {}, (20, 24, 16), (20, 24), window)
    normalized = model.apply({**variables, "statistics": given}, features, train=False)[0]
    grouped = features[0].astype(np.float64).reshape(20, 24, groups, -1)
    mean, square = (uniform_filter(values.mean(-1), (window, window, 0)) for values in (grouped, grouped**2))
    expected = (grouped - mean[..., None]) / np.sqrt(square - mean**2 + 1e-5)[..., None]
    inside = slice(window // 2, -(window // 2))
    np.testing.assert_allclose(
        normalized[inside, inside], expected.reshape(20, 24, 16)[inside, inside], rtol=1e-4, atol=1e-4
    )
    # At an edge the window stays inside: its statistics are those of the first position where it fits.
    corner = grouped[:window, :window]
    first = (grouped[0, 0] - corner.mean((0, 1, 3))[:, None]) / np.sqrt(corner.var((0, 1, 3)) + 1e-5)[:, None]
    np.testing.assert_allclose(normalized[0, 0], first.reshape(16), rtol=1e-4, atol=1e-4)


def test_window_is_as_wide_at_every_level_of_a_network():
    model = UNet(output_channels=3, width=8, depth=1, fold=2)
    given = group_norm_statistics.of_window(model, _variables(model), {}, (64, 48, 3), (64, 48), 16)
    shapes = {}
    for path, weights in jax.tree_util.tree_leaves_with_path(given):
        side = 64 if path[-1].key == "rows" else 48
        shapes.setdefault(len(weights), set()).add((path[-1].key, int((weights[0] > 0).sum())))
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-5)
        assert len(weights) in (side // 2, side // 4)
    assert {side: {positions for _, positions in found} for side, found in shapes.items()} == {
        32: {8},
        24: {8},
        16: {4},
        12: {4},
    }


def test_window_over_the_whole_picture_is_the_pictures_own_statistics():
    model = PixelNorm()
    variables, picture = _variables(model), _picture(24, 32)
    tiled = _tiled(model, variables, picture, patch_size=32, overlap=8, statistics="window", window=99)
    np.testing.assert_allclose(tiled, _untiled(model, variables, picture), atol=1e-4)


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([1, 8]))
def test_samples_lie_in_the_picture_at_multiples_of_the_stride(height, width, stride):
    corners = sample_corners(height, width, 32, stride)
    assert len(corners) & (len(corners) - 1) == 0  # few different counts
    for top, left in corners:
        assert top % stride == left % stride == 0
        assert 0 <= top <= max(0, height - 32)
        assert 0 <= left <= max(0, width - 32)
    if min(height, width) > 300:  # every quarter of a large picture is looked at
        assert len({(2 * (top + 16) // height, 2 * (left + 16) // width) for top, left in corners}) == 4


def test_tiles_begun_are_no_more_than_the_next_band_needs():
    begun = []

    def function(tile):
        begun.append(tile.shape)
        return tile.astype(np.float32)

    picture = np.random.default_rng(0).integers(0, 255, (400, 100, 3), np.uint8)
    rows, columns = lay_out(400, 32, 8, 1), lay_out(100, 32, 8, 1)
    made = []
    for band in bands(picture, rows, columns, function, at_work=2):
        made.append(band)
        assert len(begun) <= len(made) * len(columns.starts) + 3
        assert len(band) <= 32
    assert set(begun) == {(32, 32, 3)}
    np.testing.assert_allclose(np.concatenate(made), picture, rtol=1e-6)


@pytest.mark.parametrize(
    ("picture", "line"),
    [
        (np.zeros((4, 4, 3), np.float32), "uint8 or uint16; this one is float32"),
        (np.zeros((4, 4, 4), np.uint8), r"this one is \[4, 4, 4\]"),
        (np.zeros((4, 4, 1), np.uint8), r"this one is \[4, 4, 1\]"),
        (np.zeros((0, 4, 3), np.uint8), "at least one pixel"),
        (np.zeros((4, 4), np.uint8), r"this one is \[4, 4\]"),
    ],
)
def test_pictures_of_other_kinds_are_one_clear_line(picture, line):
    with pytest.raises(UserError, match=line):
        restore(Zero(3), {}, COLOR, picture, Tiling())
