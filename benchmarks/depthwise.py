"""Depthwise convolution by shifts against XLA's own grouped one, at the sizes of EfficientNet-Lite0, on a CPU.

    python benchmarks/depthwise.py [--rounds 10]

Forward alone, with 4 pictures of 224x224. The table has the least time of a round; compiling is not in it. The last
line is the whole network's forward pass with one and with the other.
"""

import argparse
import sys
import time
from pathlib import Path

import jax
import numpy as np
from jax import lax

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from colorjax.models import depthwise  # noqa: E402
from colorjax.models.efficientnet_lite import EfficientNetLite  # noqa: E402

# Side, channels, kernel size and stride of the layers that take longest.
LAYERS = ((112, 96, 3, 2), (56, 144, 3, 1), (56, 144, 5, 2), (28, 240, 5, 1), (14, 480, 3, 1), (14, 672, 5, 1))
BATCH = 4


def grouped(features, kernel, stride=1):
    """XLA's own depthwise convolution."""
    layout, strides = ("NHWC", "HWIO", "NHWC"), (stride, stride)
    return lax.conv_general_dilated(
        features, kernel[:, :, None], strides, "SAME", dimension_numbers=layout, feature_group_count=features.shape[-1]
    )


def least_time(function, arguments, rounds):
    function(*arguments).block_until_ready()  # compiles
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        function(*arguments).block_until_ready()
        times.append(1000 * (time.perf_counter() - begin))
    return min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    random = np.random.default_rng(0)
    print(f"{'layer':<28}{'shifts, ms':>12}{'grouped, ms':>13}{'ratio':>8}")

    def line(name, shifts, by_xla):
        print(f"{name:<28}{shifts:>12.2f}{by_xla:>13.2f}{by_xla / shifts:>8.1f}")

    for side, channels, size, stride in LAYERS:
        arguments = jax.device_put(
            (
                random.standard_normal((BATCH, side, side, channels)).astype(np.float32),
                random.standard_normal((size, size, channels)).astype(np.float32),
            )
        )
        times = [
            least_time(jax.jit(lambda f, k, own=own, s=stride: own(f, k, s)), arguments, rounds)
            for own in (depthwise.depthwise_convolution, grouped)
        ]
        line(f"{side}x{side}x{channels}, {size}x{size} / {stride}", *times)
    module = EfficientNetLite(0)
    images = jax.device_put(random.standard_normal((BATCH, 224, 224, 3)).astype(np.float32))
    variables = jax.jit(module.init)(jax.random.key(0), images)

    def time_of_network():
        network = jax.jit(lambda variables, images: module.apply(variables, images)["logits"])
        return least_time(network, (variables, images), rounds)

    shifts = time_of_network()
    depthwise.depthwise_convolution = grouped
    line(f"EfficientNet-Lite0, {BATCH} pictures", shifts, time_of_network())


if __name__ == "__main__":
    main()
