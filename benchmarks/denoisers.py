"""The shipped denoisers against the same networks in PyTorch, two known networks, and scikit-image's denoisers.

    python benchmarks/denoisers.py                                   # 4 photographs of the scikit-image wheel
    python benchmarks/denoisers.py --photographs FOLDER --count 24   # such as CBSD68
    python benchmarks/denoisers.py --weights denoise_color denoise_gray

There is a table for each network of `--weights`, by default all that come with colorjax; for a gray one the pictures
are the photographs' luma.

Whole photographs with Gaussian noise of 15, 25 and 50 of 255, not clipped, the same for all. Each contestant has a
process of its own, all have the same cores, and they take turns at each picture. The table has the median and the least
of the seconds a megapixel over all pictures and noises, and `ours / its`, the median of `colorjax.denoise`'s seconds by
the contestant's for the same picture. `first` is the first call of all; what compiles for a new size of picture is not
in the other seconds. `memory` is the most that the contestant's process held, with all that it imports, after one large
picture (`--megapixels`). PSNR: means over the photographs, of results clipped and rounded to 8 bits.

`colorjax.denoise` takes and gives 8 bits, so its noise is clipped and rounded; `colorjax` is the same network as it is
evaluated, on numbers. PyTorch runs the same weights on the picture in one piece; `torch_denoisers.py` first holds its
outputs to ours. It works eagerly, in two layouts. DnCNN-B (20 layers) and FFDNet have random weights, so their time
alone is measured (at one noise; PyTorch's with channels last, which is the faster for both).

scikit-image's are told sigma, which the networks are not, and use one core. Non-local means is as in scikit-image's own
example of its fast mode, with h = 0.6 sigma, and total variation has the weight sigma: on average the best of 0.3 to
0.8 and of 0.7 to 1.15 sigma on parts of the four photographs. The latter is iterated closer to its minimum than by
default, which at the strongest noise gains 2 dB. Wavelets are BayesShrink's, in YCbCr.

Needs requirements-benchmarks.txt. For rates on a GPU see denoisers_gpu.py.
"""

import argparse
import contextlib
import functools
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# Imports of colorjax, PyTorch and scikit-image are inside of functions: each process is to hold but its contestant.

PRETRAINED = ROOT / "colorjax/pretrained"
SHIPPED = str(PRETRAINED / "denoise_color.safetensors")
SIGMAS = (15, 25, 50)


def colorjax_denoise(weights):
    import colorjax

    return lambda noisy, sigma: colorjax.denoise(noisy, weights=weights)


def colorjax_method(weights):
    from colorjax.methods.method import Observation
    from colorjax.methods.pretrained import Pretrained

    method = Pretrained(weights)
    return lambda noisy, sigma: method.restore(Observation(noisy)).image


def torch_same(weights, layout):
    import torch_denoisers

    found = torch_denoisers.same_network(weights, layout)
    return lambda noisy, sigma: found(noisy)


def torch_random(weights, name):
    import torch_denoisers

    model = getattr(torch_denoisers, name)(torch_denoisers.channels_of(weights))
    found = torch_denoisers.denoiser(model, "channels_last")
    return lambda noisy, sigma: found(noisy)


def colorjax_random(weights, name, told=False, sizes=None):
    """Return our network of that name with random weights, as it is run on the pictures of another network.

    `sizes` are fields of the model by the number of channels of the pictures.
    """
    import jax
    import jax.numpy as jnp

    from colorjax.config import model_config
    from colorjax.methods.method import Observation
    from colorjax.methods.network import NetworkMethod
    from colorjax.models import build_model
    from colorjax.models.network import initial_variables
    from colorjax.tasks import build_task
    from colorjax.weights import load

    config = load(weights).config
    task = build_task({**config.task, "name": config.task.name + ("_told" if told else "")})
    model = build_model(model_config(name, **sizes[task.output_channels]), task.output_channels)
    variables = initial_variables(model, jax.random.key(0), {}, jnp.zeros((1, 8, 8, task.input_channels)))
    method = NetworkMethod(name, model, variables, task, **config.inference)
    return lambda noisy, sigma: method.restore(Observation(noisy, noise=("gaussian", sigma))).image


def non_local_means(weights):
    from skimage.restoration import denoise_nl_means

    settings = {"patch_size": 5, "patch_distance": 6, "fast_mode": True, "channel_axis": -1}
    return lambda noisy, sigma: denoise_nl_means(noisy, h=0.6 * sigma, sigma=sigma, **settings)


