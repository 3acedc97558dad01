"""The histogram correction of LEARCH: move a chroma map towards the colors that its kind of scene has.

The scene's chroma is a mixture of Gaussians of one deviation, and so is the map's. The distance between the mixtures,
component by component, is Bhattacharyya's for weighted Gaussians of one deviation (released program):

    sum_k v_k (|m_k - t_k|^2 / (8 s^2) - 1/2 log(w_k v_k)),    s = 0.15

where t_k and v_k are mean and weight of a component of the scene, m_k and w_k those of the map, and the corrected map
lowers it together with the objective. Maps are float32 [H, W, 2]. This project's: the factor v_k, a fixed number of
components, k-means in place of expectation maximization for those of the scene, and gradients that are brought to a
largest value of 1 before the length of a step is chosen.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.cluster.vq import kmeans2

from colorjax.methods.learch import filters
from colorjax.methods.learch.objective import filtered, least_squares

#: Of the released program: deviation of the components, weight of the objective, gradient steps, their largest length.
SIGMA, OBJECTIVE_WEIGHT, STEPS, LONGEST = 0.15, 5.0, 9, 0.1
COMPONENTS = 6  # this project's; the released program finds their number by mean shift
_LEAST_WEIGHT = 1e-3
_SECTIONS = 12  # of the golden section search, after which the interval is a 300th
_GOLDEN = (5**0.5 - 1) / 2


def mixture(chroma: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return means [COMPONENTS, 2] and weights [COMPONENTS] of colors [n, 2], float32, the weights with the sum 1."""
    means, labels = kmeans2(chroma.astype(np.float64), COMPONENTS, minit="++", rng=np.random.default_rng(seed))
    weights = np.maximum(np.bincount(labels, minlength=COMPONENTS) / len(labels), _LEAST_WEIGHT)
    return means.astype(np.float32), (weights / weights.sum()).astype(np.float32)


def distance(chroma: Array, means: Array, weights: Array) -> Array:
    """Return the distance between the mixture of a map [H, W, 2] and that of its scene, a scalar.

    The map's components are those of the scene after one step of expectation maximization.
    """
    colors = chroma.reshape(-1, 2)
    squares = jnp.sum(jnp.square(colors[:, None] - means[None]), axis=-1)
    shares = jax.nn.softmax(jnp.log(weights)[None] - squares / (2 * SIGMA**2), axis=-1)  # [pixels, COMPONENTS]
    own_weights = jnp.mean(shares, axis=0) + _LEAST_WEIGHT
    own_means = (shares.T @ colors) / (jnp.sum(shares, axis=0) + _LEAST_WEIGHT)[:, None]
    moved = jnp.sum(jnp.square(own_means - means), axis=-1) / (8 * SIGMA**2)
    return jnp.sum(moved * weights - 0.5 * weights * jnp.log(own_weights * weights))


@jax.jit
def correct(chroma: Array, b: Array, kernels: Array, means: Array, weights: Array) -> Array:
    """Return the corrected map [H, W, 2]; no step raises the sum of distance and objective.

    The components of the distance are weighted by the scene's weights, and the objective is a mean over the pixels, so
    that neither depends on the number of components or the size of the map.

    Args:
      chroma: the map to begin with.
      b: of the objective, [H, W, 12].
      kernels: of the objective, [k, k, 2, 12].
      means: of the scene's components, [COMPONENTS, 2].
      weights: of the scene's components, [COMPONENTS].
    """
    pixels, spectra = chroma.shape[0] * chroma.shape[1], filters.spectra(kernels, *chroma.shape[:2])

    def total(x):
        return distance(x, means, weights) + OBJECTIVE_WEIGHT * least_squares(filtered(x, spectra), b) / pixels

    def step(_, x):
        gradient = jax.grad(total)(x)
        direction = -gradient / (jnp.max(jnp.abs(gradient)) + 1e-12)
        length = _golden_section(lambda t: total(x + t * direction))
        moved = x + length * direction
        return jnp.where(total(moved) < total(x), moved, x)

    return jax.lax.fori_loop(0, STEPS, step, chroma)


def _golden_section(function):
    """Return the least point of a function of one number in [0, LONGEST], if it has one valley there."""

    def narrow(_, ends):
        low, high = ends
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        lower = function(left) < function(right)
        return jnp.where(lower, low, left), jnp.where(lower, right, high)

    low, high = jax.lax.fori_loop(0, _SECTIONS, narrow, (jnp.float32(0), jnp.float32(LONGEST)))
    return (low + high) / 2
