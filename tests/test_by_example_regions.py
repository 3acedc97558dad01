"""Coloring by example with regions and superpixels: the parts of Irony's and Gupta's methods."""

import numpy as np
import pytest
import scipy.fft
import scipy.sparse
from skimage import data as skimage_data

from colorjax.errors import UserError
from colorjax.methods.by_example import gupta, irony
from colorjax.methods.by_example.gupta import Gupta
from colorjax.methods.by_example.irony import Irony
from colorjax.methods.by_example.micro_scribbles import spread
from colorjax.methods.by_example.regions import found_regions, regions_of
from colorjax.methods.by_example.superpixels import ORIENTATIONS, WAVELENGTHS, described, gabor, superpixels


def camera(size=64):
    return (skimage_data.camera()[150 : 150 + size, 200 : 200 + size] / np.float32(2.55)).astype(np.float32)


def stripes(height, width, seed, vertical):
    """Return lightness of the same histogram in either direction, with another phase for each seed."""
    random = np.random.default_rng(seed)
    place = np.arange(width) if vertical else np.arange(height)[:, None]
    wave = 12 * np.sin(place * (2 * np.pi / 5) + random.uniform(0, 6))
    return (50 + wave + random.normal(0, 2, (height, width))).astype(np.float32)


def test_features_are_the_cosine_transform_of_the_window():
    lightness = camera(20)
    padded = np.pad(lightness.astype(np.float64), 3, mode="reflect")
    found = irony.features(lightness)
    for y, x in [(0, 0), (7, 9), (19, 4)]:
        expected = scipy.fft.dctn(padded[y : y + 7, x : x + 7], norm="ortho")
        np.testing.assert_allclose(found[y, x].reshape(7, 7), expected, atol=1e-9)


def test_the_subspace_drops_what_varies_within_regions_and_keeps_what_differs_between_them():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 300)
    described = random.normal(size=(600, 49))
    described[:, 3] *= 50  # a nuisance
    described[:, 8] += 6 * labels
    subspace = irony.discriminating_subspace(described, labels, 1, 5, random)
    np.testing.assert_allclose(subspace.T @ subspace, np.eye(5), atol=1e-9)
    assert abs(subspace[8, 0]) > 0.95
    assert np.abs(subspace[3]).max() < 0.1
    assert irony.discriminating_subspace(described, labels, 48, 10, random).shape == (49, 10)
    assert irony.discriminating_subspace(described, labels, 48, 60, random).shape == (49, 49)


def test_two_textures_of_one_lightness_are_told_apart():
    regions = np.repeat([[0, 1]], 24, axis=0).repeat(24, axis=1)
    source = np.hstack([stripes(24, 24, 0, False), stripes(24, 24, 1, True)])
    parts = [
        [stripes(24, 24, 2, False), stripes(24, 24, 3, True)],
        [stripes(24, 24, 4, True), stripes(24, 24, 5, False)],
    ]
    lightness = np.block(parts)
    truth = np.kron([[0, 1], [1, 0]], np.ones((24, 24), int))
    interior = np.kron(np.ones((2, 2), bool), np.pad(np.ones((16, 16), bool), 4))
    matches = Irony().matched(lightness, source, regions)[1]
    found = irony.voted(matches.label, np.exp(-matches.distance / 10), 7)[0]
    assert (found == truth)[interior].mean() > 0.95
    # The lightness of the pixel alone says nothing.
    nearest = np.abs(lightness[..., None] - source.ravel()).argmin(axis=-1)
    assert 0.4 < (regions.ravel()[nearest] == truth)[interior].mean() < 0.6
    example = np.stack([source, 30.0 - 60 * regions, np.zeros_like(source)], axis=-1).astype(np.float32)
    ab = Irony().transfer(lightness, example, regions).ab
    np.testing.assert_allclose(ab[interior][:, 0], 30 - 60 * truth[interior], atol=3)


def test_any_numbers_may_name_the_regions():
    lightness, example = camera(40), np.dstack([camera(30), np.full((30, 30), 9.0), camera(30) / 3]).astype(np.float32)
    regions = np.arange(30)[:, None] // 10 * np.ones(30, int)
    first, second = (Irony().transfer(lightness, example, numbers) for numbers in (regions, 7 * regions - 3))
    np.testing.assert_array_equal(first.ab, second.ab)
    with pytest.raises(UserError, match="must be alike"):
        Irony().transfer(lightness, example, regions[:20])


