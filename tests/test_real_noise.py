"""The noises of photographs as people have them: against Pillow, against the formulas that they state, and together."""

import functools
import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from skimage import data

from colorjax.color.spaces import GRAY_FROM_RGB, srgb_to_linear
from colorjax.noise import NOISES, add_noise
from colorjax.noise.camera import CAMERAS_FROM_RGB, camera_noise, demosaic, sensor_noise
from colorjax.noise.eight_bits import to_8_bits
from colorjax.noise.film_grain import SIZES, correlate_channels, film_grain, grains
from colorjax.noise.gaussian import gaussian_noise
from colorjax.noise.jpeg import LUMA_TABLE, compress, jpeg, table_of_quality
from colorjax.noise.photograph import (
    CLEAN_SHARE,
    GAUSSIAN,
    PLAIN_SHARE,
    STEPS,
    _one_chain,
    _smaller,
    photograph_noise,
    shrink_and_enlarge,
)

pytestmark = pytest.mark.slow  # the chain of all noises compiles for long

SIDE = 96
REAL = ("clipped_gaussian", "camera", "film_grain", "jpeg", "photograph")


def flat(value, side=SIDE, channels=3):
    return jnp.full((side, side, channels), value, jnp.float32)


def photo(height=SIDE, width=SIDE, row=60, column=160):
    return jnp.asarray(data.astronaut()[row : row + height, column : column + width] / np.float32(255))


@functools.cache
def compiled(kind):
    return jax.jit(NOISES[kind].function)


@pytest.mark.parametrize("kind", REAL)
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 1), (17, 2, 3)])
def test_pictures_of_any_size_and_a_batch_with_one_key(key, kind, shape):
    noisy = compiled(kind)(key, jnp.full(shape, 0.4, jnp.float32), 0.5)
    assert noisy.shape == shape
    assert np.isfinite(noisy).all()
    batch = jax.eval_shape(NOISES[kind].function, key, jnp.zeros((2, *shape), jnp.float32), 0.5)
    assert batch.shape == (2, *shape)


@pytest.mark.parametrize("kind", ["clipped_gaussian", "jpeg", "photograph"])
def test_files_have_8_bits(key, kind):
    noisy = np.asarray(compiled(kind)(key, photo(), 0.3)) * 255
    np.testing.assert_allclose(noisy, np.rint(noisy), atol=1e-4)
    assert (noisy.min(), noisy.max()) >= (0, 0)
    assert noisy.max() <= 255


# Clipped Gaussian noise


def test_clipped_gaussian_noise_is_gaussian_noise_clipped_and_rounded(key):
    expected = np.rint(np.clip(gaussian_noise(key, photo(), 0.2), 0, 1) * 255)
    np.testing.assert_allclose(compiled("clipped_gaussian")(key, photo(), 0.2) * 255, expected, atol=1e-4)


def test_eight_bits_have_the_gradient_of_the_identity():
    gradient = jax.grad(lambda x: (to_8_bits(x) * 3).sum())(jnp.array([-0.5, 0.3001, 1.5]))
    np.testing.assert_array_equal(gradient, [3, 3, 3])


# JPEG


def by_pillow(picture, quality):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(file)).astype(int)


@pytest.mark.parametrize("quality", [90, 50, 20])
@pytest.mark.parametrize("size", [(96, 96), (37, 50), (33, 19)])
def test_jpeg_is_pillows(key, quality, size):
    picture = np.asarray(photo(*size))
    expected = by_pillow(np.rint(picture * 255).astype(np.uint8), quality)
    ours = np.rint(np.asarray(compiled("jpeg")(key, picture, 1 - quality / 100)) * 255)
    difference = np.abs(ours - expected)
    # The others are in blocks where libjpeg's whole numbers quantize one frequency the other way.
    assert (difference <= 1).mean() > 0.95
    assert difference.mean() < 0.25
    assert difference.max() <= 16


