"""Compute `colorjax/color/ab_bins.csv`: how often each bin of the ab plane occurs in a config's training photographs.

python -m datasets.ab_shares --config=experiments/pretrain_colorize.py:long --config.data.source=A:B:C:D:E > ab_bins.csv
"""

import csv
import sys
from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np

from colorjax.color.spaces import rgb2lab
from colorjax.metrics.ab_accuracy import BIN_SIZE, BINS, BINS_PER_AXIS, OUTERMOST, ab_bin
from colorjax.pictures.images import Photograph


@jax.jit
def _bins(picture):
    lab = rgb2lab(picture.astype(jnp.float32) / 255)
    return ab_bin(lab[..., 1], lab[..., 2])


def occupied() -> np.ndarray:
    """Return which of the 529 bins contain an 8-bit sRGB color, bool `[529]`."""
    inside = np.zeros(BINS, bool)
    green, blue = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8), indexing="ij")
    for red in range(256):
        inside[np.asarray(_bins(np.stack([np.full_like(green, red), green, blue], axis=-1)))] = True
    return inside


def shares(photographs: Iterable[Photograph], samples: int = 4096) -> np.ndarray:
    """Return each bin's share of the pixels, float64 `[529]`.

    Args:
      photographs: to count in.
      samples: number of evenly spaced pixels to use of each photograph.
    """
    counts = np.zeros(BINS)
    for photograph in photographs:
        pixels = photograph.picture.reshape(-1, 3)
        chosen = pixels[np.linspace(0, len(pixels) - 1, samples).astype(int)]
        counts += np.bincount(np.asarray(_bins(chosen)), minlength=BINS)
    return counts / counts.sum()


def write(file, of_bins: np.ndarray, which: np.ndarray) -> None:
    """Write a CSV table of bins to an open file.

    Args:
      file: open for writing text.
      of_bins: share of each bin, `[529]`.
      which: the bins to write, bool `[529]`.
    """
    writer = csv.writer(file)
    writer.writerow(("a", "b", "share"))
    for number in np.flatnonzero(which):
        a, b = (BIN_SIZE * (step - OUTERMOST) for step in divmod(int(number), BINS_PER_AXIS))
        writer.writerow((f"{a:g}", f"{b:g}", f"{of_bins[number]:.7f}"))


def main(words: list[str]) -> None:
    """Write the table of a config's training photographs to standard output.

    Args:
      words: `--config=FILE[:VARIANT]`, then overrides.
    """
    import datasets
    from colorjax.config import files

    config = files.load(words[0].removeprefix("--config="), words[1:])
    write(sys.stdout, shares(datasets.photographs(config.data, "train")), occupied())


if __name__ == "__main__":
    main(sys.argv[1:])
