"""The color denoiser's rates on a GPU, and their share of what the card can do in bfloat16.

    python benchmarks/denoisers_gpu.py                 # an H100; for another card give its --peak
    python benchmarks/denoisers_gpu.py --smoke         # the same at tiny size, on whatever jax runs on

Three things: `colorjax.denoise` on a large picture, from the host's memory and back; the shipped network alone, on
tiles that lie on the device; and the training step of experiments/pretrain_denoise.py:color_gpu, patches cut, spoiled
and learned on the device. Compiling is apart (of the first its first call is given); the rest are medians of rounds.

The floating-point operations are those that XLA counts in the program as it would run on a CPU, before compiling: in a
program for a GPU a convolution is a call of cuDNN, which the count need not know. The peak is that of dense matrix
products in bfloat16, for float32 too.

Without a GPU, and without --smoke, nothing is measured.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import jax  # noqa: E402
from denoisers import SHIPPED, large, photographs, print_table  # noqa: E402

import colorjax  # noqa: E402
from colorjax.config.defaults import total_steps  # noqa: E402
from colorjax.models import build_model  # noqa: E402
from colorjax.objectives import Supervised  # noqa: E402
from colorjax.pictures.images import Photograph  # noqa: E402
from colorjax.tasks import build_task  # noqa: E402
from colorjax.training.optimizer import build_optimizer  # noqa: E402
from colorjax.training.state import create_state  # noqa: E402
from colorjax.training.step import make_step  # noqa: E402
from colorjax.weights import load  # noqa: E402
from datasets.batching import Rows  # noqa: E402
from datasets.pipeline import stream  # noqa: E402
from experiments.pretrain_denoise import get_config  # noqa: E402

ROUNDS = 3


class Rate(NamedTuple):
    """One line of the table; `seconds` are those of one pass over `pixels`."""

    name: str
    pixels: int
    seconds: float
    compiling: float
    operations: float | None = None


def of_denoise(weights, picture):
    """Measure `colorjax.denoise`."""

    def one():
        colorjax.denoise(picture, weights=weights)

    first = seconds_of(one)
    height, width = picture.shape[:2]
    return Rate(f"colorjax.denoise, {width}x{height}, 8 bits", height * width, median_seconds(one), first)


def of_network(weights, dtype, tiles, side, passes):
    """Measure the network on tiles on the device."""
    trained = load(weights)
    model = build_model({**trained.config.model, "dtype": dtype}, output_channels=3)
    inputs = jax.random.uniform(jax.random.key(0), (tiles, side, side, 3))
    variables = jax.device_put(trained.variables)
    apply = jax.jit(lambda variables, inputs: model.apply(variables, inputs, train=False))
    compiled, compiling = compiled_in_time(apply, variables, inputs)

    def some():
        for _ in range(passes):
            outputs = compiled(variables, inputs)
        outputs.block_until_ready()

    some()
    seconds = median_seconds(some) / passes
    name = f"the network alone, {dtype}, {tiles}x{side}x{side}"
    return Rate(name, tiles * side**2, seconds, compiling, operations_of(apply, variables, inputs))


def of_training(pictures, batch_size, steps):
    """Measure the step of the recipe for a GPU; a batch size of 0 is the recipe's own."""
    config = get_config("color_gpu")
    batch_size = batch_size or config.training.batch_size
    task = build_task(config.task)
    model = build_model(config.model, task.output_channels)
    optimizer, schedule = build_optimizer(config.optimizer, total_steps(config))
    average = config.optimizer.weight_average
    named = [Photograph(str(number), picture) for number, picture in enumerate(pictures)]
    data = stream(named, config.data, config.seed, Rows.of(batch_size, 0, (ROUNDS + 1) * steps + 1, 0, 1))
    step = make_step(Supervised(model, task), optimizer, schedule, data.clean, config.seed, average)
    step = jax.jit(step, donate_argnums=0)
    state, resident = jax.device_put(
        (create_state(config.seed, Supervised(model, task), optimizer, averaged=average > 0), data.resident)
    )
    batches = map(jax.device_put, iter(data))
    batch = next(batches)
    operations = operations_of(step, state, batch, resident)
    compiled, compiling = compiled_in_time(step, state, batch, resident)

    def some():
        nonlocal state
        for _ in range(steps):
            state, metrics = compiled(state, next(batches), resident)
        jax.block_until_ready(metrics)

    some()
    seconds = median_seconds(some) / steps
    side = config.data.patch_size
    name = f"training step, {config.model.dtype}, {batch_size}x{side}x{side}"
    return Rate(name, batch_size * side**2, seconds, compiling, operations)


def compiled_in_time(jitted, *arguments):
    """Return the compiled program, and the seconds that took."""
    lowered = jitted.lower(*arguments)
    start = time.perf_counter()
    return lowered.compile(), time.perf_counter() - start


def operations_of(jitted, *arguments):
    """Return the floating-point operations of a call."""
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), arguments)
    with jax.default_device(jax.devices("cpu")[0]):
        return jitted.lower(*shapes).cost_analysis()["flops"]


def seconds_of(function):
    """Return the seconds that one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def median_seconds(function):
    """Return the median of some calls."""
    return statistics.median(seconds_of(function) for _ in range(ROUNDS))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", default=SHIPPED, metavar="FILE", help="of a color denoiser")
    parser.add_argument("--photographs", default="", metavar="FOLDER", help="that lie on the device in training")
    parser.add_argument("--count", type=int, default=0, help="photographs to take; 0 for all")
    parser.add_argument("--megapixels", type=float, default=24.0, help="of the large picture")
    parser.add_argument("--tiles", type=int, default=16)
    parser.add_argument("--tile", type=int, default=512, help="side, pixels")
    parser.add_argument("--batch-size", type=int, default=0, help="of training; 0 for the recipe's")
    parser.add_argument("--steps", type=int, default=50, help="of training, and passes, in a round")
    parser.add_argument("--peak", type=float, default=989.0, help="TFLOP/s of the card; an H100's by default")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.megapixels, arguments.tiles, arguments.tile = 0.3, 2, 64
        arguments.batch_size, arguments.steps = 2, 2
    elif jax.default_backend() == "cpu":
        print("This jax has no GPU, nothing is measured; --smoke shows that it would work.")
        return

    pictures = photographs(arguments.photographs, arguments.count)
    rates = [of_denoise(arguments.weights, large(pictures[0], arguments.megapixels))]
    for dtype in ("float32", "bfloat16"):
        rates.append(of_network(arguments.weights, dtype, arguments.tiles, arguments.tile, arguments.steps))
    rates.append(of_training(pictures, arguments.batch_size, arguments.steps))
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}; peak {arguments.peak:g} TFLOP/s")
    rows = []
    for rate in rates:
        row = [rate.name, f"{1 / rate.seconds:.2f}", f"{rate.pixels / rate.seconds / 1e6:.1f}"]
        if rate.operations is None:
            row += ["", ""]
        else:
            speed = rate.operations / rate.seconds / 1e12
            row += [f"{speed:.2f}", f"{speed / arguments.peak:.1%}"]
        rows.append([*row, f"{rate.compiling:.1f}"])
    print_table(["what", "a second", "MP/s", "TFLOP/s", "of the peak", "compiling, s"], rows)


if __name__ == "__main__":
    main()
