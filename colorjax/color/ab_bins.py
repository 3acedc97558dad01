"""The ab plane of CIE Lab, cut into bins: soft encoding of a color, and decoding of a distribution over the bins.

The bins are centered at multiples of 10, as in Zhang, Isola and Efros, "Colorful Image Colorization" (ECCV 2016).
The paper has 313 bins, chosen by a rule that is not known. Here a bin counts if some color of sRGB falls into it:
261 bins, found by a sweep of all 8-bit colors. `ab_bins.csv` lists them with the share of a training set's pixels in
each (`datasets/ab_shares.py` counts them). Colors are float32 Lab `[*b, 2]`; distributions are over the last axis.

The argument `file` names a file with other bins, such as the paper's `pts_in_hull.npy`: a NumPy array `[bins, 2]` of a
and b of their centers, or `[bins, 3]` with shares of pixels besides. "" stands for the bins of this project.
"""

import csv
import functools
from importlib import resources
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from colorjax.errors import UserError
from colorjax.metrics.ab_accuracy import BIN_SIZE

# Standard deviation of the soft encoding, in Lab units (Zhang et al., sigma = 5).
ENCODING_SIGMA = 5.0

# Share of the uniform distribution in the prior of the rarity weights. Zhang et al. use 0.5 (equation 4): a rare color
# then counts a hundred times as much as gray, which costs much PSNR. With 0.9 it counts ten times as much.
UNIFORM_SHARE = 0.9
# Standard deviation in bins of the Gaussian that smooths the shares (5 Lab units in the paper).
SMOOTHING_SIGMA = 0.5

_FARTHEST = 128.0  # from 0, of a and b of a bin's center


@functools.cache
def table(file: str = "") -> np.ndarray:
    """Return float64 `[bins, 3]`: a and b of each bin's center, and the bin's share of a training set's pixels.

    Bins of a file without shares have those of the bins of this project with the same center, and 0 if there is none.
    Shares of a file may be counts: they are brought to a sum of 1. Two bins are too few: logits of two would look like
    a and b.

    Raises:
      UserError: there is no such file, or it has something else in it.
    """
    if file:
        return _read(Path(file).expanduser())
    with resources.files("colorjax.color").joinpath("ab_bins.csv").open(encoding="utf-8") as lines:
        rows = [[float(row[key]) for key in ("a", "b", "share")] for row in csv.DictReader(lines)]
    return np.array(rows)


def _read(path: Path) -> np.ndarray:
    expected = "expected is a NumPy array [bins, 2] with a and b of each center, such as pts_in_hull.npy"
    if not path.is_file():
        raise UserError(f"bins of ab: there is no file {path}; {expected}")
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise UserError(f"bins of ab: {path} is no file of NumPy (.npy); {expected}") from None
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.shape[1] not in (2, 3) or len(values) < 3:
        found = list(values.shape) if isinstance(values, np.ndarray) else "several arrays"
        raise UserError(f"bins of ab: {path} has {found}; {expected}")
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all() or np.abs(values[:, :2]).max() > _FARTHEST:
        raise UserError(f"bins of ab: {path} has values that are no a and b of Lab; {expected}")
    values = values.astype(np.float64)
    if len(np.unique(values[:, :2], axis=0)) < len(values):
        raise UserError(f"bins of ab: {path} has the same center twice")
    if values.shape[1] == 2:
        own = {(a, b): share for a, b, share in table()}
        shares = [own.get((a, b), 0.0) for a, b in values]
        values = np.concatenate([values, np.array(shares)[:, np.newaxis]], axis=1)
    if values[:, 2].min() < 0 or values[:, 2].sum() == 0:
        raise UserError(
            f"bins of ab: {path} has shares of pixels that are below 0, or all 0; without shares, centers are "
            f"multiples of {BIN_SIZE:g}, as those of this project"
        )
    values[:, 2] /= values[:, 2].sum()
    return values


def count(file: str = "") -> int:
    """Return the number of bins."""
    return len(table(file))


def centers(file: str = "") -> np.ndarray:
    """Return a and b of the bins' centers, float32 `[bins, 2]`."""
    return table(file)[:, :2].astype(np.float32)


def encode(ab: jax.Array, file: str = "", nearest: int = 0) -> jax.Array:
    """Return the logits `[*b, bins]` of the soft encoding of colors `[*b, 2]`; their softmax is the distribution.

    The probability of a bin falls with its distance as a Gaussian of `ENCODING_SIGMA`. The paper keeps the nearest five
    bins alone. If all bins count, the others have some 4% together (7% at most).

    Args:
      ab: colors.
      file: of the bins.
      nearest: how many of the nearest bins count (more if several are equally far); the others' logits are -inf. 0 for
        all.
    """
    points = centers(file)
    # |x - c|^2 = |x|^2 - 2 x.c + |c|^2: the first term is the same for all bins, so it does not change the softmax.
    products = jnp.tensordot(ab, points.T, axes=1, precision="highest")
    squares = jnp.asarray(np.sum(points**2, axis=-1)).reshape((1,) * (ab.ndim - 1) + (-1,))
    logits = (2 * products - squares) / (2 * ENCODING_SIGMA**2)
    if not nearest:
        return logits
    least = jax.lax.top_k(logits, min(nearest, len(points)))[0][..., -1:]
    return jnp.where(logits >= least, logits, -jnp.inf)


def annealed_mean(logits: jax.Array, temperature: float | jax.Array, file: str = "") -> jax.Array:
    """Return the mean color `[*b, 2]` of the sharpened distributions with the logits `[*b, bins]`.

    Zhang et al., equation 5. Temperature 1 gives the mean; towards 0 the result becomes the mode.
    """
    return jnp.tensordot(jax.nn.softmax(logits / temperature, axis=-1), centers(file), axes=1, precision="highest")


@functools.cache
def rarity_weights(file: str = "", uniform_share: float = UNIFORM_SHARE) -> np.ndarray:
    """Return the weight of each bin in a loss, float32 `[bins]`: larger for rarer bins, 1 on average over the pixels.

    Zhang et al., equation 4: 1 / ((1 - u) p + u / bins), where u is `uniform_share` and p are the smoothed shares.
    """
    smoothed = smoothed_shares(file)
    weights = 1 / ((1 - uniform_share) * smoothed + uniform_share / len(smoothed))
    return (weights / np.sum(smoothed * weights)).astype(np.float32)


def smoothed_shares(file: str = "") -> np.ndarray:
    """Return each bin's share of a training set's pixels, smoothed over the bins around, float64 `[bins]`."""
    points, shares = table(file)[:, :2] / BIN_SIZE, table(file)[:, 2]
    distances = np.sum((points[:, np.newaxis] - points) ** 2, axis=-1)
    kernel = np.exp(-distances / (2 * SMOOTHING_SIGMA**2))
    return (kernel / kernel.sum(axis=0)) @ shares
