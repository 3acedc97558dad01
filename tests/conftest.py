"""Strict settings for every test: no silent dtype or rank promotion, warnings are errors, 8 CPU devices."""

import os
from importlib import metadata

HEAVIEST = (
    "test_processes",
    "test_fusion",
    "test_colorize_guided",
    "test_efficientnet",
    "test_experiments",
    "test_inception",
    "test_table1",
    "test_exported_weights",
    "test_table2",
    "test_loop",
    "test_step",
    "test_evaluate",
    "test_restoration",
    "test_tiled_network",
    "test_learned_colorizers",
    "test_resume",
    "test_models",
)

# Tests compile much and compute little, so the compiler does without optimizations, but for `make test-optimized`.
# jax 0.10 compiles in a third less time without its newer emitters of fused loops; later versions have no such choice.
FLAGS = ["--xla_force_host_platform_device_count=8"]
if not os.environ.get("OPTIMIZED"):
    FLAGS.append("--xla_backend_optimization_level=0")
    if metadata.version("jaxlib").startswith("0.10."):
        FLAGS.append("--xla_cpu_use_fusion_emitters=false")
os.environ["XLA_FLAGS"] = " ".join([*FLAGS, os.environ.get("XLA_FLAGS", "")])
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_NUMPY_DTYPE_PROMOTION"] = "strict"
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"

# First, because on import it closes the handlers of all loggers, and absl's would close what pytest captures.
import submitit  # noqa: E402, F401, I001

import jax  # noqa: E402
import pytest  # noqa: E402
from absl import flags  # noqa: E402
from hypothesis import settings  # noqa: E402
from support import compilations  # noqa: E402

compilations.keep()

# grain's worker processes read absl flags, which only absl.app.run would have parsed.
flags.FLAGS.mark_as_parsed()

# Compiling takes longer than hypothesis' deadline for one example.
settings.register_profile("colorjax", deadline=None, max_examples=25, derandomize=True)
settings.load_profile("colorjax")


def pytest_sessionstart(session):
    """Tidy the kept compilations, once for all workers of the session."""
    if not hasattr(session.config, "workerinput"):
        compilations.tidy()


def pytest_collection_modifyitems(items):
    """Put the heaviest files first, so that no worker begins one when the other has nothing left to do."""
    rank = {name: number for number, name in enumerate(HEAVIEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.fixture
def key():
    """A typed random key."""
    return jax.random.key(0)


@pytest.fixture(autouse=True)
def _own_directories(tmp_path_factory, monkeypatch):
    """What is kept between runs goes to folders shared by one run of the tests, not the user's own."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path_factory.getbasetemp() / "tfds"))
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