def test_jpeg_of_a_gray_picture_is_pillows(key):
    picture = np.asarray(photo()[..., 1:2])
    expected = by_pillow(np.rint(picture[..., 0] * 255).astype(np.uint8), 50)
    ours = np.rint(np.asarray(jpeg(key, picture, 0.5)) * 255)[..., 0]
    assert (np.abs(ours - expected) <= 1).mean() > 0.97


@pytest.mark.parametrize("quality", [1, 2, 37, 50, 51, 99, 100])
def test_jpeg_has_pillows_quantization_table_at_every_quality(quality):
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "JPEG", quality=quality)
    np.testing.assert_array_equal(table_of_quality(LUMA_TABLE, jnp.float32(quality)), Image.open(file).quantization[0])


def test_jpeg_of_flat_color_is_within_a_level():
    color = np.broadcast_to(np.float32([200, 30, 90]) / 255, (9, 20, 3))
    np.testing.assert_allclose(compress(color, 95.0), color, atol=2.01 / 255)


# The camera


def test_sensor_noise_has_the_variance_of_its_line(key):
    """Poisson-Gaussian: variance = shot * raw + read, fitted over flat fields, in linear light before demosaicing."""
    shot, read = 0.01, 0.0004
    raw = np.linspace(0, 1, 9, dtype=np.float32)
    noise = np.asarray(sensor_noise(key, jnp.asarray(np.repeat(raw[:, None], 60_000, axis=1)), shot, read))
    slope, offset = np.polyfit(raw, noise.var(axis=1), 1)
    assert slope == pytest.approx(shot, rel=0.03)
    assert offset == pytest.approx(read, rel=0.1)
    assert (np.abs(noise.mean(axis=1)) < 5 * noise.std(axis=1) / 60_000**0.5).all()


def test_camera_with_one_channel_has_the_level_that_it_says(key):
    """At white half is cut off, so it is measured at middle gray; the read noise adds some percent."""
    level, value = 0.02, 0.5
    noisy = compiled("camera")(key, flat(value, channels=1), level)
    linear = srgb_to_linear(jnp.repeat(noisy, 3, axis=-1))[..., 0]
    expected = float(srgb_to_linear(flat(value, 1))[0, 0, 0])
    assert float(linear.mean()) == pytest.approx(expected, abs=5 * level * expected**0.5 / SIDE)
    assert float(linear.std()) == pytest.approx(level * expected**0.5, rel=0.1)


def test_camera_keeps_the_mean_and_correlates_neighbors_and_grows_with_the_signal(key):
    keys = jax.random.split(key, 8)
    spread = {}
    for value in (0.3, 0.7):
        noisy = jax.jit(jax.vmap(lambda k, value=value: camera_noise(k, flat(value), 0.05)))(keys)
        linear = np.asarray(srgb_to_linear(noisy), np.float64)
        noise = linear - linear.mean(axis=(1, 2), keepdims=True)
        expected = float(srgb_to_linear(flat(value, 1))[0, 0, 0])
        np.testing.assert_allclose(linear.mean(axis=(1, 2)), expected, rtol=0.05)
        for axis in (1, 2):
            ahead, behind = np.moveaxis(noise, axis, 0)[1:].ravel(), np.moveaxis(noise, axis, 0)[:-1].ravel()
            assert np.corrcoef(ahead, behind)[0, 1] > 0.2
        spread[value] = noise.std()
    assert spread[0.7] > 1.3 * spread[0.3]


def test_camera_is_cut_off_at_black_and_white(key):
    black, white = (np.asarray(compiled("camera")(key, flat(value), 0.1)) for value in (0, 1))
    assert black.min() == 0 < black.max()
    assert white.max() == 1 > white.min()


def test_demosaicing_a_flat_mosaic_gives_it_back():
    row, column = np.mgrid[:9, :12]
    red, blue = (row % 2 == 0) & (column % 2 == 0), (row % 2 == 1) & (column % 2 == 1)
    planes = [0.2 * red, 0.5 * ~(red | blue), 0.9 * blue]
    full = demosaic(*(jnp.asarray(plane, jnp.float32) for plane in planes))
    for plane, value in zip(full, (0.2, 0.5, 0.9), strict=True):
        assert plane.shape == (7, 10)
        np.testing.assert_allclose(plane, value, atol=1e-6)


