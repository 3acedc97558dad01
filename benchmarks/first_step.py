"""Seconds from `launch.py train` to the first step, with an empty cache of compiled programs, a warm one, and none.

    python benchmarks/first_step.py

A start is timed from the command to the first step's line in history.jsonl, and then ended. Each round starts once
without the cache (JAX_ENABLE_COMPILATION_CACHE=false), once with an empty one, and once with what that start left
there; the table has the least times of the rounds, since whatever else the machine does makes a start only longer. The
photographs are those in the scikit-image wheel, prepared before; a first start, not timed, brings Python's modules into
memory.

Where the 7 s of a warm start of `smoke` go: 2.3 s to imports, 1.2 s to the weights of a new network (tracing, reading
what was compiled, running), 0.3 s to the data, 2.3 s to the step (1.4 s tracing, 0.3 s lowering, 0.6 s reading), 0.7 s
to the first step itself (2 CPU cores, AMD EPYC, jax 0.10.2). A start without the cache compiles for 9 s beside that: 6
s the step, 2.5 s the weights. On that machine, which others used too: smoke 20.0 s without the cache, 17.6 s with an
empty one, 6.5 s with a warm one; width 64 23.5, 18.8 and 9.3 s.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LAUNCH = Path(__file__).resolve().parents[1] / "launch.py"
PAUSE = 0.01  # seconds between two looks at the history
LIMIT = 600  # seconds for a start
# name -> what differs from experiments/colorize_unet.py:smoke, whose network has width 16 and steps of 8x128x128
CASES = {
    "smoke, width 16": (),
    "as in the paper, width 64": ("--config.model.width=64", "--config.training.batch_size=1"),
}
CACHES = ("off", "empty", "warm")


def command(name, folder, settings):
    return [
        *(sys.executable, str(LAUNCH), name, "--config", f"{LAUNCH.parent}/experiments/colorize_unet.py:smoke"),
        *(f"--config.data.data_dir={folder}/data", *settings),
    ]


def first_step(settings, folder, cache):
    """Return the seconds that a start takes to its first step; `cache` is a folder, or None for no cache."""
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "COLORJAX_CACHE": str(cache or folder)}
    if cache is None:
        environment["JAX_ENABLE_COMPILATION_CACHE"] = "false"
    with tempfile.TemporaryDirectory(dir=folder) as workdir:
        # A checkpoint after each step: the loop then looks at its metrics at once, not while the next one runs.
        each = ("--config.training.checkpoint_every=1", "--config.training.log_every=1", "--workdir", workdir)
        history = Path(workdir) / "history.jsonl"
        with (Path(folder) / "output").open("w+") as output:
            begin = time.perf_counter()
            words = command("train", folder, (*settings, *each))
            process = subprocess.Popen(words, env=environment, stdout=output, stderr=output)
            try:
                while not (history.exists() and history.stat().st_size):
                    if process.poll() is not None or time.perf_counter() - begin > LIMIT:
                        output.seek(0)
                        sys.exit(f"no first step within {time.perf_counter() - begin:.0f} s:\n{output.read()}")
                    time.sleep(PAUSE)
                return time.perf_counter() - begin
            finally:
                process.kill()
                process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(command("prepare", folder, ()), check=True, capture_output=True)
        first_step((), folder, None)
        print(f"{'':28}" + "".join(f"{f'cache {cache}':>14}" for cache in CACHES) + f"{'off / warm':>14}")
        for name, settings in CASES.items():
            times = {cache: [] for cache in CACHES}
            for _ in range(options.rounds):
                with tempfile.TemporaryDirectory(dir=folder) as cache:
                    for which, place in zip(CACHES, (None, cache, cache), strict=True):
                        times[which].append(first_step(settings, folder, place))
            least = {cache: min(of_cache) for cache, of_cache in times.items()}
            print(f"{name:28}" + "".join(f"{seconds:12.1f} s" for seconds in least.values()), end="")
            print(f"{least['off'] / least['warm']:14.1f}", flush=True)


if __name__ == "__main__":
    main()
