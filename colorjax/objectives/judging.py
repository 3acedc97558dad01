"""What adversarial objectives share: a discriminator of pictures [b, H, W, C], its losses, and who is winning.

The scores of a discriminator are maps [b, h, w, 1], one or several. A loss or an accuracy is the mean over the scores
of a map, and then over the maps.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from jax import Array

from colorjax.errors import UserError, nearest
from colorjax.models.discriminators import DISCRIMINATORS, MOST_LAYERS, least_side
from colorjax.objectives.supervised import require_weight

Scores = tuple[Array, ...]


def _cross_entropy(scores: Array, true: bool) -> Array:
    """Return the cross entropy of scores that are logits."""
    return optax.sigmoid_binary_cross_entropy(scores, jnp.full_like(scores, float(true)))


def _least_squares(scores: Array, true: bool) -> Array:
    """Return the squared distance to 1 for true pictures and to 0 for made ones (Mao et al. 2017)."""
    return jnp.square(scores - float(true))


#: name -> (the loss of each score, the score above which a patch is taken for true)
LOSSES: dict[str, tuple[Callable[[Array, bool], Array], float]] = {
    "cross_entropy": (_cross_entropy, 0.0),
    "least_squares": (_least_squares, 0.5),
}

# One side has won if this many lines of the history in a row say so, each a mean over config.training.log_every steps.
LINES = 5
WON = 0.98


@dataclasses.dataclass(frozen=True)
class Judge:
    """A discriminator and the loss with which it learns.

    Attributes:
      module: of `DISCRIMINATORS`.
      loss: a key of `LOSSES`.
      layers: the discriminator's halvings.
    """

    module: nn.Module
    loss: str
    layers: int

    @classmethod
    def of_settings(cls, kind: str, loss: str, layers: int, width: int, norm: str, axis_name: str | None) -> "Judge":
        """Return the judge that the settings of an objective describe.

        Raises:
          UserError: a setting can't have its value.
        """
        for name, value, choices in (
            ("discriminator", kind, DISCRIMINATORS),
            ("loss", loss, LOSSES),
            ("norm", norm, ("batch", "instance", "none")),
        ):
            if value not in choices:
                raise UserError(f"config.objective.{name}={value!r}: no such choice; {nearest(value, choices)}")
        if not 1 <= layers <= MOST_LAYERS:
            raise UserError(f"config.objective.layers={layers}: must be from 1 to {MOST_LAYERS}")
        if kind == "pyramid" and layers < 3:
            raise UserError(f"config.objective.layers={layers}: a pyramid has three levels and needs 3 layers or more")
        if width < 1:
            raise UserError(f"config.objective.width={width}: must be 1 or more")
        return cls(DISCRIMINATORS[kind](layers, width, norm, axis_name), loss, layers)

    def initial_variables(self, key: Array, channels: int) -> dict[str, Any]:
        """Return new variables for pictures of so many channels."""
        side = least_side(self.layers)
        return self.module.init(key, jnp.zeros((1, side, side, channels), jnp.float32))

    def scores(self, params: Any, pictures: Array) -> Scores:
        """Return the scores of pictures [b, H, W, C].

        Raises:
          UserError: they are too small to have a score.
        """
        least, smallest = least_side(self.layers), min(pictures.shape[1:3])
        if smallest < least:
            fitting = [layers for layers in range(1, self.layers) if least_side(layers) <= smallest]
            instead = f"at most {fitting[-1]} layers" if fitting else f"patches of {least_side(1)} pixels or more"
            raise UserError(
                f"config.data.patch_size={smallest}: too small for a discriminator of config.objective.layers="
                f"{self.layers}, which needs {least} pixels; use larger patches, or {instead}"
            )
        return self.module.apply({"params": params}, pictures)

    def mean_loss(self, scores: Scores, true: bool) -> Array:
        """Return the mean loss of scores that ought to be those of true pictures, or of made ones."""
        of_score, _ = LOSSES[self.loss]
        return sum(jnp.mean(of_score(one, true)) for one in scores) / len(scores)

    def told(self, real: Scores, made: Scores) -> Array:
        """Return the discriminator's own loss for the scores of true and of made pictures: half of the sum of both.

        Isola et al. 2017, section 3.3, and Zhu et al. 2017, appendix 7.1: the half slows it down against the generator.
        """
        return (self.mean_loss(real, True) + self.mean_loss(made, False)) / 2

    def accuracies(self, part: str, real: Scores, made: Scores) -> dict[str, Array]:
        """Return the shares of the patches that the discriminator `part` takes for what they are, to be logged."""
        border = LOSSES[self.loss][1]
        true = sum(jnp.mean((one > border).astype(jnp.float32)) for one in real) / len(real)
        fooled = sum(jnp.mean((one > border).astype(jnp.float32)) for one in made) / len(made)
        return {f"accuracy_real.{part}": true, f"accuracy_made.{part}": 1 - fooled}


def who_has_won(lines: Sequence[Mapping[str, Any]], parts: Sequence[str]) -> str:
    """Return one line if a side has won for the last `LINES` lines of a history; "" otherwise.

    The discriminator has won if it takes at least `WON` of the patches of true and of made pictures for what they are:
    then its loss is flat and teaches the generator little. The generator has won if at least `WON` of the patches that
    it makes are taken for true.

    Args:
      lines: train lines of a history.
      parts: the discriminators.
    """
    last = lines[-LINES:]
    if len(last) < LINES:
        return ""

    def always(name: str, holds: Callable[[float], bool]) -> bool:
        return all(line.get(name) is not None and holds(line[name]) for line in last)

    for part in parts:
        real, made = f"accuracy_real.{part}", f"accuracy_made.{part}"
        if always(made, lambda value: value <= 1 - WON):
            return (
                f"the generator has won: for {LINES} lines of the history the {part} takes {WON:.0%} or more of what "
                f"is made for true; raise config.optimizer.parts.{part}.learning_rate, or give it more width or layers"
            )
        if always(made, lambda value: value >= WON) and always(real, lambda value: value >= WON):
            return (
                f"the {part} has won: for {LINES} lines of the history it tells {WON:.0%} or more of the true and of "
                f"the made patches; lower config.optimizer.parts.{part}.learning_rate, or give it fewer layers"
            )
    return ""


def require_weights(**weights: float) -> None:
    """Check that weights of an objective, given by their names, are numbers from 0 on.

    Raises:
      UserError: one is not.
    """
    for name, weight in weights.items():
        require_weight(name, weight)


def pictures_of(task: Any, outputs: Array, example: Any) -> tuple[Array, Array]:
    """Return what the network made and what is true, each [b, H, W, C] in the scale of the inputs.

    Raises:
      UserError: the outputs are no picture, as those of a task that predicts a distribution.
    """
    if outputs.shape != example.targets.shape:
        raise UserError(
            f"config.task.name={task.name!r}: its outputs {outputs.shape[1:]} are no picture like its targets "
            f"{example.targets.shape[1:]}, which a discriminator could judge; use another task or objective"
        )
    return task.estimate(outputs, example.inputs), jax.lax.stop_gradient(task.estimate(example.targets, example.inputs))