def test_cameras_keep_white():
    np.testing.assert_allclose(CAMERAS_FROM_RGB.sum(axis=-1), 1, atol=1e-12)


# Film grain


@pytest.mark.parametrize("size", SIZES)
def test_grains_have_variance_one_and_a_spectrum_that_falls(key, size):
    field = np.asarray(grains(key, (256, 256, 3), size), np.float64)
    assert field.std() == pytest.approx(1, abs=0.05)
    power = (np.abs(np.fft.fft2(field, axes=(0, 1))) ** 2).mean(axis=-1)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(256)))
    rings = [power[(low <= frequency) & (frequency < low + 0.1)].mean() for low in (0.0, 0.1, 0.2, 0.3, 0.4)]
    assert rings == sorted(rings, reverse=True)
    if size > 1:  # a Gaussian blur's; the smaller grains are less than a pixel
        expected = np.exp(-4 * np.pi**2 * 0.1**2 * size**2)
        near = power[np.abs(frequency - 0.1) < 0.01].mean() / power[frequency < 0.03].mean()
        assert near == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("correlation", [0.0, 0.4, 1.0])
def test_channels_have_the_correlation_asked_for(key, correlation):
    noise = np.asarray(correlate_channels(jax.random.normal(key, (100, 200, 3)), correlation)).reshape(-1, 3)
    expected = correlation + (1 - correlation) * np.eye(3)
    np.testing.assert_allclose(np.cov(noise.T), expected, atol=0.04)


def test_film_grain_is_as_strong_as_the_luminance_says(key):
    level = 0.1
    for color in ((0.5, 0.5, 0.5), (0.9, 0.9, 0.9), (0.1, 0.6, 0.3)):
        luminance = np.dot(color, GRAY_FROM_RGB)
        picture = jnp.broadcast_to(jnp.float32(color), (SIDE, SIDE, 3))
        grain = np.asarray(compiled("film_grain")(key, picture, level) - picture)
        assert grain.std() == pytest.approx(level * 2 * (luminance * (1 - luminance)) ** 0.5, rel=0.1)
    for extreme in (0.0, 1.0):
        np.testing.assert_allclose(film_grain(key, flat(extreme, 8), level), extreme, atol=1e-3)


# All of them in a chain


@pytest.mark.parametrize("scale", [1.0, 0.8, 0.5])
def test_shrinking_and_enlarging_keeps_flat_and_smooth_pictures(scale):
    np.testing.assert_allclose(shrink_and_enlarge(flat(0.3, 13), scale), 0.3, atol=1e-6)
    ramp = jnp.broadcast_to(jnp.linspace(0, 1, 40)[None, :, None], (5, 40, 3))
    np.testing.assert_allclose(shrink_and_enlarge(ramp, scale)[:, 4:-4], ramp[:, 4:-4], atol=2e-3)
    if scale == 1:
        np.testing.assert_allclose(shrink_and_enlarge(photo(), scale), photo(), atol=1e-6)
    else:
        checks = jnp.asarray(np.indices((20, 20, 3)).sum(axis=0) % 2, jnp.float32)
        assert float(shrink_and_enlarge(checks, scale)[4:-4, 4:-4].std()) < 0.25


def test_photographs_differ_in_what_happened_to_them(key):
    """The order and the presence of the steps are drawn for each image: noise before or after the JPEG, or none."""
    keys = jax.random.split(key, 24)
    same = jnp.broadcast_to(flat(0.5, 32), (24, 32, 32, 3))
    noisy = np.asarray(jax.jit(add_noise, static_argnums=(2, 3))(keys, same, "photograph", (1.0, 1.0)))
    spread = noisy.std(axis=(1, 2, 3))
    assert len(np.unique(spread.round(5))) > 12
    assert spread.min() < 0.01
    assert spread.max() > 0.04
    assert spread.max() < 0.4


