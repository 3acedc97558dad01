"""Contexts of photographs: computed once each, kept on disk, and the same as those that the network's method takes."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from colorjax.errors import Interrupted
from colorjax.inference.letterbox import letterbox
from colorjax.models.network import FrozenWeights, Network
from colorjax.models.variables import fingerprint_of
from colorjax.pictures.images import Photograph
from colorjax.tasks import Colorize, Denoise
from colorjax.training import conditioning as module
from colorjax.training.conditioning import conditionings_of_photographs

TASK = Colorize("squared_error")


class WithContext(Network):
    """A network whose conditioning is the mean input times a frozen number."""

    key: str = "mean"
    factor: float = 3.0

    @nn.nowrap
    def frozen(self):
        variables = {"factor": jnp.float32(self.factor)}
        return FrozenWeights(variables, "made up", fingerprint_of(variables))

    @nn.nowrap
    def conditioning(self, variables, inputs):
        return {"mean": variables["factor"] * inputs.mean(axis=(1, 2)), "corner": inputs[:, 0, 0]}

    conditioning_of_photograph = True

    @property
    def conditioning_key(self):
        return self.key


class Plain(Network):
    """A network without a conditioning."""


def photographs(count, seed=0):
    random = np.random.default_rng(seed)
    pictures = [random.integers(0, 256, (6 + i % 3, 9, 3), np.uint8) for i in range(count)]
    return [Photograph(f"{i}", picture) for i, picture in enumerate(pictures)]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path))


@pytest.fixture
def computed(monkeypatch):
    """The squares that conditionings were computed of, filling included, in batches."""
    batches = []
    pad = np.pad

    def noting(squares, *arguments, **settings):
        if np.ndim(squares) == 4:
            batches.append(np.array(squares))
        return pad(squares, *arguments, **settings)

    monkeypatch.setattr(module.np, "pad", noting)
    return batches


def conditionings(given, model=None, size=8, task=TASK):
    model = model or WithContext()
    return conditionings_of_photographs(model, model.frozen(), task, given, size)


def test_conditioning_is_that_of_the_whole_photograph_in_a_square():
    given = photographs(6)  # more than a batch, and not a whole number of them
    found = conditionings(given)
    for i, photograph in enumerate(given):
        inputs = np.asarray(TASK.inputs_without_noise(photograph.picture.astype(np.float32) / 255))
        square = letterbox(inputs, 8).square
        np.testing.assert_allclose(found["mean"][i], 3 * square.mean(axis=(0, 1)), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found["corner"][i], square[0, 0], rtol=1e-4, atol=1e-6)


def test_none_is_computed_twice(computed):
    given = photographs(5)
    first = conditionings([*given, given[2]])
    assert sum(map(len, computed)) == 5
    np.testing.assert_array_equal(first["mean"][5], first["mean"][2])
    again = conditionings(given[::-1])
    assert sum(map(len, computed)) == 5
    np.testing.assert_array_equal(again["mean"], first["mean"][4::-1])
    conditionings([*given, *photographs(2, seed=1)])
    assert sum(map(len, computed)) == 7


@pytest.mark.parametrize(
    "change",
    [
        {"size": 16},
        {"model": WithContext(key="other")},
        {"model": WithContext(factor=4.0)},
        {"task": Denoise("squared_error")},
    ],
)
def test_whatever_else_a_context_depends_on_has_it_computed_anew(change, computed):
    given = photographs(3)
    conditionings(given)
    conditionings(given, **change)
    assert sum(map(len, computed)) == 6


def test_conditioning_computed_before_an_interruption_is_kept(computed):
    given = photographs(9)

    def interrupted():
        yield from given[:5]
        raise Interrupted("SIGTERM", "SIGTERM")

    with pytest.raises(Interrupted):
        conditionings(interrupted())
    before = sum(map(len, computed))
    assert before == 4  # a batch
    conditionings(given)
    assert sum(map(len, computed)) == 9


def test_so_many_are_kept_now_and_then_for_a_process_may_be_killed(computed, monkeypatch):
    given = photographs(12)
    monkeypatch.setattr(module, "_SAVE_EVERY", 4)
    write = module._write
    monkeypatch.setattr(module, "_write", lambda path, kept: (counts.append(len(kept)), write(path, kept)))
    counts = []
    conditionings(given)
    assert counts == [4, 8, 12]


def test_conditioning_of_two_runs_that_write_at_once_keeps_both(computed, monkeypatch):
    """The second run reads and writes while the first is at work."""
    given = photographs(6)

    def meanwhile():
        yield from given[:4]
        conditionings(given[4:])

    conditionings(meanwhile())
    conditionings(given)
    assert sum(map(len, computed)) == 6


def test_conditioning_file_that_is_broken_is_computed_anew(tmp_path, computed):
    given = photographs(3)
    expected = conditionings(given)
    (kept,) = (tmp_path / "contexts").iterdir()
    kept.write_bytes(kept.read_bytes()[:50])
    np.testing.assert_array_equal(conditionings(given)["mean"], expected["mean"])
    assert sum(map(len, computed)) == 6


def test_networks_without_a_conditioning_have_an_empty_one():
    assert Plain().frozen() == FrozenWeights({})
    assert Plain().conditioning({}, jnp.zeros((1, 2, 2, 1))) == {}
    assert not Plain().conditioning_of_photograph
