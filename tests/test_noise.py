"""Each noise against its formula, scikit-image or SciPy; properties that all of them share."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import skimage.util
from hypothesis import given
from hypothesis import strategies as st

from colorjax.errors import UserError
from colorjax.noise import MAX_LENGTH, NOISES, add_noise, check_noise
from colorjax.noise.camera_shake import REACH, line_kernel, shake_camera

# A level in the middle of what is usual, for the tests that go over all kinds.
USUAL = {
    "none": 0.0,
    "gaussian": 0.1,
    "poisson": 0.1,
    "speckle": 0.1,
    "salt_and_pepper": 0.2,
    "clipped_whites": 0.3,
    "clipped_blacks": 0.3,
    "camera_shake": 7.0,
    "mixture": 0.1,
    "clipped_gaussian": 0.1,
    "camera": 0.1,
    "film_grain": 0.1,
    "jpeg": 0.4,
    "photograph": 0.5,
}

# Of two compilations one may round a number at the middle of two levels, or of two multiples in a JPEG, the other way.
ROUNDED = ("clipped_gaussian", "jpeg", "photograph")


SIZE = 64  # one for all, so that each noise is compiled once


def photograph(batch=()):
    """Pictures with values over the whole of [0, 1]."""
    return jnp.asarray(np.random.default_rng(0).random((*batch, SIZE, SIZE, 3), dtype=np.float32))


def flat(value):
    return jnp.full((SIZE, SIZE, 3), value, jnp.float32)


jitted_add_noise = jax.jit(add_noise, static_argnums=(2, 3))


@functools.cache
def compiled(kind):
    """The noise with a traced level, compiled once for all tests."""
    return jax.jit(NOISES[kind].function)


@functools.cache
def three_noisy(kind):
    """Keys, pictures and the noisy pictures of one jitted batch with drawn levels."""
    keys, pictures = jax.random.split(jax.random.key(1), 3), photograph((3,))
    level = (USUAL[kind] / 2, USUAL[kind])
    noisy, with_other_keys = (jitted_add_noise(k, pictures, kind, level) for k in (keys, keys[::-1]))
    return keys, pictures, level, noisy, with_other_keys


@pytest.mark.parametrize("kind", NOISES)
class TestEveryKind:
    @pytest.mark.parametrize("shape", [(5, 6, 3), (1, 1, 3), (5, 6, 1), (2, 3, 5, 6, 3)])
    def test_any_shape(self, key, kind, shape):
        noisy = jax.eval_shape(NOISES[kind].function, key, jnp.zeros(shape, jnp.float32), 0.5)
        assert (noisy.shape, noisy.dtype) == (shape, jnp.float32)

    def test_level_zero_is_the_identity(self, key, kind):
        # Camera shake goes through an FFT, which rounds.
        tolerance = 1e-6 if kind == "camera_shake" else 0
        np.testing.assert_allclose(compiled(kind)(key, photograph(), 0.0), photograph(), atol=tolerance)

    def test_an_example_depends_on_its_key_and_on_nothing_else(self, kind):
        keys, pictures, level, noisy, with_other_keys = three_noisy(kind)
        alone = jitted_add_noise(keys[2], pictures[2], kind, level)
        assert noisy.shape == pictures.shape
        # Reversed, the middle one is the same.
        for one, same in ((noisy[2], alone), (noisy[1], with_other_keys[1])):
            differ = np.abs(np.asarray(one - same)) > 1e-6
            assert differ.mean() <= (0.01 if kind in ROUNDED else 0)
            np.testing.assert_allclose(one, same, atol=0.1)

    def test_other_keys_give_other_noise(self, kind):
        *_, noisy, with_other_keys = three_noisy(kind)
        assert (noisy[0] != with_other_keys[0]).any() == (kind != "none")  # JPEG's differ in their levels

    def test_gradients_are_finite_and_not_zero(self, key, kind):
        picture = photograph().at[0, 0].set(0).at[0, 1].set(1)
        gradient = jax.jit(jax.grad(lambda x: NOISES[kind].function(key, x, USUAL[kind]).sum()))(picture)
        assert jnp.isfinite(gradient).all()
        assert jnp.abs(gradient).max() > 0.5

    def test_a_larger_level_spoils_more(self, key, kind):
        levels = [USUAL[kind] * factor for factor in (0.1, 1.0, 2.0)]
        small, usual, large = (jnp.var(compiled(kind)(key, photograph(), x) - photograph()) for x in levels)
        assert small < usual < large or kind == "none"

    @pytest.mark.parametrize(
        "level", [(-0.1, 0.1), (0.2, 0.1), (0.0, float("nan")), (0.0, float("inf")), 0.1, "ab", None, (0.1,)]
    )
    def test_bad_levels(self, kind, level):
        with pytest.raises(UserError, match=r"^config\.task\.noise\.level = "):
            check_noise(kind, level)


def statistics(noise):
    """Mean and standard deviation, each with a bound on its own sampling error (5 sigma of a normal)."""
    noise = np.asarray(noise, np.float64).ravel()
    return noise.mean(), noise.std(), 5 * noise.std() / noise.size**0.5


@pytest.mark.parametrize(
    ("kind", "level", "mode", "arguments"),
    [
        ("gaussian", 25 / 255, "gaussian", {"var": (25 / 255) ** 2}),
        ("speckle", 0.2, "speckle", {"var": 0.2**2}),
        ("poisson", 1 / 16, "poisson", {}),
    ],
)
@pytest.mark.parametrize("value", [0.1, 0.6])
def test_statistics_are_those_of_scikit_image(key, kind, level, mode, arguments, value):
    ours = compiled(kind)(key, flat(value), level) - value
    peer = np.full((SIZE, SIZE, 3), value)
    if mode == "poisson":  # scikit-image takes as peak the next power of 2 above the number of values
        peer.ravel()[:200] = np.linspace(0, 1, 200)
    peer = skimage.util.random_noise(peer, mode, rng=0, clip=False, **arguments)[2:] - value
    mean, deviation, error = statistics(ours)
    peer_mean, peer_deviation, peer_error = statistics(peer)
    assert abs(mean) < error
    assert abs(mean - peer_mean) < error + peer_error
    assert abs(deviation - peer_deviation) < error + peer_error
    expected = {"gaussian": level, "speckle": value * level, "poisson": value**0.5 * level}[kind]
    assert abs(deviation - expected) < error


def test_gaussian_noise_is_not_clipped_and_independent_in_each_value(key):
    noise = np.asarray(compiled("gaussian")(key, flat(1.0), 0.1) - 1)
    assert (noise > 0).mean() == pytest.approx(0.5, abs=0.025)
    channels = np.corrcoef(noise.reshape(-1, 3).T) - np.eye(3)
    neighbors = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
    assert abs(channels).max() < 0.08
    assert abs(neighbors) < 0.05


@pytest.mark.parametrize("level", [0.02, 0.5])
def test_poisson_counts_whole_photons(key, level):
    photons = np.asarray(compiled("poisson")(key, photograph().at[0].set(0), level)) / level**2
    np.testing.assert_allclose(photons, np.round(photons), atol=2e-3)
    assert (photons[0] == 0).all()


def test_poisson_has_the_level_asked_for_however_small(key):
    for level in (1 / 200, 1e-3, 1e-5):
        mean, deviation, error = statistics(compiled("poisson")(key, flat(0.5), level) - 0.5)
        assert abs(mean) < error
        assert abs(deviation - level * 0.5**0.5) < error


@pytest.mark.parametrize("level", [0.05, 1.0])
def test_salt_and_pepper_replaces_a_share_of_whole_pixels(key, level):
    picture = flat(0.5)
    noisy = np.asarray(compiled("salt_and_pepper")(key, picture, level))
    assert set(np.unique(noisy)) <= {0.0, 0.5, 1.0}
    assert (noisy == noisy[..., :1]).all()
    bound = 5 * (level / 2 * (1 - level / 2) / SIZE**2) ** 0.5
    for value in (0, 1):
        assert (noisy[..., 0] == value).mean() == pytest.approx(level / 2, abs=bound)
    peer = skimage.util.random_noise(np.full((SIZE, SIZE), 0.5), "s&p", amount=level, rng=0)
    assert (noisy[..., 0] != 0.5).mean() == pytest.approx((peer != 0.5).mean(), abs=2 * bound + 1e-12)


@given(st.floats(0, 0.9375, width=32), st.floats(0, 1, width=32))
def test_clipping_is_a_linear_map_that_ends_at_its_end_point(level, value):
    key, picture = jax.random.key(0), np.full((1, 1, 3), value, np.float32)
    whites = np.interp(value, [0, 1 - level], [0, 1])
    blacks = np.interp(value, [level, 1], [0, 1])
    np.testing.assert_allclose(NOISES["clipped_whites"].function(key, picture, level), whites, atol=1e-5)
    np.testing.assert_allclose(NOISES["clipped_blacks"].function(key, picture, level), blacks, atol=1e-5)


def test_clipping_loses_the_stated_share_of_the_range(key):
    ramp = jnp.linspace(0, 1, 1001, dtype=jnp.float32)[None, :, None]
    assert (NOISES["clipped_whites"].function(key, ramp, 0.25) == 1).mean() == pytest.approx(0.25, abs=2e-3)
    assert (NOISES["clipped_blacks"].function(key, ramp, 0.25) == 0).mean() == pytest.approx(0.25, abs=2e-3)


@given(st.floats(0, MAX_LENGTH, width=32), st.floats(0, 3.140625, width=32))
def test_line_kernel_is_a_mean_along_a_centered_line(length, angle):
    kernel = np.asarray(line_kernel(length, angle), np.float64)
    y, x = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1]
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-6)
    # Its second moments: length^2 / 12 of a uniform line, and what the bilinear spread adds: f (1 - f) an axis,
    # between 0 and 1/4.
    for moment, part in (((kernel * y**2).sum(), np.sin(angle)), ((kernel * x**2).sum(), np.cos(angle))):
        assert -0.1 < moment - (length * part) ** 2 / 12 < 0.26


@pytest.mark.parametrize("shape", [(9, 14), (40, 33), (2, 1)])
def test_camera_shake_is_the_mean_of_shifted_pictures(key, shape):
    """SciPy shifts the picture to 400 places along the line and takes the mean: what the open shutter sees."""
    length = 9.5
    picture = np.random.default_rng(0).random((*shape, 3), dtype=np.float32)
    angle = float(jax.random.uniform(key, (), jnp.float32, 0, jnp.pi))
    places = (np.arange(400) + 0.5) / 400 * length - length / 2
    expected = np.mean(
        [
            scipy.ndimage.shift(picture, (place * np.sin(angle), place * np.cos(angle), 0), order=1, mode="reflect")
            for place in places
        ],
        axis=0,
    )
    np.testing.assert_allclose(shake_camera(key, picture, length), expected, atol=0.01)


def test_camera_shake_directions_are_uniform(key):
    """Of a point of light, the share of motions that are nearer to horizontal than to vertical is a half."""
    point = jnp.zeros((400, 15, 15, 1)).at[:, 7, 7].set(1)
    streaks = np.asarray(jitted_add_noise(jax.random.split(key, 400), point, "camera_shake", (9.0, 9.0)))[..., 0]
    y, x = np.mgrid[-7:8, -7:8]
    along_x, along_y = (streaks * x**2).sum((1, 2)), (streaks * y**2).sum((1, 2))
    rising = (streaks * x * y).sum((1, 2)) > 0
    for share in ((along_x > along_y).mean(), rising.mean()):
        assert share == pytest.approx(0.5, abs=5 * 0.5 / 400**0.5)


def test_levels_are_drawn_uniformly_between_low_and_high(key):
    pictures = jnp.ones((2000, 1, 1, 1), jnp.float32) * 0.5
    keys = jax.random.split(key, 2000)
    # Clipped blacks tell the level: 0.5 becomes (0.5 - level) / (1 - level).
    value = np.asarray(jitted_add_noise(keys, pictures, "clipped_blacks", (0.1, 0.4)), np.float64).ravel()
    levels = (value - 0.5) / (value - 1)
    assert levels.min() >= 0.1 - 1e-6
    assert levels.max() <= 0.4 + 1e-6
    assert np.histogram(levels, 3, (0.1 - 1e-6, 0.4 + 1e-6))[0].min() > 2000 / 3 - 5 * 22
    fixed = jitted_add_noise(keys[0], pictures[0], "clipped_blacks", (0.1, 0.1))
    np.testing.assert_allclose(fixed, 0.4 / 0.9, atol=1e-6)


def test_noise_level_does_not_depend_on_the_noise_drawn_with_it(key):
    """A strong level must not come with a certain pattern, which a network could learn."""
    keys = jax.random.split(key, 2000)
    value = jitted_add_noise(keys, jnp.zeros((2000, 1, 1, 1)), "gaussian", (0.1, 0.5)).ravel()
    # With one key for both, their correlation would be 0.98 and this mean 0.11 (threefry's first bits are shared).
    assert float(value.mean()) == pytest.approx(0, abs=5 * float(value.std()) / 2000**0.5)
    assert float(value.std()) == pytest.approx((0.3**2 + 0.4**2 / 12) ** 0.5, rel=0.1)


def test_errors_name_the_key_and_what_is_near():
    with pytest.raises(UserError, match=r"^config\.task\.noise\.kind: .*'gausian'.* did you mean 'gaussian'\?$"):
        check_noise("gausian", (0.0, 0.1))
    with pytest.raises(UserError, match=r"^config\.task\.noise\.level = \(0\.3, 0\.1\): low is above high"):
        check_noise("gaussian", (0.3, 0.1))
    with pytest.raises(
        UserError, match=r"^config\.task\.noise\.level = \(0\.0, 40\): .* pixels\) is between 0 and 31$"
    ):
        check_noise("camera_shake", (0.0, 40))
    with pytest.raises(UserError, match=r"^config\.protocol\.noise\.level"):
        check_noise("salt_and_pepper", (0.5, 1.5), where="config.protocol.noise")


@pytest.mark.parametrize("kind", ["gaussian", "poisson", "speckle", "mixture", "clipped_gaussian", "camera"])
def test_levels_with_white_at_255_are_asked_about(kind):
    with pytest.raises(
        UserError, match=r"^config\.task\.noise\.level = \(25, 25\): .* did you mean 0\.098 \(25/255\)\?$"
    ):
        check_noise(kind, (25, 25))
    with pytest.raises(UserError, match=r"did you mean \(0, 0\.216\) \(\(0, 55\) / 255\)\?$"):
        check_noise(kind, (0, 55))
    assert check_noise(kind, (0, 1)) == (kind, (0.0, 1.0))


def test_levels_in_pixels_may_be_above_1():
    assert check_noise("camera_shake", (3, 25)) == ("camera_shake", (3.0, 25.0))


def test_noise_checked_is_plain_and_hashable():
    assert check_noise("gaussian", [0, 1]) == ("gaussian", (0.0, 1.0))
    assert check_noise("none", (0.1, 0.2)) == ("none", (0.0, 0.0))
    assert set(USUAL) == set(NOISES)
    hash(check_noise("poisson", [0.1, 0.1]))


def test_mixture_draws_each_kind_as_often_as_it_says():
    level, count, side = 0.2, 400, 24
    white = jnp.full((count, side, side, 1), 1.0, jnp.float32)
    noisy = np.asarray(jitted_add_noise(jax.random.split(jax.random.key(4), count), white, "mixture", (level, level)))
    black = jnp.zeros_like(white)
    on_black = np.asarray(
        jitted_add_noise(jax.random.split(jax.random.key(4), count), black, "mixture", (level, level))
    )
    # On white salt and pepper alone leaves most pixels as they are; on black only Gaussian noise and salt are seen.
    salted = (noisy == 1).mean(axis=(1, 2, 3)) > 0.5
    on_black_spoiled = (on_black != 0).mean(axis=(1, 2, 3)) > 0.5
    deviation = np.sqrt(count * 0.1 * 0.9)
    assert abs(salted.sum() - 0.1 * count) < 4 * deviation
    assert abs(on_black_spoiled.sum() - 0.7 * count) < 4 * deviation * 1.6
    # On white every other kind has the level as its deviation.
    np.testing.assert_allclose((noisy - 1)[~salted].std(), level, rtol=0.02)
