"""An adversarial objective of a few lines, and tiny networks that sow class logits."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from colorjax.models.network import AUXILIARY, Network, initial_variables
from colorjax.objectives import Objective, Terms, only
from colorjax.tasks import Denoise
from support import tiny_training as tiny

TASK = Denoise("squared_error", "gaussian", (0.0, 0.2))


class Critic(nn.Module):
    """A logit for each picture: does it look true?"""

    @nn.compact
    def __call__(self, pictures):
        features = nn.relu(nn.Conv(4, (3, 3), strides=2, kernel_init=tiny.SMALL)(pictures))
        return nn.Dense(1, kernel_init=tiny.SMALL)(features.mean(axis=(1, 2)))[:, 0]


@dataclasses.dataclass(frozen=True)
class Adversarial(Objective):
    """The task's loss and, for the critic's sake, `weight` times how well it tells (Isola et al. 2017, equation 4)."""

    parts: ClassVar = ("generator", "discriminator")
    weight: float = 0.1

    def initial_variables(self, key, inputs, frozen):
        critic = Critic().init(jax.random.fold_in(key, 1), inputs)
        return {"generator": initial_variables(self.model, key, frozen, inputs), "discriminator": critic}

    def initial_memory(self):
        return {"steps": jnp.zeros((), jnp.int32)}

    def __call__(self, params, batch_stats, example, conditioning, keys, memory):
        losses, updates = self.generator_and_critic(params, batch_stats, example)
        return Terms(losses, {}, updates | {"discriminator": {}}, {"steps": memory["steps"] + 1})

    def generator_and_critic(self, params, batch_stats, example):
        def told(params):
            variables = {"params": params["generator"], "batch_stats": batch_stats["generator"]}
            outputs, updates = self.model.apply(variables, example.inputs, train=True, mutable=["batch_stats"])
            return outputs, Critic().apply({"params": params["discriminator"]}, example.inputs + outputs), updates

        outputs, fooled, updates = told(only(params, "generator"))
        _, told_apart, _ = told(only(params, "discriminator"))
        true = Critic().apply({"params": params["discriminator"]}, example.inputs + example.targets)
        bce = optax.sigmoid_binary_cross_entropy
        of_task = jnp.mean(self.task.loss(outputs, example.targets))
        return {
            "generator": of_task + self.weight * jnp.mean(bce(fooled, jnp.ones_like(fooled))),
            "discriminator": jnp.mean(bce(true, jnp.ones_like(true)) + bce(told_apart, jnp.zeros_like(true))) / 2,
        }, {"generator": updates["batch_stats"]}


class Classifying(Network):
    """A network whose classifier is for training alone."""

    output_channels: int
    axis_name: str | None = None
    classes: int = 3

    @nn.compact
    def __call__(self, inputs, train):
        features = nn.relu(nn.Conv(4, (3, 3), kernel_init=tiny.SMALL)(inputs))
        logits = nn.Dense(self.classes, kernel_init=tiny.SMALL, name="classifier")(features.mean(axis=(1, 2)))
        self.sow(AUXILIARY, "class_logits", logits)
        return nn.Conv(self.output_channels, (3, 3), kernel_init=tiny.SMALL)(features)


class Head(nn.Module):
    """A classifier in a module of its own."""

    @nn.compact
    def __call__(self, features):
        self.sow(AUXILIARY, "class_logits", nn.Dense(3, kernel_init=tiny.SMALL)(features.mean(axis=(1, 2))))


class WithHead(Network):
    output_channels: int
    axis_name: str | None = None
    heads: int = 1

    @nn.compact
    def __call__(self, inputs, train):
        features = nn.relu(nn.Conv(4, (3, 3), kernel_init=tiny.SMALL)(inputs))
        for _ in range(self.heads):
            Head()(features)
        return nn.Conv(self.output_channels, (3, 3), kernel_init=tiny.SMALL)(features)


def example_of(seed=0, batch=8):
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(seed), np.arange(batch))
    pictures = np.random.default_rng(seed).uniform(size=(batch, 6, 6, 3)).astype(np.float32)
    return TASK.example(keys, jnp.asarray(pictures)), keys


def variables_of(objective):
    found = objective.initial_variables(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), {})
    return [{part: tree.get(name, {}) for part, tree in found.items()} for name in ("params", "batch_stats")]
