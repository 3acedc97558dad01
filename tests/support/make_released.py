"""Write what a release leaves on people's disks, small, as a new folder of `tests/released/`.

    python tests/support/make_released.py tests/released/VERSION

It runs the `launch.py` of the current directory, so an earlier version is written from a checkout of it. The runs stop
half way by SIGTERM, as a person's do, and what they would have come to is written beside them.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

CONFIGS = Path(__file__).with_name("released_configs.py")
#: name of a config -> the command and the picture that its network is tried with
NETWORKS = {
    "denoise": ("denoise", "picture.png"),
    "denoise_gray": ("denoise", "gray.png"),
    "bias_free": ("denoise", "picture.png"),
    "colorize": ("colorize", "picture.png"),
    "colorize_bins": ("colorize", "picture.png"),
}
#: what no later command reads, and would only make the folder large
NEEDLESS = (
    "search/runs/trial-0/checkpoints",
    "tensorboard",
    "code",
    "logs",
    "workers",
    "versions.json",
    "changes-*.diff",
    ".*.lock",
    "table.md",
    "pictures.csv",
    "*.html",
)


def launch(*words):
    """Run a command of `launch.py` to its end."""
    subprocess.run([sys.executable, "launch.py", *map(str, words)], check=True)


def begin(history, step, *words):
    """Run a command until the run whose history this is has taken `step` steps, then stop it."""
    process = subprocess.Popen([sys.executable, "launch.py", *map(str, words)])
    while not history.exists() or not any(json.loads(line)["step"] >= step for line in history.open()):
        if process.poll() is not None:
            raise RuntimeError(f"it ended before step {step}")
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    if process.wait() != 75:
        raise RuntimeError(f"it was not stopped, but ended with {process.returncode}")


def pictures(folder):
    """Write a picture with edges, a ramp and a texture, in color and in gray."""
    y, x = np.mgrid[:40, :56]
    shape = np.hypot(y - 18, x - 30) < 12
    colors = np.stack([x / 56, y / 40, 0.5 + 0.3 * np.sin(x / 3.0)], -1)
    colors[shape] = 0.2 + 0.6 * colors[shape][:, ::-1]
    noise = np.random.default_rng(0).normal(0, 0.06, colors.shape)
    picture = Image.fromarray(np.uint8(np.clip(colors + noise, 0, 1) * 255))
    picture.save(folder / "picture.png")
    picture.convert("L").save(folder / "gray.png")


def networks(folder, configs):
    """Write a file of weights for each of `NETWORKS`, and what it makes of the picture."""
    pictures(folder)
    for name, (command, tried) in NETWORKS.items():
        with tempfile.TemporaryDirectory() as scratch:
            launch("train", f"--config={configs}:{name}", f"--workdir={scratch}/run")
            launch("export", f"--workdir={scratch}/run", f"--output={folder / name}.safetensors")
            launch(command, folder / tried, f"--weights={folder / name}.safetensors", f"--output={scratch}/out")
            shutil.copy(Path(scratch) / "out" / tried, folder / f"{name}.png")


def begun_run(folder, configs):
    """Write a run that was stopped, and the history of one that was not."""
    config = f"--config={configs}:begun"
    begin(folder / "begun/history.jsonl", 8, "train", config, f"--workdir={folder / 'begun'}")
    with tempfile.TemporaryDirectory() as scratch:
        launch("train", config, f"--workdir={scratch}/run")
        shutil.copy(Path(scratch) / "run/history.jsonl", folder / "begun-whole.jsonl")


def begun_search(folder, configs):
    """Write a search that was stopped in its second trial, and the values of one that was not."""
    words = "search", f"--config={configs}:begun", "--search.trials=2", "--search.pruner=none"
    begin(folder / "search/runs/trial-1/history.jsonl", 8, *words, f"--workdir={folder / 'search'}")
    with tempfile.TemporaryDirectory() as scratch:
        launch(*words, f"--workdir={scratch}/search")
        for history in sorted(Path(scratch).glob("search/runs/*/history.jsonl")):
            shutil.copy(history, folder / f"search-{history.parent.name}.jsonl")


def table(folder, configs):
    """Write a table's folder, with the measurements that it keeps."""
    launch("table", f"--config={configs}:table", f"--workdir={folder / 'table'}")


def main(target):
    """Write the folder `target`, which must not be there."""
    target.mkdir(parents=True)
    configs = shutil.copy(CONFIGS, target / "configs.py")  # those of this release, whatever they are changed to later
    with tempfile.TemporaryDirectory() as cache:
        os.environ["COLORJAX_CACHE"] = cache
        networks(target, configs)
        begun_run(target, configs)
        begun_search(target, configs)
        table(target, configs)
    for pattern in NEEDLESS:
        for path in list(target.rglob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for pattern in ("state.json", "sweep.json", "commit_success.txt"):  # where it was written is nobody's business
        for path in target.rglob(pattern):
            path.write_text(path.read_text().replace(str(target), "/released"))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
