"""BM3D and CBM3D against the package `bm3d` (4.0.3, non-commercial licence, compiled C++), in the same run.

    python benchmarks/block_matching.py [--photographs FOLDER] [--count 4] [--level 25]

Time is that of the second photograph on, since the first compiles. Without a folder: a photograph of scikit-image, four
times with other noise.

On 2 CPU cores (AMD EPYC, beside much other work, jax 0.12, 2026-12-01), `--photographs=CBSD68 --count=2`, gray: 5.5
times the package's speed (70 against 386 s a megapixel) and 27.68 against 27.60 dB. Color, the second photograph alone:
4.0 to 6.0 times (147 and 221 against 878) and 31.88 against 31.89 dB.
"""

import argparse
import sys
import time
from pathlib import Path

import bm3d as package
import numpy as np
import skimage.data
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from colorjax.methods.classical.block_matching import bm3d  # noqa: E402


def photographs(folder, count):
    if not folder:
        return [skimage.data.astronaut()[:321, :481] / np.float32(255)] * count
    paths = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in (".png", ".jpg"))
    return [np.asarray(Image.open(path).convert("RGB")) / np.float32(255) for path in paths[:count]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", default="")
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--level", type=float, default=25)
    settings = parser.parse_args()
    sigma = settings.level / 255
    for kind in ("gray", "color"):
        found = {"colorjax": [], "bm3d": []}
        for number, photograph in enumerate(photographs(settings.photographs, settings.count)):
            truth = photograph if kind == "color" else (photograph @ np.float32([0.299, 0.587, 0.114]))[..., None]
            noisy = truth + np.random.default_rng(number).normal(size=truth.shape).astype(np.float32) * np.float32(
                sigma
            )
            pixels = truth.shape[0] * truth.shape[1] / 1e6
            for name in found:
                start = time.perf_counter()
                if name == "colorjax":
                    result = bm3d(noisy, sigma)
                else:
                    function = package.bm3d_rgb if kind == "color" else package.bm3d
                    result = np.asarray(function(noisy.squeeze(), sigma)).reshape(truth.shape)
                seconds = (time.perf_counter() - start) / pixels
                psnr = -10 * np.log10(np.mean(np.square(np.clip(result, 0, 1) - truth)))
                found[name].append((psnr, seconds))
        means = {name: (np.mean(rows, axis=0)[0], np.mean(rows[1:], axis=0)[1]) for name, rows in found.items()}
        for name, (psnr, seconds) in means.items():
            print(f"{kind:<6} {name:<9} {psnr:6.2f} dB {seconds:7.1f} s a megapixel")
        print(f"{kind:<6} {means['bm3d'][1] / means['colorjax'][1]:.2f} times the package's speed")


if __name__ == "__main__":
    main()
