"""Scribble colorization (Levin, Lischinski and Weiss): colorjax's multigrid solver against SciPy's `splu`.

    python benchmarks/scribbles.py                 # 256 and 512
    python benchmarks/scribbles.py --full          # and 1024, where splu takes minutes
    python benchmarks/scribbles.py --sizes 128 300

Both sides get the same picture (a photograph of scikit-image's wheel; beyond 512 pixels its mirror images join it, so
that its detail stays a photograph's) and the same scribbles, and return I and Q of every pixel. On SciPy's side the
matrix is ready in float64; timed are the factorization and the two solutions, by `splu` as it is called by default
(COLAMD) and by `splu` with the ordering and the options that suit this matrix (MMD of A + A^T, no pivoting). On
colorjax's side everything is timed from the picture to the colors: weights, hierarchy, iterations. Its compilation,
which happens once a size, is in a column of its own and not in the ratio.
Our runs are taken before and after each of SciPy's, so that a busy machine slows both; the table has medians.
`error` is the largest difference of I or Q to the direct solution.
"""

import argparse
import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import statistics
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from skimage import color, data

sys.path.insert(0, str(Path(__file__).parents[1]))

from colorjax.methods.scribble import levin  # noqa: E402
from colorjax.methods.scribble.hints import draw_scribbles  # noqa: E402
from colorjax.methods.scribble.method import Scribble  # noqa: E402

TARGETS = {512: 10, 1024: 30}
SYMMETRIC = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}


def problem(size):
    """Return Y [size, size], I and Q [size, size, 2], and the mask of scribbles."""
    photograph = data.astronaut()
    repeats = -(-size // 512)
    row = np.concatenate([photograph[:, :: 1 - 2 * (i % 2)] for i in range(repeats)], axis=1)
    picture = np.concatenate([row[:: 1 - 2 * (i % 2)] for i in range(repeats)])[:size, :size] / 255
    yiq = color.rgb2yiq(picture).astype(np.float32)
    mask = draw_scribbles(picture, seed=0, count=Scribble.count, length=size // 16).mask
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


def measure(size):
    """Print the table's row for one size."""
    luminance, chroma, mask = problem(size)
    matrix, right = sparse_system(luminance, chroma, mask)
    settings = Scribble()

    def ours():
        solution = levin.propagate(luminance, chroma, mask, settings.tolerance, settings.max_iterations)
        return solution._replace(x=np.asarray(solution.x))

    _, first = timed(ours)
    solution, *_ = warm = [timed(ours) for _ in range(3)][-1]
    runs = [warm[1]]
    exact, default = timed(lambda: scipy.sparse.linalg.splu(matrix).solve(right))
    runs += [timed(ours)[1] for _ in range(2)]
    _, ordered = timed(lambda: scipy.sparse.linalg.splu(matrix, **SYMMETRIC).solve(right))
    runs += [timed(ours)[1] for _ in range(2)]
    run = statistics.median(runs)
    error = np.abs(np.moveaxis(solution.x, 0, -1).reshape(-1, 2) - exact).max()
    target = f"{TARGETS[size]}x" if size in TARGETS else ""
    print(
        f"{size:>5} {default:>9.2f} {ordered:>11.2f} {first - run:>9.1f} {run:>9.3f} {int(solution.iterations):>7} "
        f"{default / run:>7.1f}x {ordered / run:>9.1f}x {target:>7} {error:>8.0e}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512], help="pixels along a side")
    parser.add_argument("--full", action="store_true", help="adds 1024, where splu takes minutes")
    arguments = parser.parse_args()
    print("                splu, s           colorjax, s                   ratio to splu")
    print(" size   default  reordered   compile       run  cycles  default reordered  target    error")
    for size in arguments.sizes + [1024] * arguments.full:
        measure(size)


if __name__ == "__main__":
    main()
