"""A branch of two convolutions in the place of Inception-ResNet-v2, for tests of what is done with its end points."""

from contextlib import contextmanager

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn

from colorjax.models import fusion
from colorjax.models.inception import weights


class SmallInception(nn.Module):
    """As `InceptionResNetV2`, as far as the fusion network asks it."""

    classes: int = 1000
    dtype: str = "float32"

    @nn.compact
    def __call__(self, inputs, train=False):
        x = nn.relu(nn.Conv(8, (3, 3), strides=8, dtype=self.dtype)(inputs))
        x = nn.relu(nn.Conv(1536, (3, 3), strides=8, dtype=self.dtype)(x))
        end_points = {"pooled": x.mean(axis=(1, 2)).astype(jnp.float32)}
        if self.classes:
            end_points["logits"] = nn.Dense(self.classes, name="classifier")(end_points["pooled"])
            end_points["softmax"] = jax.nn.softmax(end_points["logits"])
        return end_points


@contextmanager
def small_inception():
    """Have random weights, and the branch that has them, be small."""
    caches = weights.expected_shapes, fusion._random
    with pytest.MonkeyPatch.context() as patch:
        for module in (weights, fusion):
            patch.setattr(module, "InceptionResNetV2", SmallInception)
        for cache in caches:
            cache.cache_clear()
        yield
    for cache in caches:
        cache.cache_clear()
