"""A network against a discriminator that sees pairs: its inputs beside what it made of them, or beside the truth.

P. Isola, J.-Y. Zhu, T. Zhou and A. A. Efros, "Image-to-Image Translation with Conditional Adversarial Networks", CVPR
2017, equation 4. With the terms {"task": 100} of a task whose loss is L1 it is pix2pix's objective. With other weights,
and a denoiser as the network, it is after the third loss of Komatsu and Gonsalves 2020, L1 and an adversarial one whose
discriminator sees pairs; their weights are not established.

Both parts move in one step, from the same parameters. The paper's program moves the discriminator first and then shows
the generator the moved one.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from colorjax.errors import UserError
from colorjax.models.network import initial_variables
from colorjax.objectives.judging import Judge, pictures_of, require_weights, who_has_won
from colorjax.objectives.objective import Objective, Terms, only
from colorjax.objectives.supervised import check_terms, weighted_terms
from colorjax.tasks import Example


@dataclasses.dataclass(frozen=True)
class Adversarial(Objective):
    """The generator minimizes its terms and `weight` times how badly it fools; the discriminator learns to tell.

    Attributes:
      terms: weight of each term of the generator, as in `Supervised`; all may be 0.
      weight: of the adversarial term.
      loss: 'cross_entropy' or 'least_squares'.
      pairs: whether the discriminator sees the inputs beside a picture, or the picture alone.
      discriminator: a key of `DISCRIMINATORS`.
      layers: halvings of the discriminator, 1 to 5: its patches have 16, 34, 70, 142 or 286 pixels.
      width: features of its first layer.
      norm: its normalization: 'batch', 'instance' or 'none'.

    Raises:
      UserError: a setting can't have its value.
    """

    parts: ClassVar[tuple[str, ...]] = ("generator", "discriminator")

    terms: Mapping[str, float] = dataclasses.field(default_factory=lambda: {"task": 100.0})
    weight: float = 1.0
    loss: str = "cross_entropy"
    pairs: bool = True
    discriminator: str = "patch"
    layers: int = 3
    width: int = 64
    norm: str = "batch"

    def __post_init__(self):
        check_terms(self.terms)
        require_weights(weight=self.weight)
        if not (self.weight or any(self.terms.values())):
            raise UserError("config.objective: the generator minimizes nothing; give `weight` or a term a weight")
        _ = self._judge

    @property
    def _judge(self) -> Judge:
        return Judge.of_settings(self.discriminator, self.loss, self.layers, self.width, self.norm, self.axis_name)

    def initial_variables(self, key: Array, inputs: Array, frozen: Any) -> dict[str, dict[str, Any]]:
        """See `Objective`."""
        shape = jax.eval_shape(lambda x: self.task.targets(jnp.zeros((*x.shape[:-1], 3)), x), inputs)
        channels = shape.shape[-1] + (inputs.shape[-1] if self.pairs else 0)
        return {
            "generator": initial_variables(self.model, key, frozen, inputs),
            "discriminator": self._judge.initial_variables(jax.random.fold_in(key, 1), channels),
        }

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
          UserError: the patches are too small for the discriminator, or the outputs are no picture.
        """
        of_generator, of_discriminator = only(params, "generator"), only(params, "discriminator")
        variables = {"params": of_generator["generator"], "batch_stats": batch_stats["generator"]}
        outputs, updates = self.run(variables, example, conditioning, keys)
        made, true = pictures_of(self.task, outputs, example)

        def scores(params: Mapping[str, Any], pictures: Array) -> tuple[Array, ...]:
            shown = jnp.concatenate([example.inputs, pictures], axis=-1) if self.pairs else pictures
            return self._judge.scores(params["discriminator"], shown)

        seen_real = scores(of_discriminator, true)
        seen_made = scores(of_discriminator, jax.lax.stop_gradient(made))
        fooling = self._judge.mean_loss(scores(of_generator, made), True)

        loss, values = self.weight * fooling, {}
        if any(self.terms.values()):
            of_terms, values = weighted_terms(self.task, self.terms, outputs, updates, example)
            loss = of_terms + loss if self.weight else of_terms
        return Terms(
            {"generator": loss, "discriminator": self._judge.told(seen_real, seen_made)},
            {**values, "fooling": fooling, **self._judge.accuracies("discriminator", seen_real, seen_made)},
            {"generator": updates.get("batch_stats", {}), "discriminator": {}},
            memory,
        )

    def remark(self, lines: Sequence[Mapping[str, Any]]) -> str:
        """See `Objective`."""
        return who_has_won(lines, ("discriminator",))
