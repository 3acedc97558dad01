"""Compiled programs are kept in the user's cache directory, and found there by the next process."""

import os
import subprocess
import sys

import pytest

from colorjax.runtime.xla_messages import LEVEL

pytestmark = pytest.mark.process

SCRIPT = """
import sys
from colorjax.runtime.xla_messages import silence_false_alarms

silence_false_alarms()
import jax, jax.numpy as jnp
from jax import monitoring
from colorjax.runtime.compilation import keep_compilations

found = []
monitoring.register_event_listener(lambda event, **_: found.append(event))
keep_compilations()
jax.jit(lambda x: jnp.sin(x) @ x)(jnp.ones((3, 3)))
print("/jax/compilation_cache/cache_hits" in found, jax.config.jax_compilation_cache_dir)
"""


def started(**environment):
    words = [sys.executable, "-c", SCRIPT]
    outside = {name: value for name, value in os.environ.items() if name != LEVEL}  # jax has set it here
    done = subprocess.run(words, env=outside | environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""  # jaxlib 0.10 writes lines of errors for each program that is found
    return done.stdout.split()


def test_compilation_is_found_by_the_second_process(tmp_path):
    found, folder = started(COLORJAX_CACHE=str(tmp_path))
    assert found == "False"
    assert folder.startswith(str(tmp_path / "compiled"))
    assert started(COLORJAX_CACHE=str(tmp_path)) == ["True", folder]


def test_compilation_folder_chosen_by_a_person_is_kept(tmp_path):
    choice = str(tmp_path / "mine")
    assert started(COLORJAX_CACHE=str(tmp_path), JAX_COMPILATION_CACHE_DIR=choice)[1] == choice