def wavelets(weights):
    from skimage.restoration import denoise_wavelet

    settings = {"method": "BayesShrink", "rescale_sigma": True, "channel_axis": -1}
    return lambda noisy, sigma: denoise_wavelet(noisy, sigma=sigma, convert2ycbcr=noisy.shape[2] == 3, **settings)


def total_variation(weights):
    from skimage.restoration import denoise_tv_chambolle

    settings = {"eps": 1e-5, "max_num_iter": 500, "channel_axis": -1}
    return lambda noisy, sigma: denoise_tv_chambolle(noisy, weight=sigma, **settings)


# The published forms: batch normalization of DnCNN is folded into its convolutions.
DNCNN = {channels: {"depth": 20, "norm": "none"} for channels in (1, 3)}
FFDNET = {1: {"width": 64, "depth": 15}, 3: {"width": 96, "depth": 12}}


class Contestant(NamedTuple):
    """`build(weights file)` returns a function of a noisy picture [H, W, C] in [0, 1] and the noise's sigma."""

    build: Callable
    bits: bool = False  # the picture and the result are uint8
    trained: bool = True


OURS = "colorjax.denoise, 8 bits"
CONTESTANTS = {
    OURS: Contestant(colorjax_denoise, bits=True),
    "colorjax": Contestant(colorjax_method),
    "the same network, PyTorch": Contestant(functools.partial(torch_same, layout="contiguous_format")),
    "the same, channels last": Contestant(functools.partial(torch_same, layout="channels_last")),
    "DnCNN-B": Contestant(functools.partial(colorjax_random, name="dncnn", sizes=DNCNN), trained=False),
    "DnCNN-B, PyTorch": Contestant(functools.partial(torch_random, name="DnCNN"), trained=False),
    "FFDNet": Contestant(functools.partial(colorjax_random, name="ffdnet", told=True, sizes=FFDNET), trained=False),
    "FFDNet, PyTorch": Contestant(functools.partial(torch_random, name="FFDNet"), trained=False),
    "non-local means, scikit-image": Contestant(non_local_means),
    "wavelets, scikit-image": Contestant(wavelets),
    "total variation, scikit-image": Contestant(total_variation),
}


def begin(name, weights):
    """Make this process the contestant's."""
    global contestant, run
    contestant = CONTESTANTS[name]
    run = contestant.build(weights)


def measure(picture, number, sigma):
    """Return the seconds that the contestant takes for a picture with noise, and the PSNR of the result."""
    noise = np.random.default_rng([number, sigma]).standard_normal(picture.shape, np.float32)
    given = picture.astype(np.float32) / 255 + noise * np.float32(sigma / 255)
    if contestant.bits:
        given = as_8_bits(given)
    start = time.perf_counter()
    result = run(given, sigma / 255)
    seconds = time.perf_counter() - start
    error = (result if contestant.bits else as_8_bits(result)) - picture.astype(np.float32)
    return seconds, 10 * np.log10(255**2 / np.mean(np.square(error)))


def peak_memory(picture):
    """Return the most bytes that this process has held, after the contestant's run on the picture."""
    measure(picture, 0, 25)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def as_8_bits(picture):
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def compete(arguments):
    """Print a table of all contestants for each network."""
    cores = sorted(os.sched_getaffinity(0))[: arguments.threads]
    os.sched_setaffinity(0, cores)
    os.environ["JAX_PLATFORMS"] = "cpu"
    pictures = photographs(arguments.photographs, arguments.count)
    for weights in files(arguments.weights):
        check = [sys.executable, ROOT / "benchmarks/torch_denoisers.py", "--weights", weights]
        if subprocess.run(check).returncode:
            sys.exit("The networks are not the same, or there is none: nothing is measured.")
        compete_with(weights, pictures, arguments.megapixels, len(cores))


