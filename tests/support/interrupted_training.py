"""A tiny training of an objective with two parts or more, in one go and with an interruption."""

import jax
import pytest

from colorjax.errors import Interrupted
from colorjax.training import loop
from colorjax.training.checkpoints import Checkpoints
from colorjax.training.optimizer import build_optimizer
from colorjax.training.state import create_state
from support import tiny_training as tiny


def whole_and_resumed(config, objective, tmp_path):
    """Train by `config` on two devices, in tmp_path/whole in one go and in tmp_path/parts stopped after 10 steps.

    Returns:
      the two last states; `objective` is that of the config.
    """

    def state_in(workdir):
        with Checkpoints(workdir, config, "psnr", "generator") as checkpoints:
            optimizer, _ = build_optimizer(config.optimizer, tiny.STEPS, objective.parts)
            steps, state = checkpoints.restore(lambda: create_state(3, objective, optimizer, averaged=True))
            assert steps == tiny.STEPS
            return state

    def stop(step, metrics):
        if step == 10:
            raise Interrupted("stop", "SIGTERM")

    loop.train(config, tmp_path / "whole", tiny.data(), tiny.validate, jax.devices()[:2])
    with pytest.raises(Interrupted):
        loop.train(config, tmp_path / "parts", tiny.data(), tiny.validate, jax.devices()[:2], on_validation=stop)
    loop.train(config, tmp_path / "parts", tiny.data(), tiny.validate, jax.devices()[:2])
    return state_in(tmp_path / "whole"), state_in(tmp_path / "parts")
