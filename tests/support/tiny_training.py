"""A training small enough for tests: a network of two convolutions on made-up pictures.

As a script, `python -m support.tiny_training WORKDIR SECONDS` trains it, by Muon and so by Adam too, with that
long a pause before each batch, so that there is time to kill it.
"""

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from ml_collections import ConfigDict

from colorjax.models import MODELS
from colorjax.models.network import Network
from colorjax.training import loop
from support import compilations

STEPS = 24
BATCH = 8
SMALL = nn.initializers.uniform(0.05)  # compiles in a tenth of the time of the default


def config(**changes):
    """A run's config, with `section__key=value` changed in it."""
    tiny = ConfigDict(
        {
            "seed": 3,
            "data": {"patches_per_epoch": 32, "workers": 0},
            "task": {"name": "denoise", "loss": "squared_error", "noise": {"kind": "gaussian", "level": (0.0, 0.2)}},
            "model": {"name": "tiny"},
            "optimizer": {
                "name": "adam",
                "learning_rate": 1e-2,
                "adam_learning_rate": 1e-3,
                "adam_beta1": 0.9,
                "weight_decay": 0.0,
                "schedule": "cosine",
                "warmup_steps": 3,
                "clip_norm": 1.0,
                "weight_average": 0.9,
                "parts": {},
                "modules": {},
            },
            "objective": {"name": "supervised", "terms": {"task": 1.0}},
            "training": {
                "batch_size": BATCH,
                "epochs": STEPS * BATCH // 32,
                "log_every": 1,
                "validate_every": 10,
                "checkpoint_every": 4,
                "keep": 2,
                "start_from": "",
                "start_parts": "all",
            },
        }
    )
    tiny.update_from_flattened_dict({key.replace("__", "."): value for key, value in changes.items()})
    return tiny


class TinyNetwork(Network):
    """Two convolutions with batch normalization between them."""

    output_channels: int
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x, train):
        # A bias before the normalization has no gradient but rounding, of which Adam would make whole steps.
        x = nn.Conv(4, (3, 3), use_bias=False, kernel_init=SMALL)(x)
        x = nn.BatchNorm(use_running_average=not train, axis_name=self.axis_name, momentum=0.9)(x)
        return nn.Conv(self.output_channels, (3, 3), kernel_init=SMALL)(nn.relu(x))


def build_model(config, output_channels, axis_name=None):
    """Stand in for `colorjax.models.build_model`."""
    return TinyNetwork(output_channels, axis_name)


class Stream:
    """Pictures of 6x6 that follow from their index; `before(step)` is called before each batch."""

    resident = None

    def __init__(self, seed, batch_size, start_step, steps, process_index, process_count, before, poisoned=None):
        self.arguments = seed, batch_size, start_step, steps
        rows = batch_size // process_count
        self.rows = slice(process_index * rows, (process_index + 1) * rows)
        self.before = before
        self.poisoned = poisoned

    def __iter__(self):
        seed, batch_size, start, steps = self.arguments
        for step in range(start, start + steps):
            self.before(step)
            index = np.arange(step * batch_size, (step + 1) * batch_size, dtype=np.uint32)[self.rows]
            draws = [np.random.Generator(np.random.Philox(key=[seed, j])) for j in index]
            picture = np.stack([draw.uniform(size=(6, 6, 3)).astype(np.float32) for draw in draws])
            if self.poisoned is not None and self.poisoned in index:
                picture[:] = np.nan
            yield {"index": index, "picture": picture}

    def clean(self, batch, resident):
        return batch["picture"]


def data(before=lambda step: None, poisoned=None):
    """Stand in for the `datasets` package; the batch with the example `poisoned` is not finite."""

    def patches(config, seed, batch_size, start_step, steps, process_index, process_count):
        return Stream(seed, batch_size, start_step, steps, process_index, process_count, before, poisoned)

    return SimpleNamespace(patches=patches)


def validate(variables):
    """A number that any change of the variables would change, in place of a measurement."""
    return {"psnr": -float(sum(jnp.sum(jnp.abs(leaf)) for leaf in jax.tree.leaves(variables))), "loss": 1.0}


if __name__ == "__main__":
    compilations.keep()
    workdir, pause = Path(sys.argv[1]), float(sys.argv[2])
    MODELS["tiny"] = TinyNetwork
    loop.train(
        config(optimizer__name="muon"), workdir, data(lambda step: time.sleep(pause)), validate, jax.devices()[:2]
    )
