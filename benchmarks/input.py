"""Patches a second of the input pipeline against a PyTorch DataLoader that does the same work.

    python benchmarks/input.py [--workers=2] [--batch-size=32] [--rounds=5]

in an environment with requirements-benchmarks.txt. Both sides have as many worker processes, and for every patch
read a JPEG (of ADE20K's usual size, made from scikit-image's photographs), decode it with OpenCV and cut a 256x256
patch from it with the same functions. Ours reads array_record files through grain, PyTorch's the JPEG files. The
rows differ in how patches are cut: at whole pixels, as in the paper, or zoomed and turned too.

By default the pipeline keeps decoded photographs in memory as far as they fit. That is switched off in the
comparison, and measured by itself in the last row.

The sides take turns, and each first uses up what its workers made ready while the other had its turn. Rates are
medians of the rounds, the ratio is the median of the rounds' ratios.
"""

import argparse
import itertools
import operator
import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import skimage.data
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import datasets  # noqa: E402
from colorjax.config.defaults import run_config  # noqa: E402
from datasets import batching, pipeline  # noqa: E402
from datasets.crops import warp_on_host  # noqa: E402
from datasets.sampling import Draws  # noqa: E402

CACHE_BYTES = pipeline.CACHE_BYTES
CUTS = {
    "whole pixels, mirrored": {"zoom": (1.0, 1.0), "rotate": 0.0},
    "zoomed, turned, mirrored": {"zoom": (0.75, 1.5), "rotate": 15.0},
}


def make_jpegs(folder: Path, count: int) -> None:
    """Write different crops of scikit-image's photographs as JPEGs of 512x683, ADE20K's commonest size."""
    sources = [getattr(skimage.data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")]
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for number in range(count):
        source = sources[number % len(sources)]
        height, width = source.shape[:2]
        cut_height, cut_width = int(height * random.uniform(0.7, 1)), int(width * random.uniform(0.7, 1))
        top, left = random.integers(height - cut_height + 1), random.integers(width - cut_width + 1)
        cut = source[top : top + cut_height, left : left + cut_width, ::-1]
        picture = cv2.resize(cut, (683, 512), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{number:04d}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])


class TorchPatches(torch.utils.data.Dataset):
    """The same work as a PyTorch data set."""

    def __init__(self, paths: list[Path], draws: Draws, length: int):
        self.paths, self.draws, self.length = paths, draws, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> torch.Tensor:
        path = self.paths[self.draws.photograph(index, len(self.paths))]
        encoded = np.frombuffer(path.read_bytes(), np.uint8)
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        picture = cv2.cvtColor(cv2.imdecode(encoded, flags), cv2.COLOR_BGR2RGB)
        matrix = self.draws.crop(index, *picture.shape[:2])
        patch = warp_on_host(picture, matrix, self.draws.patch_size, self.draws.samples(*picture.shape[:2]))
        return torch.from_numpy(np.ascontiguousarray(patch))


def begin_torch_worker(worker: int) -> None:
    cv2.setNumThreads(0)


def torch_batches(paths, config, batch_size, steps):
    loader = torch.utils.data.DataLoader(
        TorchPatches(paths, Draws.from_config(config, seed=0), batch_size * steps),
        batch_size=batch_size,
        num_workers=config.workers,
        prefetch_factor=batching.READY_BATCHES,
        worker_init_fn=begin_torch_worker,
        multiprocessing_context="spawn",
    )
    return iter(loader)


def our_batches(config, batch_size, steps, cache_bytes):
    pipeline.CACHE_BYTES = cache_bytes
    return iter(datasets.patches(config, 0, batch_size, start_step=0, steps=steps))


def patches_a_second(sides: dict, rounds: int, batch_size: int, ready: int) -> dict[str, list[float]]:
    """Let each side make batches in turn; return each side's rate in every round."""
    rates = {name: [] for name in sides}
    for _, (name, batches) in itertools.product(range(rounds + 1), sides.items()):
        for _ in range(ready):
            next(batches)
        began = time.perf_counter()
        for _ in range(MEASURED):
            next(batches)
        rates[name].append(MEASURED * batch_size / (time.perf_counter() - began))
    # The first round starts the processes.
    return {name: values[1:] for name, values in rates.items()}


MEASURED = 16  # batches in a turn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photographs", type=int, default=200)
    arguments = parser.parse_args()
    # More than a worker can have ready when a turn begins, in its queue, its reading thread and on the way.
    ready = arguments.workers * 6 * batching.READY_BATCHES
    steps = (arguments.rounds + 2) * (MEASURED + ready)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_jpegs(folder / "pictures" / "train", arguments.photographs)
        make_jpegs(folder / "pictures" / "test", 1)
        paths = sorted((folder / "pictures" / "train").iterdir())
        print(f"{arguments.workers} workers, batches of {arguments.batch_size}; patches a second")
        print(f"{'':40} {'colorjax':>9} {'PyTorch':>9} {'ratio':>7}")
        for cut, kept in (*((cut, False) for cut in CUTS), (next(iter(CUTS)), True)):
            config = run_config().data
            config.update(
                {"name": "photo_folder", "source": str(folder / "pictures"), "data_dir": str(folder / "data")}
                | {"workers": arguments.workers, **CUTS[cut]}
            )
            sides = {
                "ours": our_batches(config, arguments.batch_size, steps, CACHE_BYTES if kept else 0),
                "torch": torch_batches(paths, config, arguments.batch_size, steps),
            }
            rates = patches_a_second(sides, arguments.rounds, arguments.batch_size, ready)
            sides["ours"].close()
            title = f"{cut}{', photographs kept' if kept else ''}"
            ours, peer = (statistics.median(rates[side]) for side in ("ours", "torch"))
            # Of each round by itself, so that a change of the machine's load between rounds does not count.
            ratio = statistics.median(map(operator.truediv, rates["ours"], rates["torch"]))
            print(f"{title:40} {ours:9.0f} {peer:9.0f} {ratio:7.2f}", flush=True)


if __name__ == "__main__":
    main()
