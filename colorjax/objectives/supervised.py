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
from colorjax.tasks import Example


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
        for name, weight in self.terms.items():
            if name not in TERMS:
                raise UserError(f"config.objective.terms: no term is named {name!r}; {nearest(name, TERMS)}")
            number = isinstance(weight, int | float) and not isinstance(weight, bool)
            if not number or not 0 <= weight < math.inf:
                raise UserError(f"config.objective.terms.{name}={weight!r}: must be a number, 0 (off) or more")
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
        del keys
        (part,) = self.parts
        outputs, updates = self.model.apply(
            {"params": params[part], "batch_stats": batch_stats[part]},
            example.inputs,
            train=True,
            mutable=["batch_stats", AUXILIARY],
            **example.guidance,
            **conditioning,
        )
        sown = sown_values(updates.get(AUXILIARY, {}))
        weights = {name: weight for name, weight in self.terms.items() if weight}
        values = {name: jnp.mean(TERMS[name](self.task, outputs, sown, example)) for name in weights}
        (first, *others) = (weight * values[name] if weight != 1 else values[name] for name, weight in weights.items())
        loss = sum(others, start=first)
        logged = values if len(values) > 1 else {}
        return Terms({part: loss}, dict(logged), {part: updates.get("batch_stats", {})}, memory)


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