def test_the_vote_is_that_of_the_formula():
    random = np.random.default_rng(0)
    labels, weights = random.integers(0, 3, (8, 9)), random.random((8, 9)) + 1e-30
    found, certainty = irony.voted(labels, weights, 5)
    for y, x in np.ndindex(labels.shape):
        around = (slice(max(y - 2, 0), y + 3), slice(max(x - 2, 0), x + 3))
        shares = np.bincount(labels[around].ravel(), weights[around].ravel(), minlength=3) / weights[around].sum()
        assert found[y, x] == shares.argmax()
        assert certainty[y, x] == pytest.approx(shares.max())


def test_one_region_is_certain_however_small_the_weights():
    weights = np.full((9, 9), irony.SMALLEST_WEIGHT)
    weights[4, 4] = 1
    labels, certainty = irony.voted(np.full((9, 9), 6), weights, 3)
    np.testing.assert_array_equal(labels, 6)
    np.testing.assert_array_equal(certainty, 1)


def test_blended_colors_are_those_of_the_formula():
    random = np.random.default_rng(1)
    colors, regions = random.normal(size=(6, 7, 2)), random.integers(0, 2, (6, 7))
    sources = np.stack([random.integers(0, 6, (5, 4)), random.integers(0, 7, (5, 4))], axis=-1)
    labels, weights = regions[sources[..., 0], sources[..., 1]], random.random((5, 4))
    final = irony.voted(labels, weights, 3)[0]
    found = irony.blended(colors, regions, sources, labels, final, weights, 3)
    for y, x in np.ndindex(labels.shape):
        total, mean = 0.0, np.zeros(2)
        for v, u in np.ndindex(labels.shape):
            if max(abs(v - y), abs(u - x)) > 1 or labels[v, u] != final[y, x]:
                continue
            row, column = sources[v, u]
            moved = (row + y - v, column + x - u)
            inside = 0 <= moved[0] < 6 and 0 <= moved[1] < 7
            place = moved if inside and regions[moved] == labels[v, u] else (row, column)
            total += weights[v, u]
            mean += weights[v, u] * colors[place]
        np.testing.assert_allclose(found[y, x], mean / total, atol=1e-5)


def test_regions_are_found_where_colors_differ():
    example = np.zeros((20, 30, 3), np.float32)
    example[:, :12], example[:, 12:] = [50, 60, 0], [50, -60, 0]
    regions = found_regions(example, 2, seed=0)
    assert len(np.unique(regions[:, :12])) == len(np.unique(regions[:, 12:])) == 1
    assert regions[0, 0] != regions[0, -1]
    assert found_regions(example[:1, :1], 5, seed=0).max() == 0
    np.testing.assert_array_equal(regions_of(example, regions * 5 - 1, 9, 0), regions)


def test_micro_scribbles_stay_and_bound_the_rest():
    lightness, random = camera(40), np.random.default_rng(0)
    ab = random.normal(size=(40, 40, 2)).astype(np.float32)
    np.testing.assert_array_equal(spread(lightness, ab, np.ones((40, 40), bool)), ab)
    np.testing.assert_array_equal(spread(lightness, ab, np.zeros((40, 40), bool)), ab)
    marked = random.random((40, 40)) < 0.2
    result = spread(lightness, ab, marked)
    np.testing.assert_array_equal(result[marked], ab[marked])
    assert (result >= ab[marked].min(0)).all()
    assert (result <= ab[marked].max(0)).all()


def test_superpixels_know_their_pixels_and_their_neighbors():
    lightness = camera(40)
    parts = superpixels(lightness, 60)
    count = parts.labels.max() + 1
    assert 12 <= count <= 50
    means = parts.means @ lightness.ravel()
    touching = np.zeros((count, count))
    for y, x in np.ndindex(lightness.shape):
        for v, u in ((y + 1, x), (y, x + 1)):
            if v < 40 and u < 40 and parts.labels[y, x] != parts.labels[v, u]:
                pair = parts.labels[y, x], parts.labels[v, u]
                touching[pair] = touching[pair[::-1]] = 1
    np.testing.assert_array_equal(parts.touching.toarray(), touching)
    for number in range(count):
        assert means[number] == pytest.approx(lightness[parts.labels == number].mean(), rel=1e-4)
    centers = gupta.centers(parts, 2.5)
    assert set(parts.labels[centers]) == set(range(count))
    assert [block.shape for block in described(lightness, parts)] == [(count, size) for size in (40, 104, 2, 2)]


