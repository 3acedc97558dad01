"""How long `--help`, `status` and `compare` take, the latter two with 500 finished runs.

    python benchmarks/startup.py [--runs 500] [--lines 100] [--rounds 5]

Makes a sweep of so many runs, each with so many lines of history (one in five a validation), in a temporary folder,
and starts `launch.py` anew for each measurement, the commands in turn. One start of each goes before, so that files
are in memory and compiled and matplotlib has looked for its fonts. The table has the median and the slowest, and the
median of the time that a core was at work, which a busy machine changes less. Aim: less than 3 s each.
"""

import argparse
import json
import math
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from colorjax.config.defaults import total_steps  # noqa: E402
from colorjax.config.serialization import to_plain  # noqa: E402
from colorjax.runs.run_state import RunState, write_state  # noqa: E402
from experiments import colorize_unet  # noqa: E402

TARGET = 3.0  # seconds
SEEDS = 4


def make_runs(directory, count, lines):
    draw = random.Random(0)
    config = colorize_unet.get_config("smoke").copy_and_resolve_references().unlock()
    for i in range(count):
        if i % SEEDS == 0:
            config.optimizer.learning_rate = float(f"{10 ** draw.uniform(-5, -2):.2e}")
            config.optimizer.clip_norm = draw.choice([0.0, 0.5, 1.0])
            config.model.width = draw.choice([16, 32, 64])
            config.model.norm = draw.choice(["group", "batch"])
        config.seed = i % SEEDS
        run = directory / "runs" / f"{i:03d}"
        run.mkdir(parents=True)
        (run / "config.json").write_text(json.dumps(to_plain(config), indent=2))
        write_state(run, RunState("done", "", "node", 1, f"12_{i}", 0.0, 1.0))
        steps = total_steps(config)
        (run / "checkpoints" / str(steps)).mkdir(parents=True)
        ceiling = 26 - (math.log10(config.optimizer.learning_rate) + 3.5) ** 2 + draw.gauss(0, 0.3)
        history = []
        for k in range(1, lines + 1):
            step = steps * k // lines
            line = {"step": step, "kind": "train", "loss": 1 / k, "grad_norm": 0.1, "learning_rate": 1e-3}
            line |= {"examples_per_second": draw.gauss(50, 2)}
            if k % 5 == 0:
                psnr = ceiling - 8 * math.exp(-5 * k / lines) + draw.gauss(0, 0.1)
                line = {"step": step, "kind": "validation", "loss": 1 / k, "psnr": psnr, "ssim": psnr / 30}
                line |= {"mse": 10 ** (-psnr / 10), "ciede2000": 40 - psnr, "colorfulness": -3.0, "accuracy": psnr / 40}
                line |= {"bin_accuracy": 0.5, "precision": 0.2, "sensitivity": 0.2}
            history.append(json.dumps(line) + "\n")
        (run / "history.jsonl").write_text("".join(history))


def timed(words):
    """Return the seconds that a command took, and those that a core worked for it."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "launch.py", *words], cwd=ROOT, check=True, capture_output=True)
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--lines", type=int, default=100, help="of each run's history")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        make_runs(Path(folder), options.runs, options.lines)
        commands = {
            "--help": ["--help"],
            "status": ["status", f"--workdir={folder}"],
            "compare": ["compare", f"--workdir={folder}"],
        }
        for words in commands.values():
            timed(words)
        times = {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, words in commands.items():
                times[name].append(timed(words))
        page = (Path(folder) / "compare.html").stat().st_size

    print(f"{options.runs} finished runs of {options.lines} lines, {options.rounds} rounds (aim: below {TARGET:g} s)")
    print(f"{'':10}{'median, s':>10}{'slowest, s':>12}{'at work, s':>12}")
    for name, pairs in times.items():
        seconds, work = zip(*pairs, strict=True)
        print(f"{name:10}{statistics.median(seconds):10.2f}{max(seconds):12.2f}{statistics.median(work):12.2f}")
    print(f"compare.html: {page / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
