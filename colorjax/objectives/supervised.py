"""The supervised objective: a weighted sum of terms that compare the network's outputs with known targets."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from flax.traverse_util import flatten_dict
from jax import Array

from colorjax.errors import UserError, nearest
from colorjax.models.network import AUXILIARY
from colorjax.objectives.objective import Objective, Terms
from colorjax.objectives.terms import TERMS
from colorjax.tasks import Example, Task


@dataclasses.dataclass(frozen=True)
class Supervised(Objective):
    """Minimizes the sum over `terms` of weight times term.

    Attributes:
      terms: weight of each term, by its name in `colorjax.objectives.terms.TERMS`. A term of weight 0 is not computed.
        If there are several terms, each is logged under its name, without its weight.

    Raises:
      UserError: a term is unknown, or no term has a weight other than 0.
    """

    terms: Mapping[str, float] = dataclasses.field(default_factory=lambda: {"task": 1.0})

    def __post_init__(self):
        check_terms(self.terms)
        if not any(self.terms.values()):
            raise UserError("config.objective.terms: no term has a weight; give one, such as terms.task=1.0")

    def __call__(
        self,
        params: Mapping[str, Any],
        batch_stats: Mapping[str, Any],
        example: Example,
        conditioning: Mapping[str, Array],
        keys: Array,
        memory: Any,
    ) -> Terms:
        """See `Objective`.

        Raises:
          UserError: a term needs something that the model does not sow or the data set does not have.
        """
        (part,) = self.parts
        variables = {"params": params[part], "batch_stats": batch_stats[part]}
        outputs, updates = self.run(variables, example, conditioning, keys)
        loss, values = weighted_terms(self.task, self.terms, outputs, updates, example)
        logged = values if len(values) > 1 else {}
        return Terms({part: loss}, logged, {part: updates.get("batch_stats", {})}, memory)


def check_terms(terms: Mapping[str, Any]) -> None:
    """Check the weights of terms.

    Raises:
      UserError: a term is unknown, or a weight is no number from 0 on.
    """
    for name, weight in terms.items():
        if name not in TERMS:
            raise UserError(f"config.objective.terms: no term is named {name!r}; {nearest(name, TERMS)}")
        require_weight(f"terms.{name}", weight)


def require_weight(name: str, weight: Any) -> None:
    """Check that the setting `name` of an objective, a weight, is a number from 0 on.

    Raises:
      UserError: it is not.
    """
    number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not number or not 0 <= weight < math.inf:
        raise UserError(f"config.objective.{name}={weight!r}: must be a number, 0 (off) or more")


def weighted_terms(
    task: Task, terms: Mapping[str, float], outputs: Array, updates: Mapping[str, Any], example: Example
) -> tuple[Array, dict[str, Array]]:
    """Return the sum over `terms` of weight times term, and each term without its weight.

    Terms of weight 0 are left out.

    Args:
      task: of the run.
      terms: weights of the terms, of which one is above 0.
      outputs: the network's outputs.
      updates: what the network updated, as `Objective.run` returns it.
      example: the batch.
    """
    sown = sown_values(updates.get(AUXILIARY, {}))
    weights = {name: weight for name, weight in terms.items() if weight}
    values = {name: jnp.mean(TERMS[name](task, outputs, sown, example)) for name in weights}
    (first, *others) = (weight * values[name] if weight != 1 else values[name] for name, weight in weights.items())
    return sum(others, start=first), values


def sown_values(collection: Mapping[str, Any]) -> dict[str, Array]:
    """Return what a network and its submodules sowed, by name; the last value of a module that was called repeatedly.

    Raises:
      UserError: two modules sowed the same name.
    """
    sown = {}
    for (*_, name), values in flatten_dict(dict(collection)).items():
        if name in sown:
            raise UserError(f"config.model: two parts of the network sow {name!r}; give one of them another name")
        sown[name] = values[-1]
    return sown