def compete_with(weights, pictures, megapixels, cores):
    """Print the table of a network."""
    from torch_denoisers import channels_of

    if channels_of(weights) == 1:
        pictures = [luma(picture) for picture in pictures]
    with contextlib.ExitStack() as stack:
        processes = {}
        for name in CONTESTANTS:
            pool = ProcessPoolExecutor(1, get_context("spawn"), begin, (name, weights))
            processes[name] = stack.enter_context(pool)
        first, seconds, psnr = {}, {name: {} for name in CONTESTANTS}, {name: {} for name in CONTESTANTS}
        shapes = set()
        for number, sigma in tqdm([(number, sigma) for number in range(len(pictures)) for sigma in SIGMAS]):
            picture = pictures[number]
            for name, process in processes.items():
                if picture.shape not in shapes:
                    compiling, _ = process.submit(measure, picture, number, sigma).result()
                    first.setdefault(name, compiling)
                if CONTESTANTS[name].trained or sigma == SIGMAS[0]:
                    taken, quality = process.submit(measure, picture, number, sigma).result()
                    seconds[name][number, sigma] = taken / (pixels(picture) / 1e6)
                    psnr[name].setdefault(sigma, []).append(quality)
            shapes.add(picture.shape)
        picture = large(pictures[0], megapixels)
        memory = {name: process.submit(peak_memory, picture).result() for name, process in processes.items()}
    print(
        f"{Path(weights).stem}: {cores} CPU cores; {len(pictures)} photographs, "
        f"{sum(map(pixels, pictures)) / 1e6:.1f} megapixels; memory at {megapixels:g} megapixels"
    )
    heads = ["denoiser", "s/MP", "least", "ours / its", "first, s", "memory, GB", *(f"{sigma}, dB" for sigma in SIGMAS)]
    rows = []
    for name, contestant in CONTESTANTS.items():
        ratios = [seconds[OURS][key] / taken for key, taken in seconds[name].items()]
        values = seconds[name].values()
        row = [name, f"{statistics.median(values):.2f}", f"{min(values):.2f}", f"{statistics.median(ratios):.2f}"]
        row += [f"{first[name]:.2f}", f"{memory[name] / 1e9:.2f}"]
        rows.append(row + [f"{np.mean(psnr[name][sigma]):.2f}" if contestant.trained else "" for sigma in SIGMAS])
    print_table(heads, rows)


def files(names):
    """Return the weights files of these networks, by default of all denoisers that come with colorjax."""
    if not names:
        return sorted(str(path) for path in PRETRAINED.glob("denoise_*.safetensors"))
    return [name if name.endswith(".safetensors") else str(PRETRAINED / f"{name}.safetensors") for name in names]


def luma(picture):
    """Return the luma [H, W, 1] of a uint8 picture, as gray test sets are made."""
    return as_8_bits(picture @ np.float32([0.299, 0.587, 0.114]) / 255)[..., np.newaxis]


def pixels(picture):
    """Return the number of a picture's pixels."""
    return picture.shape[0] * picture.shape[1]


def photographs(folder, count):
    """Return `count` photographs of the folder, evenly chosen; without a folder, those of scikit-image's wheel."""
    from skimage import data

    from colorjax.pictures.find import PICTURE_SUFFIXES
    from colorjax.pictures.images import read_picture

    if not folder:
        return [getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")][: count or None]
    paths = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    chosen = np.linspace(0, len(paths) - 1, min(count or len(paths), len(paths)))
    return [read_picture(paths[int(index)]) for index in chosen]


def large(picture, megapixels):
    """Return a picture of that size, 3 to 2, made of mirrored copies."""
    height = round((megapixels * 1e6 * 2 / 3) ** 0.5)
    sides = height, round(megapixels * 1e6 / height)
    missing = [(0, max(0, side - length)) for side, length in zip(sides, picture.shape[:2], strict=True)]
    return np.pad(picture, [*missing, (0, 0)], mode="symmetric")[: sides[0], : sides[1]]


def print_table(heads, rows):
    """Print a table in Markdown, numbers at the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    rule = ["-" * width if index == 0 else "-" * (width - 1) + ":" for index, width in enumerate(widths)]
    for row in (heads, rule, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print(f"| {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--weights", nargs="*", metavar="NAME", help="denoisers that come with colorjax, or files; all of the former"
    )
    parser.add_argument("--photographs", default="", metavar="FOLDER", help="that it was not trained on")
    parser.add_argument("--count", type=int, default=0, help="photographs to take; 0 for all")
    parser.add_argument("--megapixels", type=float, default=4.0, help="of the large picture")
    parser.add_argument("--threads", type=int, default=2, help="CPU cores that all contestants share")
    compete(parser.parse_args())


if __name__ == "__main__":
    main()
