"""Contexts of photographs: computed once each, kept on disk, and the same as those that the network's method takes."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from colorjax.images import Photograph
from colorjax.models.context import Frozen, context_of, frozen_of, has_context_of_photograph
from colorjax.squares import fit
from colorjax.tasks import Colorize
from colorjax.training.contexts import contexts_of_photographs

TASK = Colorize("squared_error")


class WithContext(nn.Module):
    """A network whose context is the mean input times a frozen number."""

    key: str = "mean"

    @nn.nowrap
    def frozen(self):
        return Frozen({"factor": jnp.float32(3)}, f"made up for {self.key}")

    @nn.nowrap
    def context(self, variables, inputs):
        return {"mean": variables["factor"] * inputs.mean(axis=(1, 2)), "corner": inputs[:, 0, 0]}

    context_of_photograph = True

    @property
    def context_key(self):
        return self.key


class Plain(nn.Module):
    """A network without a context."""


def photographs(count, seed=0):
    random = np.random.default_rng(seed)
    pictures = [random.integers(0, 256, (6 + i % 3, 9, 3), np.uint8) for i in range(count)]
    return [Photograph(f"{i}", picture) for i, picture in enumerate(pictures)]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path))


@pytest.fixture
def computed(monkeypatch):
    """The squares that contexts were computed of, filling included, in batches."""
    from colorjax.training import contexts

    batches = []
    pad = np.pad

    def noting(squares, *arguments, **settings):
        if np.ndim(squares) == 4:
            batches.append(np.array(squares))
        return pad(squares, *arguments, **settings)

    monkeypatch.setattr(contexts.np, "pad", noting)
    return batches


def contexts(given, model=None, size=8):
    model = model or WithContext()
    return contexts_of_photographs(model, frozen_of(model), TASK, given, size)


def test_a_context_is_that_of_the_whole_photograph_in_a_square():
    given = photographs(6)  # more than a batch, and not a whole number of them
    found = contexts(given)
    for i, photograph in enumerate(given):
        inputs = np.asarray(TASK.unspoiled_inputs(photograph.picture.astype(np.float32) / 255))
        square = fit(inputs, 8).square
        np.testing.assert_allclose(found["mean"][i], 3 * square.mean(axis=(0, 1)), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found["corner"][i], square[0, 0], rtol=1e-4, atol=1e-6)


def test_none_is_computed_twice(computed):
    given = photographs(5)
    first = contexts([*given, given[2]])
    assert sum(map(len, computed)) == 5
    np.testing.assert_array_equal(first["mean"][5], first["mean"][2])
    again = contexts(given[::-1])
    assert sum(map(len, computed)) == 5
    np.testing.assert_array_equal(again["mean"], first["mean"][4::-1])
    contexts([*given, *photographs(2, seed=1)])
    assert sum(map(len, computed)) == 7


@pytest.mark.parametrize("change", [{"size": 16}, {"model": WithContext("other")}])
def test_another_size_or_other_weights_are_computed_anew(change, computed):
    given = photographs(3)
    contexts(given)
    contexts(given, **change)
    assert sum(map(len, computed)) == 6


def test_a_broken_file_is_computed_anew(tmp_path, computed):
    given = photographs(3)
    expected = contexts(given)
    (kept,) = (tmp_path / "contexts").iterdir()
    kept.write_bytes(kept.read_bytes()[:50])
    np.testing.assert_array_equal(contexts(given)["mean"], expected["mean"])
    assert sum(map(len, computed)) == 6


def test_networks_without_a_context_have_an_empty_one():
    assert frozen_of(Plain()) == ({}, "")
    assert context_of(Plain(), {}, jnp.zeros((1, 2, 2, 1))) == {}
    assert not has_context_of_photograph(Plain())
