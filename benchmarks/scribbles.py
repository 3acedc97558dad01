"""Scribble colorization (Levin, Lischinski and Weiss): nested dissection against SciPy's `splu`, and what a copy loses.

    python benchmarks/scribbles.py                      # 256, 512 and 1024; minutes
    python benchmarks/scribbles.py --cores=1            # both sides on one core
    python benchmarks/scribbles.py --full               # splu's default ordering at 1024, too: several minutes more
    python benchmarks/scribbles.py --sizes 128 300
    python benchmarks/scribbles.py --loss --pictures=FOLDER    # only the second table, from your own photographs

The first table. Both sides get the same picture (a photograph of scikit-image's wheel; beyond 512 pixels its mirror
images join it, so that its detail stays a photograph's) and the same scribbles, and return I and Q of every pixel. On
SciPy's side the matrix is ready in float64; timed are the factorization and the two solutions, by `splu` as it is
called by default (COLAMD) and by `splu` with the ordering and the options that suit this matrix (MMD of A + A^T, no
pivoting). On colorjax's side everything is timed from the picture to the colors. Our runs are taken before and after
each of SciPy's, so that a busy machine slows both; the table has medians. `error` is the largest difference of I or Q
to SciPy's solution. `first result` is a new process from its start to the colored picture: interpreter, imports and
compilation included, with no program kept from before. Its last rows are pictures that are solved on a copy.

The second table. The same photographs with 40 scribbles, solved exactly, and on copies with a share of their pixels:
PSNR of the colored picture to the exactly solved one, and of both to the true colors.
"""

import argparse
import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import functools
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from skimage import color, data, io, transform

sys.path.insert(0, str(Path(__file__).parents[1]))

from colorjax.methods.scribble.hints import draw_scribbles  # noqa: E402
from colorjax.methods.scribble.levin import propagate  # noqa: E402
from colorjax.methods.scribble.reduced_size import propagate_reduced  # noqa: E402

TARGETS = {512: 10, 1024: 30}
SYMMETRIC = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
LARGE = ((1500, 1000), (4000, 3000))  # pictures of which only the first result is timed
SHARES = (2, 4, 8)
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")

# A whole program, whose gray picture and hints are random: the time does not depend on what is in them.
FIRST = """
import numpy as np
from colorjax.methods import Observation, Scribble
from colorjax.methods.scribble.hints import draw_scribbles
random = np.random.default_rng(0)
gray = np.repeat(random.random(({height}, {width}, 1), np.float32), 3, axis=-1)
hints = draw_scribbles(random.random(gray.shape, np.float32), 0, count=40, length=20)
Scribble().restore(Observation(gray, hints=hints))
"""


