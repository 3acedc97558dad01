"""Colors brought to full size: joint bilateral upsampling against bilinear interpolation and the guided filter.

    python benchmarks/color_upsampling.py                           # the photographs in scikit-image's wheel
    python benchmarks/color_upsampling.py --photographs DIR --count 30
    python benchmarks/color_upsampling.py --sweep                   # other sigmas and floors

A photograph's true a and b are reduced (the short side to --sizes pixels) and brought back along its own lightness.
`ab` is the root mean square error of a and b, `PSNR` that of the sRGB picture with the true lightness, both means over
photographs. `grainy`: the same error where the lightness, reduced and full, has Gaussian grain of 5 units of L, as in
an old photograph; the truth's colors have none. `soft`: the error where the reduced colors are blurred, by a Gaussian
of one reduced pixel, as a network gives them. Photographs smaller than 1.5 times the working size are left out. Most
JPEG files have colors of half size already, and tell nothing here unless they are reduced a good deal more.

The guided filter (He and Sun, "Fast guided filter", 2015) fits a and b as linear in the lightness over windows of 5x5
reduced pixels, and enlarges the coefficients bilinearly.

On the wheel's photographs, with a short side of 128: 37.33 dB, against 36.68 for bilinear interpolation, 37.20 and
36.22 for a Gaussian f, 34.66 for the guided filter. On 30 photographs of 299x299 with full colors: 38.00, and
37.35 for bilinear interpolation.
"""

import argparse
import itertools
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import cv2
import numpy as np
from skimage import data

sys.path.insert(0, str(Path(__file__).parents[1]))

from colorjax.color.spaces import lab2rgb_gamut, rgb2lab  # noqa: E402
from colorjax.inference import color_upsampling  # noqa: E402
from colorjax.inference.reduced_size import reduced_shape  # noqa: E402
from colorjax.inference.resizing import resize  # noqa: E402
from colorjax.pictures.find import PICTURE_SUFFIXES  # noqa: E402
from colorjax.pictures.images import read_picture  # noqa: E402
from colorjax.runtime.pixelwise import map_pixels  # noqa: E402

GRAIN = 5.0  # units of L


def photographs(folder, count):
    """Yield uint8 pictures [H, W, 3]."""
    if folder is None:
        yield from (data.astronaut(), data.chelsea(), data.coffee(), data.rocket(), data.stereo_motorcycle()[0])
        return
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in PICTURE_SUFFIXES)
    yield from (read_picture(file) for file in files[:: max(1, len(files) // count)][:count])


def bilinear(colors, lightness, full):
    return resize(colors, *full.shape)


def guided(colors, lightness, full, radius=2, epsilon=4.0):
    def mean(values):
        return cv2.blur(values, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)

    guide = lightness[..., None]
    variance = mean(lightness * lightness) - mean(lightness) ** 2
    covariance = mean(guide * colors) - mean(lightness)[..., None] * mean(colors)
    slope = covariance / (variance[..., None] + epsilon)
    offset = mean(colors) - slope * mean(lightness)[..., None]
    return resize(mean(slope), *full.shape) * full[..., None] + resize(mean(offset), *full.shape)


def joint_bilateral(**settings):
    return lambda *pictures: color_upsampling.upsample_colors(*pictures, **settings)


def kopf(sigma_space, sigma_lightness=6.0, floor=0.01):
    """Return the paper's own: f a Gaussian over the 5x5 reduced pixels around the nearest one, in plain NumPy."""

    def method(colors, lightness, full):
        places = [(np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(full.shape, lightness.shape, strict=True)]
        total, weights = 0.0, 0.0
        for shift in itertools.product(range(-2, 3), repeat=2):
            pixels = [np.rint(place).astype(int) + step for place, step in zip(places, shift, strict=True)]
            inside = [(q >= 0) & (q < m) for q, m in zip(pixels, lightness.shape, strict=True)]
            near = [np.exp(-((q - p) ** 2) / (2 * sigma_space**2)) for q, p in zip(pixels, places, strict=True)]
            there = np.ix_(*(np.clip(q, 0, m - 1) for q, m in zip(pixels, lightness.shape, strict=True)))
            like = np.exp(-((lightness[there] - full) ** 2) / (2 * sigma_lightness**2)) + floor
            weight = (np.outer(near[0] * inside[0], near[1] * inside[1]) * like)[..., None]
            total, weights = total + weight * colors[there], weights + weight
        return (total / weights).astype(np.float32)

    return method


def contestants(sweep):
    """Return {name: function of reduced colors, reduced and full lightness}."""
    found = {"bilinear": bilinear, "guided filter": guided, "joint bilateral": joint_bilateral()}
    found |= {f"Gaussian f, sigma {space:g}, NumPy": kopf(space) for space in (0.5, 1.0)}
    if sweep:
        for likeness, floor in itertools.product((3.0, 4.5, 6.0, 9.0), (1e-6, 0.01, 0.03)):
            settings = {"sigma_lightness": likeness, "floor": floor}
            found[f"sigma {likeness:g}, floor {floor:g}"] = joint_bilateral(**settings)
    return found


def measure(method, lab, shape, grain):
    """Return RMS error of ab, PSNR, that with grain and of soft colors, seconds a megapixel."""
    lightness, colors = lab[..., 0], lab[..., 1:]
    reduced = resize(colors, *shape)
    method(reduced, resize(lightness, *shape), lightness)  # compiles
    start = time.perf_counter()
    found = method(reduced, resize(lightness, *shape), lightness)
    seconds = (time.perf_counter() - start) / (lightness.size / 1e6)
    restored = map_pixels(lab2rgb_gamut, np.concatenate([lab[..., :1], found], axis=-1))
    truth = map_pixels(lab2rgb_gamut, lab)
    grainy = lightness + grain
    worse = method(reduced, resize(grainy, *shape), grainy)
    soft = method(cv2.GaussianBlur(reduced, (0, 0), 1.0), resize(lightness, *shape), lightness)
    errors = [float(np.sqrt(np.mean(np.square(ab - colors)))) for ab in (found, worse, soft)]
    return errors[0], float(-10 * np.log10(np.mean(np.square(restored - truth)))), *errors[1:], seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=Path, help="a folder; those of scikit-image's wheel if not given")
    parser.add_argument("--count", type=int, default=30, help="photographs of the folder, evenly spaced")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256], help="working sizes in pixels")
    parser.add_argument("--sweep", action="store_true", help="adds other sigmas and floors of g")
    arguments = parser.parse_args()
    labs = [
        map_pixels(rgb2lab, picture / np.float32(255))
        for picture in photographs(arguments.photographs, arguments.count)
    ]
    grains = [np.random.default_rng(0).normal(0, GRAIN, lab.shape[:2]).astype(np.float32) for lab in labs]
    for size in arguments.sizes:
        chosen = [(lab, grain) for lab, grain in zip(labs, grains, strict=True) if min(lab.shape[:2]) >= 1.5 * size]
        print(f"short side {size}, {len(chosen)} photographs        ab    PSNR, dB  grainy ab   soft ab      s/MP")
        for name, method in contestants(arguments.sweep).items() if chosen else ():
            rows = [measure(method, lab, reduced_shape(*lab.shape[:2], size), grain) for lab, grain in chosen]
            ab, decibels, grainy, soft, _ = np.mean(rows, axis=0)
            seconds = np.median([row[-1] for row in rows])
            print(f"  {name:30}{ab:8.3f}{decibels:12.2f}{grainy:11.3f}{soft:10.3f}{seconds:10.3f}", flush=True)


if __name__ == "__main__":
    main()