def test_photograph_steps_leave_the_picture_at_strength_zero(key):
    for step in STEPS:
        np.testing.assert_allclose(step(key, photo(16, 16), jnp.float32(0), photo(16, 16)), photo(16, 16), atol=1e-6)


def test_a_smaller_copy_makes_noise_coarser_and_keeps_the_picture(key):
    np.testing.assert_allclose(_smaller(key, photo(32, 32), jnp.float32(1), photo(32, 32)), photo(32, 32), atol=1e-6)
    noise = 0.1 * jax.random.normal(key, (64, 64, 3))
    coarser = np.asarray(_smaller(key, photo(64, 64) + noise, jnp.float32(1), photo(64, 64)) - photo(64, 64))
    assert np.corrcoef(coarser[:, 1:].ravel(), coarser[:, :-1].ravel())[0, 1] > 0.5
    assert coarser.std() < 0.7 * float(noise.std())


def test_some_photographs_have_white_noise_of_the_level_alone_and_some_nothing(key):
    """At middle gray, 4 standard deviations from the ends, so that the noise is as strong as it says."""
    level, keys = 0.5, jax.random.split(key, 200)
    same = jnp.broadcast_to(flat(0.5, 24), (200, 24, 24, 3))
    noisy = np.asarray(jax.jit(add_noise, static_argnums=(2, 3))(keys, same, "photograph", (level, level)), np.float64)
    right = np.abs(noisy.std(axis=(1, 2, 3)) / (level * GAUSSIAN) - 1) < 0.08
    with np.errstate(invalid="ignore"):  # some are still flat
        neighbors = [np.corrcoef(each[:, 1:].ravel(), each[:, :-1].ravel())[0, 1] for each in noisy]
        channels = [np.corrcoef(each.reshape(-1, 3).T)[0, 1] for each in noisy]
    white = right & (np.abs(neighbors) < 0.1) & (np.abs(channels) < 0.2)
    share = PLAIN_SHARE * (1 - CLEAN_SHARE)
    assert white.mean() == pytest.approx(share, abs=4 * (share * (1 - share) / 200) ** 0.5)
    clean = np.abs(noisy - np.rint(0.5 * 255) / 255).max(axis=(1, 2, 3)) < 1e-6
    assert CLEAN_SHARE / 3 < clean.mean() < 4 * CLEAN_SHARE  # those where a smaller copy found nothing to act on, too


def test_photograph_is_the_same_alone_in_a_batch_and_in_a_batch_of_batches(key):
    keys, pictures = jax.random.split(key, (2, 2)), jnp.stack([photo(16, 24)] * 4).reshape(2, 2, 16, 24, 3)
    both = jax.jit(add_noise, static_argnums=(2, 3))(keys, pictures, "photograph", (0.4, 0.4))
    alone = jax.jit(add_noise, static_argnums=(2, 3))(keys[1, 0], pictures[1, 0], "photograph", (0.4, 0.4))
    assert (np.abs(np.asarray(both[1, 0] - alone)) > 1e-6).mean() < 0.01
    shared = jax.vmap(photograph_noise, in_axes=(0, None, None))(keys[0], pictures[0, 0], 0.4)
    assert (np.abs(np.asarray(shared[1] - both[0, 1])).max()) < 1


@pytest.mark.slow
def test_photographs_on_a_device_that_takes_a_batch_together_are_those_of_a_cpu(key):
    keys, pictures = jax.random.split(key, 6), jnp.stack([photo(16, 24)] * 6)
    together = to_8_bits(jax.jit(jax.vmap(_one_chain, in_axes=(0, 0, None)))(keys, pictures, jnp.float32(0.7)))
    one_by_one = jax.jit(jax.vmap(photograph_noise, in_axes=(0, 0, None)))(keys, pictures, 0.7)
    assert (np.abs(np.asarray(together - one_by_one)) > 1e-6).mean() < 0.01
