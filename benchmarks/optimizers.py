"""What a step of Muon costs, against Adam's of the same network: that of `pretrain_denoise.py:color_long`.

    python benchmarks/optimizers.py [--rounds 10] [--width 32] [--batch 8] [--size 96]

The step is the whole one (noise, forward, gradient, update, moving average of the weights), with the pictures on the
device. Both take turns, so that a busy machine slows both; the table has the median time of a step over the rounds,
the pixels a second, and the median of the rounds' ratios.
"""

import statistics
import sys
from pathlib import Path

import jax

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training_steps import parse_arguments, take_turns, timed  # noqa: E402

from colorjax.models import build_model  # noqa: E402
from colorjax.objectives import Supervised  # noqa: E402
from colorjax.tasks import build_task  # noqa: E402
from colorjax.training.optimizer import build_optimizer  # noqa: E402
from colorjax.training.step import make_step  # noqa: E402
from experiments.pretrain_denoise import get_config  # noqa: E402


def stepper(name, arguments):
    """Return a function that takes a step and returns its seconds."""
    config = get_config("color_long").copy_and_resolve_references().unlock()
    config.optimizer.name, config.model.width = name, arguments.width
    task = build_task(config.task)
    model = build_model(config.model, task.output_channels)
    optimizer, schedule = build_optimizer(config.optimizer, 1000)
    average = config.optimizer.weight_average
    objective = Supervised(model, task)
    step = make_step(objective, optimizer, schedule, lambda batch, _: batch["picture"], config.seed, average)
    return timed(step, objective, optimizer, arguments.batch, arguments.size)


def main():
    arguments = parse_arguments(__doc__)
    sides = {name: stepper(name, arguments) for name in ("adam", "muon")}
    times = take_turns(sides, arguments.rounds)
    pixels = arguments.batch * arguments.size**2
    device = jax.devices()[0].device_kind
    print(f"{arguments.batch} x {arguments.size} x {arguments.size}, {device}, jax {jax.__version__}")
    print(f"{'':6}{'ms a step':>12}{'kilopixels/s':>14}")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{name:6}{1000 * median:12.0f}{pixels / median / 1000:14.0f}")
    ratio = statistics.median(muon / adam for adam, muon in zip(times["adam"], times["muon"], strict=True))
    print(f"muon / adam {ratio:.2f}")


if __name__ == "__main__":
    main()
