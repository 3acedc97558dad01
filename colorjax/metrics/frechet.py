"""The Fréchet distance between two sets of features, each taken for a normal distribution; float64, without jax.

M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler and S. Hochreiter, "GANs Trained by a Two Time-Scale Update Rule
Converge to a Local Nash Equilibrium", NIPS 2017, equation 6, after D. Dowson and B. Landau, "The Fréchet distance
between multivariate normal distributions", 1982. Only with features of the Inception network of 2015 is it called FID
(`evaluation/fid.py`): numbers of different features can't be compared.
"""

from typing import NamedTuple

import numpy as np


class Moments(NamedTuple):
    """The mean `[D]` of a set of features, and a matrix R `[r, D]` whose product R^T R is their covariance.

    With n features r is the smaller of n and D, so few features of many numbers take little memory and time.
    """

    mean: np.ndarray
    root: np.ndarray


def moments(features: np.ndarray) -> Moments:
    """Return the moments of features `[n, D]`, n >= 2; the covariance is over n - 1.

    Raises:
      ValueError: fewer than two.
    """
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"features are [n, D] with n of 2 or more, not {list(features.shape)}")
    wide = features.astype(np.float64)
    mean = wide.mean(axis=0)
    return Moments(mean, np.linalg.qr((wide - mean) / np.sqrt(len(wide) - 1), mode="r"))


def frechet_distance(first: Moments, second: Moments) -> float:
    """Return |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)) of means m and covariances C, 0 for equal ones.

    C1 C2 = R1^T R1 R2^T R2 has the eigenvalues of (R1 R2^T)(R1 R2^T)^T besides zeros, so the trace of its root is the
    sum of the singular values of R1 R2^T. No complex numbers and no inverse come in, and singular covariances (fewer
    pictures than features) do no harm. But with few pictures the distance is too large, the more so the fewer they are.
    """
    overlap = np.linalg.svd(first.root @ second.root.T, compute_uv=False).sum()
    spread = np.sum(first.root**2) + np.sum(second.root**2)
    return max(float(np.sum((first.mean - second.mean) ** 2) + spread - 2 * overlap), 0.0)
