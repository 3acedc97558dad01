"""Small random networks in files, for the tests of what a person does with networks."""

import jax
import jax.numpy as jnp
import numpy as np

from colorjax import weights
from colorjax.config.defaults import run_config
from colorjax.config.tables import model_config
from colorjax.models import build_model
from colorjax.tasks import TASKS

WORKING_SIZE = 32


def write(path, task, seed=0, width=4, zero=False, working_size=WORKING_SIZE, noise=("none", (0.0, 0.0))):
    """Write a network for `task` to `path` and return it; with `zero`, its outputs are zero whatever it sees."""
    config = run_config()
    config.task.name = task
    config.task.loss = "l1"
    config.task.noise.kind, config.task.noise.level = noise
    config.data.name = "skimage_photos"
    config.model = model_config("unet", width=width, depth=1, norm="group", block="half")
    if task == "colorize":
        config.inference.picture = "reduced"
        config.inference.patch_size = working_size
    inputs = jnp.zeros((1, 8, 8, TASKS[task].input_channels))
    model = build_model(config.model, TASKS[task].output_channels)
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), inputs, train=False))
    random = np.random.default_rng(seed)
    variables = jax.tree.map(lambda leaf: 0.3 * random.normal(size=leaf.shape).astype(np.float32), shapes)
    if zero:
        variables["params"]["output"] = jax.tree.map(np.zeros_like, variables["params"]["output"])
    weights.save(path, config.lock(), variables, 7)
    return path


def write_guided(path, working_size=64):
    """Write a colorizer that takes hints and a palette, with random weights, to `path` and return it."""
    config = run_config()
    config.task.name = "colorize_guided"
    config.task.loss = "cross_entropy"
    config.data.name = "skimage_photos"
    config.model = model_config("guided_colorizer", width=8, encoder_weights="random")
    config.inference.picture = "stretched"
    config.inference.patch_size = working_size
    task = TASKS["colorize_guided"]
    model = build_model(config.model, task.output_channels)
    inputs = jnp.zeros((1, 32, 32, task.input_channels))
    variables = jax.device_get(jax.jit(lambda: model.init(jax.random.key(0), inputs, train=False))())
    output = variables["params"]["output"]  # of a new network it is zero, whatever the network is told
    output["kernel"] = np.random.default_rng(0).normal(size=output["kernel"].shape).astype(np.float32)
    weights.save(path, config.lock(), variables, 7)
    return path


def write_all(folder):
    """Write the networks that a command wants by default, and two denoisers that change nothing; return the paths."""
    tasks = {"color": "denoise", "gray": "denoise_gray", "colorizer": "colorize"}
    paths = {name: write(folder / f"{name}.safetensors", task) for name, task in tasks.items()}
    idle = {"idle": "denoise", "idle_gray": "denoise_gray"}
    return paths | {name: write(folder / f"{name}.safetensors", task, zero=True) for name, task in idle.items()}
