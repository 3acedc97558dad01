"""A pool of images that a generator made earlier, from which its discriminator learns (Shrivastava et al. 2017).

As in the program of Zhu et al. 2017: until the pool is full, an image is stored and returned. Then, with a probability
of one half, an image is returned and not stored; otherwise a random one of the pool is returned and replaced by it.

A pool is a dict of arrays of fixed shapes: 'images' [size, H, W, C] and 'count' int32 [], the number of those stored.
"""

import jax
import jax.numpy as jnp
from jax import Array

Pool = dict[str, Array]


def new_pool(size: int, side: int, channels: int) -> Pool:
    """Return an empty pool for `size` images [side, side, channels]."""
    return {"images": jnp.zeros((size, side, side, channels), jnp.float32), "count": jnp.zeros((), jnp.int32)}


def exchange(pool: Pool, images: Array, keys: Array) -> tuple[Array, Pool]:
    """Return as many images as were given, some of them earlier ones, and the pool after that.

    Args:
      pool: a pool of `size` images; one of size 0 returns the images as they are.
      images: [b, H, W, C], taken one after the other.
      keys: a typed key for each, [b].
    """
    size = pool["images"].shape[0]
    if not size:
        return images, pool

    def take(pool: Pool, given: tuple[Array, Array]) -> tuple[Pool, Array]:
        image, key = given
        key_of_choice, key_of_slot = jax.random.split(key)
        full = pool["count"] >= size
        swap = full & jax.random.bernoulli(key_of_choice)
        slot = jnp.where(full, jax.random.randint(key_of_slot, (), 0, size), jnp.minimum(pool["count"], size - 1))
        stored = jax.lax.dynamic_index_in_dim(pool["images"], slot, keepdims=False)
        kept = jnp.where(full & ~swap, stored, image)
        images = jax.lax.dynamic_update_index_in_dim(pool["images"], kept, slot, 0)
        return {"images": images, "count": jnp.minimum(pool["count"] + 1, size)}, jnp.where(swap, stored, image)

    # A scan, for it holds no convolution; written out, a large batch would make a large program.
    pool, returned = jax.lax.scan(take, pool, (images, keys))
    return returned, pool