def problem(size):
    """Return Y [size, size], I and Q [size, size, 2], and the mask of scribbles."""
    photograph = data.astronaut()
    repeats = -(-size // 512)
    row = np.concatenate([photograph[:, :: 1 - 2 * (i % 2)] for i in range(repeats)], axis=1)
    picture = np.concatenate([row[:: 1 - 2 * (i % 2)] for i in range(repeats)])[:size, :size] / 255
    yiq = color.rgb2yiq(picture).astype(np.float32)
    mask = draw_scribbles(picture, seed=0, count=40, length=size // 16).mask
    return yiq[..., 0], yiq[..., 1:], mask


def sparse_system(luminance, chroma, mask):
    """Return the matrix and the right sides of the whole system in float64, by NumPy alone."""
    height, width = luminance.shape
    luminance = luminance.astype(np.float64)
    padded = np.pad(luminance, 1, constant_values=np.nan)
    index = np.arange(height * width).reshape(height, width)
    indices = np.pad(index, 1, constant_values=-1)
    offsets = [(y, x) for y in range(3) for x in range(3)]
    windows = np.stack([padded[y : y + height, x : x + width] for y, x in offsets])
    columns = np.stack([indices[y : y + height, x : x + width] for y, x in offsets])
    variance = np.nanvar(windows, axis=0)
    neighbors = [k for k, offset in enumerate(offsets) if offset != (1, 1)]
    squares, columns = np.square(windows[neighbors] - luminance), columns[neighbors]
    spread = np.maximum(np.maximum(0.6 * variance, -np.nanmin(squares, axis=0) / np.log(0.01)), 2e-6)
    weights = np.exp(-squares / spread)
    weights /= np.nansum(weights, axis=0)
    there = (columns >= 0) & ~mask
    rows = np.broadcast_to(index, columns.shape)
    off_diagonal = scipy.sparse.csc_matrix((weights[there], (rows[there], columns[there])), shape=2 * (index.size,))
    right = np.where(mask[..., None], chroma.astype(np.float64), 0).reshape(-1, 2)
    return (scipy.sparse.identity(index.size, format="csc") - off_diagonal).tocsc(), right


def timed(function):
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def first_result(height, width):
    """Return the seconds from the start of a process to its colored picture of this size."""
    command = [sys.executable, "-c", FIRST.format(height=height, width=width)]
    environment = os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    run = functools.partial(subprocess.run, command, cwd=Path(__file__).parents[1], env=environment, check=True)
    return timed(run)[1]


def measure(size, with_default):
    """Print the first table's row for one size."""
    luminance, chroma, mask = problem(size)
    matrix, right = sparse_system(luminance, chroma, mask)

    def ours():
        return propagate(luminance, chroma, mask)

    x, _ = timed(ours)
    runs = [timed(ours)[1]]
    exact, ordered = timed(lambda: scipy.sparse.linalg.splu(matrix, **SYMMETRIC).solve(right))
    runs += [timed(ours)[1] for _ in range(2)]
    default = timed(lambda: scipy.sparse.linalg.splu(matrix).solve(right))[1] if with_default else None
    runs += [timed(ours)[1] for _ in range(2)]
    run = statistics.median(runs)
    error = np.abs(x.reshape(-1, 2) - exact).max()
    target = f"{TARGETS[size]}x" if size in TARGETS else ""
    seconds, ratio = (f"{default:.2f}", f"{default / run:.1f}x") if default else ("-", "-")
    print(
        f"{f'{size}x{size}':>10} {seconds:>9} {ordered:>11.2f} {run:>9.3f} {ratio:>9} "
        f"{ordered / run:>9.1f}x {target:>7} {error:>8.0e} {first_result(size, size):>9.1f}",
        flush=True,
    )


def psnr(picture, truth):
    return -10 * np.log10(np.square(picture.clip(0, 1) - truth.clip(0, 1)).mean())


def loss(name, picture):
    """Print and return the second table's row for one photograph [H, W, 3] in [0, 1]."""
    height, width = picture.shape[:2]
    hints = draw_scribbles(picture, seed=1, count=40, length=max(20, max(height, width) // 16))
    yiq = color.rgb2yiq(picture).astype(np.float32)
    luminance = np.round(255 * yiq[..., 0]) / np.float32(255)  # as a gray picture of 8 bits has it

    def colored(chroma):
        return color.yiq2rgb(np.concatenate([luminance[..., np.newaxis], chroma], axis=-1))

    exact = colored(propagate(luminance, yiq[..., 1:], hints.mask))
    row = [psnr(exact, picture)]
    for share in SHARES:
        copy = colored(propagate_reduced(luminance, yiq[..., 1:], hints.mask, luminance.size // share))
        row += [psnr(copy, exact), psnr(copy, picture)]
    print_loss(name[:24], f"{width}x{height}", row)
    return row


def print_loss(name, size, row):
    print(f"{name:<24} {size:>10} {row[0]:>9.2f}" + "".join(f"{value:>11.2f}" for value in row[1:]), flush=True)


def losses(folder, count, side):
    """Print the second table."""
    if folder is None:
        pictures = {name: getattr(data, name)() for name in PHOTOGRAPHS}
    else:
        paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        pictures = {path.name: io.imread(path)[..., :3] for path in paths[:: max(1, len(paths) // count)][:count]}
    heads = "".join(f"{f'1/{share}: exact':>11}{'truth':>11}" for share in SHARES)
    print(f"{'PSNR, dB':<24} {'size':>10} {'exact':>9}{heads}")
    rows = []
    for name, picture in pictures.items():
        scale = min(1.0, side / max(picture.shape[:2]))
        picture = picture / 255
        if scale < 1:
            picture = transform.rescale(picture, scale, channel_axis=-1, anti_aliasing=True)
        rows.append(loss(name, picture))
    print_loss("mean", "", np.mean(rows, axis=0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024], help="pixels along a side")
    parser.add_argument("--full", action="store_true", help="splu's default ordering beyond 512, too")
    parser.add_argument("--cores", type=int, help="use this many")
    parser.add_argument("--loss", action="store_true", help="only what a copy loses")
    parser.add_argument("--pictures", metavar="FOLDER", help="photographs for that (default: scikit-image's)")
    parser.add_argument("--count", type=int, default=12, help="of the folder's photographs")
    parser.add_argument("--side", type=int, default=1024, help="longer ones are made smaller, pixels")
    arguments = parser.parse_args()
    if arguments.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    if not arguments.loss:
        print("                  splu, s          colorjax     ratio to splu                       first result")
        print("      size   default   reordered         s   default reordered  target    error         s")
        for size in arguments.sizes:
            measure(size, arguments.full or size <= 512)
        for width, height in LARGE:
            print(f"{f'{width}x{height}':>10} {first_result(height, width):>77.1f}", flush=True)
        print()
    losses(arguments.pictures, arguments.count, arguments.side)


if __name__ == "__main__":
    main()
