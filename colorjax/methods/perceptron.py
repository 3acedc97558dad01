"""A multilayer perceptron for rows of features, [n, D] to [n, K], by squared errors; for methods that fit one."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

BATCH = 512
LEARNING_RATE = 1e-3


class Perceptron(NamedTuple):
    """Weights, and what makes the inputs alike in size.

    Attributes:
      layers: a kernel [inputs, outputs] and a bias [outputs] each; ReLU is between them.
      mean: of the inputs in training, [D].
      deviation: their standard deviation, [D]; 1 where they don't vary.
    """

    layers: tuple[tuple[Array, Array], ...]
    mean: Array
    deviation: Array

    def count(self) -> int:
        """Return the number of weights."""
        return sum(kernel.size + bias.size for kernel, bias in self.layers)


def initial(key: Array, widths: Sequence[int]) -> tuple[tuple[Array, Array], ...]:
    """Return random layers between `widths`, as He et al. 2015 draw them; the last one is zero."""
    layers = []
    for number, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
        last = number == len(widths) - 2
        scale = 0.0 if last else (2 / inputs) ** 0.5
        kernel = scale * jax.random.normal(jax.random.fold_in(key, number), (inputs, outputs))
        layers.append((kernel, jnp.zeros(outputs)))
    return tuple(layers)


def train(
    inputs: np.ndarray, targets: np.ndarray, hidden: Sequence[int], steps: int, noise: float = 0.0, seed: int = 0
) -> Perceptron:
    """Return the perceptron that was trained by Adam, with a rate that falls to zero along a cosine.

    Args:
      inputs: [n, D].
      targets: [n, K].
      hidden: widths of the hidden layers.
      steps: of `BATCH` rows, drawn anew each time.
      noise: standard deviation of Gaussian noise on the inputs in training, in units of their own. It is a
        regularization (C. Bishop, "Training with Noise is Equivalent to Tikhonov Regularization", 1995): rows of one
        photograph are alike, and a network soon knows the training photographs by heart.
      seed: of the weights, the rows and the noise.
    """
    inputs, targets = np.asarray(inputs, np.float32), np.asarray(targets, np.float32)
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0)
    deviation = np.where(deviation > 1e-6, deviation, np.float32(1))
    key = jax.random.key(seed)
    layers = initial(key, (inputs.shape[1], *hidden, targets.shape[1]))
    layers = _train(layers, (inputs - mean) / deviation, targets, jax.random.fold_in(key, len(layers)), steps, noise)
    return Perceptron(layers, jnp.asarray(mean), jnp.asarray(deviation))


@jax.jit
def predict(perceptron: Perceptron, inputs: Array) -> Array:
    """Return the outputs [n, K] for inputs [n, D]."""
    return _forward(perceptron.layers, (inputs - perceptron.mean[None]) / perceptron.deviation[None])


def _forward(layers, values):
    for number, (kernel, bias) in enumerate(layers):
        values = values @ kernel + bias[None]
        if number < len(layers) - 1:
            values = jax.nn.relu(values)
    return values


@functools.partial(jax.jit, static_argnums=(4, 5))
def _train(layers, inputs, targets, key, steps, noise):
    with jax.numpy_dtype_promotion("standard"):
        optimizer = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, steps))

        def step(state, number):
            layers, memory = state
            draw, shake = jax.random.split(jax.random.fold_in(key, number))
            rows = jax.random.randint(draw, (BATCH,), 0, inputs.shape[0])
            seen = inputs[rows]
            if noise:
                seen = seen + noise * jax.random.normal(shake, seen.shape)

            def loss(layers):
                return jnp.mean(jnp.square(_forward(layers, seen) - targets[rows]))

            updates, memory = optimizer.update(jax.grad(loss)(layers), memory)
            return (optax.apply_updates(layers, updates), memory), None

        (layers, _), _ = jax.lax.scan(step, (layers, optimizer.init(layers)), jnp.arange(steps))
    return layers
