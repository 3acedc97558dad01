"""A training step of pix2pix and of CycleGAN against the same in PyTorch.

    python benchmarks/gan.py [--rounds 10] [--threads 2]

Both are those of experiments/gan.py at its scale `small`: the whole step (inputs from color pictures in memory, forward
passes, gradients, Adam) of one compiled program, against PyTorch's as its users write it, eagerly, in two layouts
(`torch_gan.py`), of which the faster counts. PyTorch is given its inputs ready made. All have as many weights, which is
checked. They take turns, so that a busy machine slows all; a ratio is the median of the rounds' ratios.

Needs requirements-benchmarks.txt.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

LAYOUTS = ("contiguous_format", "channels_last")


def colorjax_step(system):
    """Return the function that takes a step, and the number of weights."""
    import jax
    from training_steps import timed

    from colorjax.config.defaults import total_steps
    from colorjax.models import build_model
    from colorjax.objectives import build_objective
    from colorjax.tasks import build_task
    from colorjax.training.optimizer import build_optimizer
    from colorjax.training.state import create_state
    from colorjax.training.step import make_step
    from experiments.gan import get_config

    config = get_config(f"{system}-small")
    task = build_task(config.task)
    side = config.data.patch_size
    model = build_model(config.model, task.output_channels)
    objective = build_objective(config.objective, model, task, side=side)
    optimizer, schedule = build_optimizer(config.optimizer, total_steps(config))
    step = make_step(objective, optimizer, schedule, lambda batch, _: batch["picture"], 0, 0.0)
    state = jax.eval_shape(lambda: create_state(0, objective, optimizer, averaged=False))
    weights = sum(leaf.size for leaf in jax.tree.leaves(state.params))
    return timed(step, objective, optimizer, config.training.batch_size, side, averaged=False), weights, config


def torch_step(system, config, layout):
    """Return the same of PyTorch."""
    import torch_gan

    width, layers, size = config.model.width, config.objective.layers, config.data.patch_size
    if system == "pix2pix":
        return torch_gan.pix2pix(width, config.model.depth, layers, config.training.batch_size, size, layout)
    return torch_gan.cycle_gan(width, config.model.blocks, layers, size, layout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2, help="CPU cores that all have")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[: arguments.threads]
    os.sched_setaffinity(0, cores)
    os.environ["JAX_PLATFORMS"] = "cpu"
    import torch
    from training_steps import take_turns

    torch.set_num_threads(len(cores))
    for system in ("pix2pix", "cycle_gan"):
        ours, weights, config = colorjax_step(system)
        sides = {"colorjax": ours}
        for layout in LAYOUTS:
            sides[layout], count = torch_step(system, config, layout)
            if count != weights:
                sys.exit(f"{system}: {weights} weights here and {count} in PyTorch; nothing is measured")
        times = take_turns(sides, arguments.rounds)
        medians = {name: 1000 * statistics.median(seconds) for name, seconds in times.items()}
        best = [min(pair) for pair in zip(*(times[layout] for layout in LAYOUTS), strict=True)]
        ratio = statistics.median(mine / its for mine, its in zip(times["colorjax"], best, strict=True))
        shape = f"{config.training.batch_size}x{config.data.patch_size}x{config.data.patch_size}"
        print(f"{system}, {shape}, {weights:,} weights, {len(cores)} cores: colorjax {medians['colorjax']:.0f} ms")
        print(f"  PyTorch {', '.join(f'{medians[layout]:.0f} ms ({layout})' for layout in LAYOUTS)}")
        print(f"  {ratio:.2f} times PyTorch's time")


if __name__ == "__main__":
    main()
