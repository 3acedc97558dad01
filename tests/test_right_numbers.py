"""jax itself computes right on the processor of the tests: jaxlib 0.10.2 does not, and says nothing.

And long sums keep their digits in float32. Each example is compared with NumPy in float64.
"""

import re
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
import optax
import pytest
from packaging.requirements import Requirement

import launch
from colorjax.metrics.fidelity import colorfulness
from colorjax.models.normalization import group_norm, weighted_moments
from colorjax.runtime import known_faults
from colorjax.runtime.known_faults import known_fault
from colorjax.tasks.losses import CHARBONNIER_EPSILON, LOSSES

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"


def wide(*arrays):
    return [np.asarray(array, np.float64) for array in arrays]


# jax issue 39103: under `jit`, jaxlib 0.10.2 takes rows beyond the 32,768th from elsewhere.
@pytest.mark.parametrize("rows", [32_769, 40_000])
def test_jax_takes_each_row_of_a_vmapped_product_for_its_own_sum_of_squares(rows):
    random = np.random.default_rng(0)
    matrix = random.uniform(size=(3, 3)).astype(np.float32)
    x = random.uniform(size=(rows, 3)).astype(np.float32)

    def sums(x):
        return jax.vmap(lambda row: jnp.sum(jnp.square(matrix @ row)))(x)

    true_x, true_matrix = wide(x, matrix)
    np.testing.assert_allclose(jax.jit(sums)(x), np.square(true_x @ true_matrix.T).sum(1), rtol=1e-5)


# The same as a reduction after a broadcast product. 0.10.2 fails in the long row; in the picture it may have failed on
# another processor (the remark in colorjax/methods/scribble/levin.py).
@pytest.mark.parametrize("shape", [(512, 512), (1, 32_769)])
def test_jax_reduces_a_broadcast_product_to_what_each_pixel_has(shape):
    random = np.random.default_rng(1)
    matrix = random.uniform(size=(3, 3)).astype(np.float32)
    picture = random.uniform(size=(*shape, 3)).astype(np.float32)

    def sums(picture):
        return jnp.sum(jnp.square(jnp.sum(matrix[None, None] * picture[..., None, :], -1)), -1)

    true_picture, true_matrix = wide(picture, matrix)
    np.testing.assert_allclose(jax.jit(sums)(picture), np.square(true_picture @ true_matrix.T).sum(-1), rtol=1e-5)


def test_jax_sums_a_broadcast_product_over_neighbors_in_every_channel():
    random = np.random.default_rng(2)
    weights = random.uniform(size=(8, 512, 512)).astype(np.float32)
    stack = random.uniform(size=(8, 2, 512, 512)).astype(np.float32)
    result = jax.jit(lambda weights, stack: (weights[:, None] * stack).sum(0))(weights, stack)
    weights, stack = wide(weights, stack)
    np.testing.assert_allclose(result, (weights[:, None] * stack).sum(0), rtol=1e-5)


@pytest.fixture
def faulty(monkeypatch):
    monkeypatch.setattr(jaxlib, "__version__", "0.10.2")


def test_fault_says_what_is_wrong_and_what_to_install(faulty, monkeypatch):
    for version, better in {(3, 11): "'jax==0.10.1'", (3, 13): "'jax>=0.12,<0.13'"}.items():
        monkeypatch.setattr(sys, "version_info", version)
        line = known_fault()
        assert line.startswith("jaxlib 0.10.2 computes some sums wrongly on a CPU (jax issue 39103)")
        assert line.endswith(f"pip install {better}")
        assert "\n" not in line


def test_fault_of_cpus_is_none_of_a_gpu(faulty, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert known_fault() == ""


@pytest.mark.parametrize("version", ["0.10.1", "0.12.0.1"])
def test_fault_is_not_warned_of_in_other_versions(version, monkeypatch):
    monkeypatch.setattr(jaxlib, "__version__", version)
    assert known_fault() == ""


def test_fault_is_said_by_a_command_that_computes(faulty, capsys, tmp_path):
    words = ["denoise", str(tmp_path / "none.png"), f"--output={tmp_path / 'out'}"]
    launch.main(words)
    warnings = [line for line in capsys.readouterr().err.splitlines() if "39103" in line]
    assert warnings == [f"launch.py denoise: warning: {known_fault()}"]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_fault_is_in_no_version_that_the_requirements_allow(python):
    requirements = [Requirement(line) for line in re.findall(r"(?m)^jax.*", REQUIREMENTS.read_text())]
    applied = [one for one in requirements if one.marker is None or one.marker.evaluate({"python_version": python})]
    assert {one.name for one in applied} == {"jax", "jaxlib"}
    for version in known_faults.FAULTS_ON_CPUS:
        assert not all(one.specifier.contains(version) for one in applied if one.name == "jaxlib")


SIDE = 1024


def noisy(channels):
    """Return a picture [1, SIDE, SIDE, channels] and the same with noise."""
    random = np.random.default_rng(3)
    clean = random.uniform(size=(1, SIDE, SIDE, channels)).astype(np.float32)
    return clean, clean + random.normal(0, 0.1, clean.shape).astype(np.float32)


DIFFERENCES = {
    "squared_error": np.square,
    "l1": np.abs,
    "charbonnier": lambda difference: np.sqrt(np.square(difference) + CHARBONNIER_EPSILON**2),
}


# Long sums in float32: one after the other, a million terms would lose three digits.
@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_a_large_picture_keep_their_digits(name):
    clean, spoiled = noisy(3)
    true_clean, true_spoiled = wide(clean, spoiled)
    expected = DIFFERENCES[name](true_spoiled - true_clean).mean()
    np.testing.assert_allclose(jax.jit(LOSSES[name])(spoiled, clean), [expected], rtol=1e-5)


def test_colorfulness_of_a_large_picture_keeps_its_digits():
    picture, _ = noisy(3)
    (true,) = wide(255 * picture[0])
    red_green = true[..., 0] - true[..., 1]
    yellow_blue = (true[..., 0] + true[..., 1]) / 2 - true[..., 2]
    spread = np.hypot(red_green.std(), yellow_blue.std())
    expected = spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean())
    np.testing.assert_allclose(colorfulness(picture), [expected], rtol=1e-5)


def test_group_norm_of_a_large_picture_keeps_its_digits():
    features = 1 + noisy(8)[1]  # away from zero, where the variance is a small difference
    (true,) = wide(features.reshape(-1, 2, 4))
    normalized = (true - true.mean((0, 2), keepdims=True)) / np.sqrt(true.var((0, 2), keepdims=True) + 1e-5)
    found = jax.jit(lambda x: group_norm(x, jnp.ones(8), jnp.zeros(8), 2))(features)
    np.testing.assert_allclose(found, normalized.reshape(features.shape), rtol=0, atol=1e-4)
    found, _ = jax.jit(lambda x: weighted_moments(x, 2, *[jnp.full((1, SIDE), 1 / SIDE)] * 2))(features)
    np.testing.assert_allclose(found[0, 0, 0], true.mean((0, 2)), rtol=1e-5)


def test_norm_of_many_gradients_keeps_its_digits():
    gradient, _ = noisy(4)
    (true,) = wide(gradient)
    np.testing.assert_allclose(jax.jit(optax.tree.norm)({"kernel": gradient}), np.linalg.norm(true), rtol=1e-5)
