"""Pictures in tiles against the same in one piece: quality, seams, time and memory, for each kind of statistics.

    python benchmarks/tiles.py                                   # photographs of the scikit-image wheel, 24 megapixels
    python benchmarks/tiles.py --photographs FOLDER --megapixels 24 100
    python benchmarks/tiles.py --photographs FOLDER --megapixels --tile 512 --mosaic 1536

The tiles of the first table are small (--tile), so that a photograph has many borders; those of the second are what
`launch.py denoise` takes.

Quality: Gaussian noise of 15, 25 and 50 of 255, not clipped; restored pictures clipped and rounded to 8 bits; means
over the photographs. `whole` is the network on the whole picture, `one piece` the same with the statistics in question,
and `tiles` what this project does. `apart` is the PSNR between the last two. `seams` is the mean absolute error within
8 pixels of the middle of an overlap over that further inside, and `untiled` the same of `one piece`: where borders
show, the first is larger.

Time and memory: a process for each row, on a picture of that size made of mirrored photographs, 8 bits; the picture and
the result are in the memory that is given, and jax itself.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import jax  # noqa: E402
import numpy as np  # noqa: E402
from skimage import data  # noqa: E402
from tqdm import tqdm  # noqa: E402

from colorjax import weights  # noqa: E402
from colorjax.inference import group_norm_statistics  # noqa: E402
from colorjax.inference.tiled_network import STATISTICS, TiledNetwork, Tiling, restore  # noqa: E402
from colorjax.models import build_model  # noqa: E402
from colorjax.pictures.find import PICTURE_SUFFIXES  # noqa: E402
from colorjax.pictures.images import read_picture  # noqa: E402
from colorjax.tasks import build_task  # noqa: E402

SIGMAS = (15, 25, 50)
BORDER = 8  # pixels on each side of the middle of an overlap


def network(name):
    """Return the model, its variables on the device, the task and the step of a trained network."""
    trained = weights.load(name)
    task = build_task(trained.config.task)
    model = build_model(trained.config.model, task.output_channels)
    return model, jax.device_put(trained.variables), task, trained.step


def photographs(folder, count):
    """Return `count` photographs of the folder, evenly chosen; without a folder, those of scikit-image's wheel."""
    if not folder:
        return [getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")]
    paths = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    chosen = np.linspace(0, len(paths) - 1, min(count or len(paths), len(paths)))
    return [read_picture(paths[int(index)]) for index in chosen]


def mosaic(pictures, height, width):
    """Return a picture [height, width, 3] of mirrored photographs side by side, so that no edge is at a join."""
    rows = []
    index = 0
    while sum(len(row) for row in rows) < height:
        row = []
        while sum(part.shape[1] for part in row) < width:
            part = pictures[index % len(pictures)]
            row += [part, part[:, ::-1]]
            index += 1
        least = min(len(part) for part in row)
        row = np.concatenate([part[:least] for part in row], axis=1)[:, :width]
        rows += [row, row[::-1]]
    return np.concatenate(rows)[:height]


def restored(model, variables, picture, given=None):
    """Return what the network makes of a noisy picture in one piece."""
    given = {} if given is None else {"statistics": given}
    return _restored(model, {**variables, **given}, picture[None])[0]


def _forward(model, variables, pictures):
    return pictures + model.apply(variables, pictures, train=False)


_restored = jax.jit(_forward, static_argnums=0)


def as_file(picture):
    """Return the picture with the values that a file has."""
    return np.rint(np.clip(picture, 0, 1) * 255) / 255


def psnr(one, other):
    """Return the peak signal-to-noise ratio in dB of two pictures in [0, 1]."""
    return -10 * np.log10(max(np.mean(np.square(one - other)), 1e-10))


def seam_mask(rows, columns, height, width):
    """Return where the middle of an overlap is near, [height, width]."""

    def near(side, length):
        positions = np.arange(length) + 0.5
        return np.any([np.zeros(length)] + [abs(positions - middle) < BORDER for middle in side.middles()], axis=0)

    return near(rows, height)[:, None] | near(columns, width)[None, :]


def quality(arguments):
    """Print the table of qualities."""
    model, variables, _, step = network(arguments.weights)
    pictures = photographs(arguments.photographs, arguments.count)
    if arguments.mosaic:
        pictures = [
            mosaic(pictures[start:] + pictures[:start], arguments.mosaic, arguments.mosaic)
            for start in range(0, len(pictures), max(1, len(pictures) // 3))
        ][:3]
    measured = {}
    for number, picture in enumerate(tqdm(pictures)):
        truth = picture.astype(np.float32) / 255
        shape, sides = truth.shape, truth.shape[:2]
        for sigma in SIGMAS:
            noise = np.random.default_rng([number, sigma]).normal(0, sigma / 255, shape)
            noisy = truth + noise.astype(np.float32)
            whole = as_file(restored(model, variables, noisy))
            for kind in STATISTICS:
                tiling = Tiling(arguments.tile, arguments.overlap, 2, kind, arguments.window)
                net = TiledNetwork(model, variables, {}, tiling)
                one_piece = whole
                if kind == "window":
                    given = group_norm_statistics.of_window(model, variables, {}, shape, sides, tiling.window)
                    one_piece = as_file(restored(model, variables, noisy, given))
                tiles = as_file(np.concatenate(list(net.bands(noisy, _same, _corrected))))
                seams = seam_mask(*net.sides(*sides), *sides)
                row = [psnr(whole, truth), psnr(one_piece, truth), psnr(tiles, truth), psnr(tiles, one_piece)]
                for result in (tiles, one_piece):
                    error = abs(result - truth).mean(axis=-1)
                    row.append(error[seams].mean() / error[~seams].mean())
                measured.setdefault((kind, sigma), []).append(row)
    height, width = pictures[0].shape[:2]
    print(
        f"step {step}; {len(pictures)} pictures such as {width}x{height}; tiles of up to {arguments.tile}, "
        f"overlap {arguments.overlap}, window {arguments.window}"
    )
    print(
        f"{'statistics':12}{'sigma':>6}{'whole':>9}{'one piece':>11}{'tiles':>9}{'lost':>8}{'apart':>8}{'seams':>8}",
        end="",
    )
    print(f"{'untiled':>9}")
    for (kind, sigma), rows in measured.items():
        whole, one, tiles, apart, seams, untiled = np.mean(rows, axis=0)
        print(f"{kind:12}{sigma:6}{whole:9.3f}{one:11.3f}{tiles:9.3f}{one - tiles:8.3f}", end="")
        print(f"{apart:8.2f}{seams:8.3f}{untiled:9.3f}")


def _same(picture):
    return picture


def _corrected(outputs, inputs):
    return inputs + outputs


def cost(arguments, kind, megapixels):
    """Restore one large picture; return seconds, processor seconds and peak memory."""
    model, variables, task, _ = network(arguments.weights)
    pictures = photographs(arguments.photographs, 8)
    height = round((megapixels * 1e6 * 2 / 3) ** 0.5)
    picture = mosaic(pictures, height, round(megapixels * 1e6 / height))
    tiling = Tiling(overlap=arguments.overlap, statistics=kind, window=arguments.window)
    restore(model, variables, task, picture[:1500, :1500], tiling)  # compiles
    start, used = time.perf_counter(), time.process_time()
    restore(model, variables, task, picture, tiling)
    return {
        "seconds": time.perf_counter() - start,
        "processor": time.process_time() - used,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def costs(arguments):
    """Print the table of times and memory, a process for each row."""
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores, tiles of up to {Tiling.patch_size}, overlap {arguments.overlap}")
    print(f"{'statistics':12}{'MP':>6}{'s/MP':>9}{'processor s/MP':>16}{'peak memory':>13}")
    for megapixels in arguments.megapixels:
        for kind in STATISTICS if megapixels <= 24 else STATISTICS[:1]:  # they cost much the same
            command = [sys.executable, __file__, *sys.argv[1:], "--one", kind, str(megapixels)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            row = json.loads(done.stdout.splitlines()[-1])
            print(
                f"{kind:12}{megapixels:6g}{row['seconds'] / megapixels:9.2f}{row['processor'] / megapixels:16.2f}"
                f"{row['memory']:10.2f} GB",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", default="denoise_color", help="a denoiser that comes with colorjax, or a file")
    parser.add_argument("--photographs", default="", metavar="FOLDER", help="that it was not trained on")
    parser.add_argument("--count", type=int, default=0, help="photographs to measure on; 0 for all")
    parser.add_argument("--mosaic", type=int, default=0, metavar="SIDE", help="on 3 squares made of them instead")
    parser.add_argument("--tile", type=int, default=128)
    parser.add_argument("--overlap", type=int, default=Tiling.overlap)
    parser.add_argument("--window", type=int, default=Tiling.window)
    parser.add_argument("--megapixels", type=float, nargs="*", default=[24.0])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(cost(arguments, arguments.one[0], float(arguments.one[1]))))
    else:
        quality(arguments)
        costs(arguments)


if __name__ == "__main__":
    main()
