"""What happens to a photograph: float32 [*b, H, W, C] in [0, 1] to the same shape and range, at 8 bits.

A chain of degradations in random order, for training on real noise, after Zhang et al. 2023 ("Practical blind image
denoising via Swin-Conv-UNet and data synthesis", SCUNet, section 3.2): Gaussian noise, white or correlated between
channels, the noise of a camera, film grain, JPEG, and a copy at a smaller size. SCUNet has no film grain, and besides
these Poisson noise and speckle, for which the camera stands here.

As the camera's demosaicing does, the smaller copy acts on what has been added to the image, not on the image itself: it
makes noise coarser. A denoiser that learned to undo its blur would sharpen every photograph.

Milliseconds for one 64x64 patch of a batch of 8 on 2 CPU cores (AMD EPYC, beside other work, least of 30, 2026-12-01):
gaussian 0.27, clipped_gaussian 0.28, camera 0.19, film_grain 0.50, jpeg 0.08, a smaller copy 0.10, all of this 0.74.
"""

import jax
import jax.numpy as jnp
from jax import Array

from colorjax.noise.camera import camera_noise
from colorjax.noise.eight_bits import to_8_bits, with_gradient_of
from colorjax.noise.film_grain import correlate_channels, film_grain
from colorjax.noise.jpeg import jpeg

# At level 1 the largest strengths: of JPEG SCUNet's, of Gaussian noise a little more than its 50, so that 50 is not at
# the end, of the camera those of Brooks et al. 2019.
GAUSSIAN = 55 / 255
WHITE_SHARE = 0.4  # how often Gaussian noise is white; else its channels have a correlation drawn from 0 to 1
CAMERA = 0.11
GRAIN = 0.12
QUALITY_LOST = 0.7  # JPEG of quality 30
SMALLER = 0.5  # a copy at half the size
MOST_STEPS = 3  # besides the JPEG at the end, between 1 and this
LAST_JPEG_SHARE = 0.8
PLAIN_SHARE = 0.2  # of images with white Gaussian noise alone, of strength `level`: what denoisers are measured on
CLEAN_SHARE = 0.1  # of images to which nothing happens: a denoiser must leave a good photograph as it is


def _white(key: Array, picture: Array, share: Array, clean: Array) -> Array:
    del clean
    return picture + GAUSSIAN * share * jax.random.normal(key, picture.shape, picture.dtype)


def _gaussian(key: Array, picture: Array, share: Array, clean: Array) -> Array:
    del clean
    key_of_white, key_of_correlation, key_of_noise = jax.random.split(key, 3)
    correlation = jax.random.uniform(key_of_correlation, (), picture.dtype)
    correlation = jnp.where(jax.random.bernoulli(key_of_white, WHITE_SHARE), 0, correlation)
    noise = jax.random.normal(key_of_noise, picture.shape, picture.dtype)
    return picture + GAUSSIAN * share * correlate_channels(noise, correlation)


def _camera(key: Array, picture: Array, share: Array, clean: Array) -> Array:
    del clean
    return camera_noise(key, picture, CAMERA * share)


def _grain(key: Array, picture: Array, share: Array, clean: Array) -> Array:
    del clean
    return film_grain(key, picture, GRAIN * share)


def _jpeg(key: Array, picture: Array, share: Array, clean: Array) -> Array:
    del clean
    return jpeg(key, picture, QUALITY_LOST * share)


def _smaller(key: Array, picture: Array, share: Array, clean: Array) -> Array:
    del key
    return clean + shrink_and_enlarge(picture - clean, 1 - SMALLER * share)


def _keep(key: Array, picture: Array, share: Array, clean: Array) -> Array:
    del key, share, clean
    return picture


STEPS = (_gaussian, _camera, _grain, _jpeg, _smaller)


def photograph_noise(key: Array, picture: Array, level: Array | float) -> Array:
    """Degrade as a photograph's file may have been: one to three of `STEPS` in random order, JPEG, 8 bits.

    Each step's strength is drawn evenly between 0 and `level`, from 0 to 1, times the largest one. In one of five
    images the last JPEG is missing, one of five has white Gaussian noise of strength `level` alone, and one of ten is
    only rounded. Level 0 leaves the image as it is. The gradient is that of the identity.
    """
    level = jnp.asarray(level, picture.dtype)
    degraded = to_8_bits(_chain(key, jax.lax.stop_gradient(picture), level))
    return jnp.where(level > 0, with_gradient_of(picture, degraded), picture)


