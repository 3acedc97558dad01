"""Group normalization of 8x48x48x64, forward: what differs most between versions of jax on a CPU.

    python benchmarks/group_norm.py [--rounds 200]

The table has the least and the median time of a round. Run it with each Python that is compared; the peer is the same
line of another version.
"""

import argparse
import platform
import statistics
import sys
import time
from pathlib import Path

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from colorjax.models.normalization import GroupNorm  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    features = jax.device_put(np.random.default_rng(0).normal(size=(8, 48, 48, 64)).astype(np.float32))
    model = GroupNorm()
    variables = model.init(jax.random.key(0), features)
    apply = jax.jit(model.apply)
    apply(variables, features).block_until_ready()  # compiles
    times = []
    for _ in range(arguments.rounds):
        begin = time.perf_counter()
        apply(variables, features).block_until_ready()
        times.append(1000 * (time.perf_counter() - begin))
    python = platform.python_version()
    print(
        f"jax {jax.__version__}, Python {python}: {min(times):.2f} ms at least, {statistics.median(times):.2f} median"
    )


if __name__ == "__main__":
    main()