def test_a_wave_answers_to_its_own_filter():
    y, x = np.mgrid[:60, :60]
    for scale, turn in [(0, 0), (2, 3), (3, 6)]:
        angle = turn * np.pi / ORIENTATIONS
        wave = np.cos(2 * np.pi / WAVELENGTHS[scale] * (x * np.cos(angle) + y * np.sin(angle)))
        response = gabor(wave.astype(np.float32))[20:40, 20:40].mean((0, 1))
        assert response.argmax() == scale * ORIENTATIONS + turn


def test_the_unit_of_a_block_of_features_does_not_matter():
    random = np.random.default_rng(0)
    wanted, source = ([random.normal(size=(n, d)) for d in (4, 9)] for n in (20, 30))
    first = gupta.normalized(wanted, source)
    again = gupta.normalized([1000 * wanted[0], wanted[1]], [1000 * source[0], source[1]])
    for one, other in zip(first, again, strict=True):
        np.testing.assert_allclose(one[0], other[0])
        assert np.sqrt(np.mean(np.square(one[0]).sum(axis=1))) == pytest.approx(1, abs=0.4)
    constant = gupta.normalized([np.full((3, 2), 7.0)], [np.full((4, 2), 5.0)])
    assert not np.any(constant[0][0])


def test_a_cascade_that_keeps_everything_is_an_exhaustive_search(monkeypatch):
    random = np.random.default_rng(0)
    wanted, source = ([random.normal(size=(n, d)) for d in (4, 9, 2)] for n in (25, 31))
    weights = (0.2, 0.5, 0.3)
    monkeypatch.setattr(gupta, "CHUNK", 10)
    found, cost = gupta.cascaded(wanted, source, weights, 1.0)
    pairs = zip(weights, wanted, source, strict=True)
    costs = sum(w * np.linalg.norm(a[:, None] - b[None], axis=-1) for w, a, b in pairs)
    np.testing.assert_array_equal(found, costs.argmin(axis=1))
    np.testing.assert_allclose(cost, costs.min(axis=1))
    assert (gupta.cascaded(wanted, source, weights, 0.5)[1] >= cost - 1e-12).all()
    greedy = np.linalg.norm(wanted[0][:, None] - source[0][None], axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(gupta.cascaded(wanted, source, weights, 1e-6)[0], greedy)


def test_superpixels_match_themselves_in_their_own_picture():
    lightness = camera(80)
    parts = superpixels(lightness, 60)
    blocks = described(lightness, parts)
    found, cost = gupta.cascaded(*gupta.normalized(blocks, blocks), gupta.WEIGHTS, 0.5)
    assert (found == np.arange(len(found))).mean() > 0.9
    assert cost.max() < 1e-6
    example = np.dstack([lightness, camera(80) / 4, 9 - lightness / 9])
    transfer = Gupta().transfer(lightness, example)
    assert np.abs(transfer.ab - example[..., 1:]).mean() < 3
    assert transfer.confidence.min() > 0.999


def test_the_vote_replaces_minorities_and_leaves_agreement_alone():
    side = 5
    number = np.arange(side * side).reshape(side, side)
    first = np.concatenate([number[:-1].ravel(), number[:, :-1].ravel()])
    second = np.concatenate([number[1:].ravel(), number[:, 1:].ravel()])
    both = (np.concatenate([first, second]), np.concatenate([second, first]))
    touching = scipy.sparse.csr_array((np.ones(len(both[0])), both), shape=(number.size,) * 2)
    uniform = np.full((number.size, 2), 8.5)
    np.testing.assert_array_equal(gupta.voted(uniform, touching), uniform)
    odd = uniform.copy()
    odd[12] = [-40, 30]
    np.testing.assert_allclose(gupta.voted(odd, touching), uniform)
    halves = np.where(number.ravel()[:, None] % side < 3, [10.0, 0.0], [-10.0, 5.0])
    np.testing.assert_array_equal(gupta.voted(halves, touching), halves)
    alone = scipy.sparse.csr_array((1, 1))
    np.testing.assert_array_equal(gupta.voted(np.ones((1, 2)), alone), np.ones((1, 2)))


def test_no_superpixel_chosen_leaves_the_matched_colors():
    lightness = camera(40)
    example = np.dstack([lightness, lightness / 4, lightness / 9])
    ab = Gupta(scribbled=0.0).transfer(lightness, example).ab
    labels = superpixels(lightness, 100).labels
    assert all(len(np.unique(ab[labels == number], axis=0)) == 1 for number in range(labels.max() + 1))
