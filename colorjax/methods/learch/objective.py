"""The quadratic objective of LEARCH over a chroma map x, and the map that minimizes it. Maps are float32 [H, W, 2].

With the responses T(x) of the filters, [H, W, 56], a projection A of them with orthonormal rows, g = A T(x), and b, the
g that features of the gray image tell, the objective is the sum over the pixels of

    (1 + w) / 2 |g|^2 - g.b + |b - w g|^2 / (2 (1 - w)),    w = 0.25 (released program)

which equals |g - b|^2 / (2 (1 - w)). So learning b is a regression of filtered true chroma, and x solves a linear
system.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.sparse.linalg import cg

from colorjax.methods.learch import filters

W = 0.25
PROJECTED = 12
#: Of the solver, all from the released program: what is added to the diagonal, the tolerance, the iterations.
RIDGE, TOLERANCE, ITERATIONS = 1e-5, 1e-5, 30


def objective(g: Array, b: Array) -> Array:
    """Return the objective in the paper's form, a scalar, for g and b [*b, 12]."""
    linear = (1 + W) / 2 * jnp.square(g) - g * b
    return jnp.sum(linear + jnp.square(b - W * g) / (2 * (1 - W)))


def least_squares(g: Array, b: Array) -> Array:
    """Return the same number, as least squares."""
    return jnp.sum(jnp.square(g - b)) / (2 * (1 - W))


def projection(responses: np.ndarray) -> np.ndarray:
    """Return A, float32 [12, 56], with orthonormal rows.

    The first two rows keep the chroma itself, as in the released program. The others are the leading principal
    components of the other responses, by which the paper's learned ones are replaced here.

    Args:
      responses: of training chroma, [n, 56].
    """
    others = responses[:, 2:].astype(np.float64)
    _, vectors = np.linalg.eigh(others.T @ others)
    rows = np.zeros((PROJECTED, filters.COUNT), np.float32)
    rows[[0, 1], [0, 1]] = 1
    rows[2:, 2:] = vectors[:, ::-1][:, : PROJECTED - 2].T
    return rows


def projected_kernels(kernels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the kernels of A T, [k, k, 2, 12], of those of T [k, k, 2, 56] and A [12, 56]."""
    return np.einsum("yxcn,pn->yxcp", kernels, rows).astype(np.float32)


@jax.jit
def solve(b: Array, kernels: Array) -> Array:
    """Return the chroma [H, W, 2] that minimizes the objective: (F'F + ridge) x = F'b by conjugate gradients.

    Args:
      b: [H, W, 12].
      kernels: of F = A T, [k, k, 2, 12].
    """
    forward = functools.partial(filtered, spectra=filters.spectra(kernels, *b.shape[:2]))
    shape = jax.ShapeDtypeStruct((*b.shape[:2], 2), b.dtype)
    transposed = jax.linear_transpose(forward, shape)

    def operator(x):
        return transposed(forward(x))[0] + RIDGE * x

    right = transposed(b)[0]
    return cg(operator, right, tol=TOLERANCE, maxiter=ITERATIONS)[0]


def filtered(chroma: Array, spectra: Array) -> Array:
    """Return g [H, W, 12] of chroma [H, W, 2], by the spectra of the kernels of A T."""
    return filters.apply(chroma[None], spectra)[0]
