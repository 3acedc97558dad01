"""The training step of the fusion colorizer with its embedding computed in the step and with it kept from before.

    python benchmarks/fusion.py                                   # experiments/fusion.py:smoke: 8x128x128, width 16
    python benchmarks/fusion.py --width 64 --encoder_width 512 --size 400 --batch 2      # as in the paper

Three steps on one device, all else alike: `patch`, the frozen Inception-ResNet-v2 sees each patch (config.model.
embedding_of); `photograph`, the embedding of the whole photograph is looked up; `zero`, there is none. The rounds
interleave them; the ratios are medians of those within a round. The branch has random weights, which take as long as
trained ones. The time that it takes to compute an embedding is what `photograph` takes once a photograph.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import jax  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402

from colorjax.config.tables import model_config  # noqa: E402
from colorjax.models import build_model  # noqa: E402
from colorjax.objectives import Supervised  # noqa: E402

# noqa: E402
from colorjax.tasks import Colorize  # noqa: E402
from colorjax.training.conditioning import conditioning_by_photograph, conditioning_in_step  # noqa: E402
from colorjax.training.state import create_state  # noqa: E402
from colorjax.training.step import make_step  # noqa: E402

PHOTOGRAPHS = 20


def contestant(arguments, **fields):
    """Return a function that takes one training step."""
    shared = {name: getattr(arguments, name) for name in ("width", "encoder_width", "dtype")}
    model = build_model(model_config("fusion", weights="random", **shared, **fields), output_channels=2)
    task, optimizer = Colorize("squared_error"), optax.adam(1e-4)
    frozen = model.frozen().variables
    random = np.random.default_rng(0)
    if fields.get("embedding_of") == "photograph":
        conditioning, resident = conditioning_by_photograph, {"embedding": random.normal(size=(PHOTOGRAPHS, 1000))}
        resident = jax.device_put(jax.tree.map(np.float32, resident))
    else:
        conditioning, resident = conditioning_in_step(model), frozen
    state = [jax.jit(lambda: create_state(0, Supervised(model, task), optimizer, False, frozen))()]
    step = make_step(
        Supervised(model, task),
        optimizer,
        lambda _: 1e-4,
        lambda batch, _: batch["picture"],
        0,
        0.0,
        conditioning=conditioning,
    )
    step = jax.jit(step, donate_argnums=0)
    batch = jax.device_put(
        {
            "index": np.arange(arguments.batch, dtype=np.uint32),
            "photograph": random.integers(PHOTOGRAPHS, size=arguments.batch, dtype=np.int32),
            "picture": random.uniform(size=(arguments.batch, arguments.size, arguments.size, 3)).astype(np.float32),
        }
    )

    def run():
        state[0], metrics = step(state[0], batch, resident)
        metrics["loss"].block_until_ready()

    return run


def seconds(function):
    """Return the seconds that one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--encoder_width", type=int, default=128)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    arguments = parser.parse_args()
    steps = {
        "patch": contestant(arguments, embedding_of="patch"),
        "photograph": contestant(arguments, embedding_of="photograph"),
        "zero": contestant(arguments, embedding="zero"),
    }
    device = jax.devices()[0]
    print(
        f"{arguments.batch}x{arguments.size}x{arguments.size}, width {arguments.width}, {arguments.dtype}, "
        f"{device.device_kind}, medians of {arguments.rounds} rounds"
    )
    first = {name: seconds(step) for name, step in steps.items()}
    times = {name: [] for name in steps}
    for _ in range(arguments.rounds):
        for name, step in steps.items():
            times[name].append(seconds(step))
    print(f"{'embedding of':14}{'first':>9}{'median':>9}{'least':>9}{'patch / this':>15}")
    for name, theirs in times.items():
        ratio = statistics.median(p / t for p, t in zip(times["patch"], theirs, strict=True))
        print(f"{name:14}{first[name]:8.2f}s{statistics.median(theirs):8.3f}s{min(theirs):8.3f}s{ratio:15.2f}")


if __name__ == "__main__":
    main()
