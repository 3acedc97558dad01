"""What each setting bears on: the list is whole, and it fits what the settings do."""

import subprocess
import sys

import numpy as np

from colorjax.config.defaults import run_config
from colorjax.config.keys import KEYS, SECTIONS, Bears
from colorjax.config.serialization import FREE_KEYS, flatten
from colorjax.evaluation.protocol import build_protocol
from colorjax.pictures.images import Photograph
from colorjax.tasks import build_task


def test_keys_are_all_settings_of_a_run_and_no_other():
    assert KEYS.keys() == flatten(run_config()).keys()


def test_keys_each_bear_on_something():
    assert all(KEYS.values())


def test_keys_of_sections_are_what_all_their_settings_have_in_common():
    assert SECTIONS["optimizer"] == Bears.WEIGHTS | Bears.NETWORK
    assert SECTIONS["protocol"] == Bears.VALIDATION | Bears.MEASUREMENT
    assert not SECTIONS["data"]  # workers and names have nothing in common
    assert set(SECTIONS) == set(run_config())


def test_keys_that_bear_on_the_best_checkpoint_alone_may_change_in_a_run():
    assert {"training.validate_every", "training.log_every", "data.workers"} <= set(FREE_KEYS)
    assert not {"seed", "training.validation_split", "protocol.border", "inference.overlap"} & set(FREE_KEYS)


def test_keys_of_the_training_noise_bear_on_no_measurement():
    config = run_config()
    protocol = build_protocol(
        config.protocol, "one", "denoise", [Photograph("gray", np.full((4, 4, 3), 128, np.uint8))]
    )
    measured = []
    for level in (0.0, 0.5):
        config.task.noise.kind, config.task.noise.level = "gaussian", (level, level)
        measured.append(protocol.measured_task(build_task(config.task)))
    assert measured[0] == measured[1]
    assert KEYS["task.noise.level"] == KEYS["task.noise.kind"] == Bears.WEIGHTS


def test_keys_are_known_without_jax():
    program = "import sys, colorjax.config.keys; sys.exit('jax' in sys.modules or 'ml_collections' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