def _one_chain(key: Array, picture: Array, level: Array) -> Array:
    key_of_order, key_of_count, key_of_last, key_of_plain, key_of_clean, key_of_steps = jax.random.split(key, 6)
    order = jax.random.permutation(key_of_order, len(STEPS))[:MOST_STEPS]
    count = jax.random.randint(key_of_count, (), 1, MOST_STEPS + 1)
    order = jnp.where(jnp.arange(MOST_STEPS) < count, order, len(STEPS))
    with_last = jax.random.bernoulli(key_of_last, LAST_JPEG_SHARE)
    order = jnp.append(order, jnp.where(with_last, STEPS.index(_jpeg), len(STEPS)))
    plain = jax.random.bernoulli(key_of_plain, PLAIN_SHARE)
    level = jnp.where(jax.random.bernoulli(key_of_clean, CLEAN_SHARE), 0, level)
    order = jnp.where(plain, jnp.full_like(order, len(STEPS)).at[0].set(len(STEPS) + 1), order)

    def step(current: Array, drawn: tuple[Array, Array]) -> tuple[Array, None]:
        key_of_step, which = drawn
        key_of_share, key_of_noise = jax.random.split(key_of_step)
        share = level * jnp.where(plain, 1, jax.random.uniform(key_of_share, (), picture.dtype))
        return jax.lax.switch(which, (*STEPS, _keep, _white), key_of_noise, current, share, picture), None

    return jax.lax.scan(step, picture, (jax.random.split(key_of_steps, len(order)), order))[0]


_chain = jax.custom_batching.custom_vmap(_one_chain)


@_chain.def_vmap
def _chains(axis_size, batched, *arguments):
    """Take a batch's images one after the other on a CPU, together elsewhere.

    In a batch every step would be computed for every image, and one result chosen: 5 times as slow on a CPU, though
    faster where one image does not occupy the device.
    """
    arguments = [
        argument if is_batched else jnp.broadcast_to(argument, (axis_size, *argument.shape))
        for argument, is_batched in zip(arguments, batched, strict=True)
    ]
    chains = jax.lax.platform_dependent(
        *arguments, cpu=lambda *each: jax.lax.map(lambda one: _chain(*one), each), default=jax.vmap(_one_chain)
    )
    return chains, True


def shrink_and_enlarge(picture: Array, scale: Array | float) -> Array:
    """Return an image [*b, H, W, C] reduced to `scale` of its size, above 0 to 1, and enlarged again, both linearly."""
    rows, columns = (_there_and_back(size, scale).astype(picture.dtype) for size in picture.shape[-3:-1])
    picture = jnp.einsum("yi,...ixc->...yxc", rows, picture, precision="highest")
    return jnp.einsum("xj,...yjc->...yxc", columns, picture, precision="highest")


def _there_and_back(size: int, scale: Array | float) -> Array:
    """Return the matrix [size, size] that reduces a line of pixels and enlarges it again; each row's sum is 1.

    A traced scale can't change shapes, so the small line has room for `size` pixels, and those beyond its end weigh
    nothing. Reducing averages with a triangle as wide as two small pixels, which keeps finer detail from folding over.
    """
    pixels = jnp.arange(size, dtype=jnp.float32)
    small = (pixels + 0.5) / scale - 0.5  # where the centers of small pixels lie in the image
    distance = jnp.abs(small[:, None] - pixels[None, :])
    reduce = jnp.maximum(1 - distance * scale, 0)
    reduce = reduce / jnp.maximum(reduce.sum(axis=1, keepdims=True), 1e-6)
    inside = pixels < jnp.maximum(jnp.ceil(size * scale - 1e-4), 1)
    enlarge = jnp.where(inside[None, :], jnp.maximum(1 - distance.T * scale, 0), 0)
    enlarge = enlarge / enlarge.sum(axis=1, keepdims=True)
    return jnp.matmul(enlarge, reduce, precision="highest")
