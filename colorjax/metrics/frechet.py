"""The Fréchet distance between two sets of features, each taken for a normal distribution; float64, without jax.

M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler and S. Hochreiter, "GANs Trained by a Two Time-Scale Update Rule
Converge to a Local Nash Equilibrium", NIPS 2017, equation 6, after D. Dowson and B. Landau, "The Fréchet distance
between multivariate normal distributions", 1982. With features of the Inception network of 2015 it is called FID. With
others, as here, it is not: numbers of different features can't be compared.
"""

import numpy as np


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean `[D]` and the covariance `[D, D]` (over n - 1) of features `[n, D]`, n >= 2.

    Raises:
      ValueError: fewer than two.
    """
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"features are [n, D] with n of 2 or more, not {list(features.shape)}")
    wide = features.astype(np.float64)
    return wide.mean(axis=0), np.atleast_2d(np.cov(wide, rowvar=False))


def frechet_distance(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> float:
    """Return |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)) of two means and covariances, 0 for equal ones.

    The trace of the root is the sum of the singular values of R1 R2, the roots of the two covariances: those are
    symmetric, so no complex numbers and no inverse come in, and singular covariances (fewer pictures than features) do
    no harm. But with few pictures the distance is too large, the more so the fewer they are.
    """
    (mean, covariance), (other_mean, other_covariance) = first, second
    overlap = np.linalg.svd(_root(covariance) @ _root(other_covariance), compute_uv=False).sum()
    distance = np.sum((mean - other_mean) ** 2) + np.trace(covariance) + np.trace(other_covariance) - 2 * overlap
    return max(float(distance), 0.0)


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return the symmetric root of a covariance `[D, D]`."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
