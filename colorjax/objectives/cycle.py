"""Two networks that translate between degraded and clean images, each against a discriminator, without pairs.

J.-Y. Zhu, T. Park, P. Isola and A. A. Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", ICCV 2017, equation 3, with least squares as in section 4 and the identity loss of section 5.2.

Examples with an even number in the batch give their inputs (for a colorizer: gray images), those with an odd number
their clean images (color). `config.data.unpaired` cuts the two from different photographs. So a batch of 2 is the
paper's batch of 1, and no image is ever compared with its own counterpart.

The identity loss asks that a generator leaves an image as it is that is already of the kind it makes. It needs inputs
and outputs with as many channels: the task `colorize_rgb` has gray images as three equal channels, so a color image
can be an input. (The gray copy of a color image must not be the input there: that would be a pair.)

All parts move in one step, from the same parameters; the paper's program moves the generators first.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array
from ml_collections import ConfigDict

from colorjax.errors import UserError
from colorjax.models import build_model
from colorjax.models.network import Network, initial_variables
from colorjax.objectives.image_pool import exchange, new_pool
from colorjax.objectives.judging import Judge, require_weights, who_has_won
from colorjax.objectives.objective import Objective, Terms
from colorjax.tasks import Example

GENERATOR, BACK = "generator", "generator_back"
JUDGE, JUDGE_BACK = "discriminator", "discriminator_back"


@dataclasses.dataclass(frozen=True)
class Cycle(Objective):
    """The parts are two generators, from degraded to clean and back, and a discriminator of what each of them makes.

    Attributes:
      cycle: weight of the cycle losses, L1 between an image and what both generators in turn make of it.
      identity: weight of the identity losses, L1 between an image and what the generator of its own kind makes of it;
        0 for none. The paper has half of `cycle`, where it has them.
      weight: of the adversarial losses.
      loss: 'least_squares' or 'cross_entropy'.
      pool: number of made images kept for each discriminator; 0 for none.
      back: the section `config.model` of the generator back; {} for one like the network. Another capacity makes the
        cycle asymmetric (after Sun et al. 2019).
      discriminator, layers, width, norm: of both discriminators, as in `Adversarial`.

    Raises:
      UserError: a setting can't have its value, or the task's inputs and outputs differ in their channels.
    """

    parts: ClassVar[tuple[str, ...]] = (GENERATOR, BACK, JUDGE, JUDGE_BACK)
    unpaired: ClassVar[bool] = True

    cycle: float = 10.0
    identity: float = 5.0
    weight: float = 1.0
    loss: str = "least_squares"
    pool: int = 50
    back: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    discriminator: str = "patch"
    layers: int = 3
    width: int = 64
    norm: str = "instance"

    def __post_init__(self):
        require_weights(cycle=self.cycle, identity=self.identity, weight=self.weight)
        if self.pool < 0:
            raise UserError(f"config.objective.pool={self.pool}: must be 0 (off) or more")
        if self.task.input_channels != self.task.output_channels:
            raise UserError(
                f"config.task.name={self.task.name!r}: it has {self.task.input_channels} channel(s) in and "
                f"{self.task.output_channels} out, and a cycle needs as many; use colorize_rgb"
            )
        _ = self._judge, self._back

    @property
    def _judge(self) -> Judge:
        return Judge.of_settings(self.discriminator, self.loss, self.layers, self.width, self.norm, self.axis_name)

    @property
    def _back(self) -> Network:
        if not self.back:
            return self.model.clone()
        try:
            return build_model(ConfigDict(dict(self.back)), self.task.input_channels, self.axis_name)
        except UserError as error:
            raise UserError(f"config.objective.back: {error}") from None

    def initial_variables(self, key: Array, inputs: Array, frozen: Any) -> dict[str, dict[str, Any]]:
        """See `Objective`."""
        keys = [jax.random.fold_in(key, number) for number in range(1, 4)]
        return {
            GENERATOR: initial_variables(self.model, key, frozen, inputs),
            BACK: initial_variables(self._back, keys[0], {}, inputs),
            JUDGE: self._judge.initial_variables(keys[1], inputs.shape[-1]),
            JUDGE_BACK: self._judge.initial_variables(keys[2], inputs.shape[-1]),
        }

    def initial_memory(self) -> Any:
        """Return the empty pools of made images, by discriminator."""
        channels = self.task.input_channels
        return {part: new_pool(self.pool, self.side, channels) for part in (JUDGE, JUDGE_BACK)} if self.pool else {}

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
          UserError: the patches are too small for the discriminators.
        """
        degraded = example.inputs[0::2]
        clean = self.task.estimate(example.targets, example.inputs)[1::2]
        conditioning = {name: value[0::2] for name, value in conditioning.items()}
        keys = keys[0::2]
        updates: dict[str, Any] = {}

        def generate(part: str, pictures: Array, number: int) -> Array:
            """Apply a generator, the `number`-th time in this step."""
            objective = self if part == GENERATOR else dataclasses.replace(self, model=self._back)
            drawn = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, number)
            variables = {"params": params[part], "batch_stats": batch_stats[part]}
            given = conditioning if part == GENERATOR else {}
            outputs, changed = objective.run(variables, Example(pictures, pictures), given, drawn)
            updates.setdefault(part, changed.get("batch_stats", {}))
            return self.task.estimate(outputs, pictures)

        made, made_back = generate(GENERATOR, degraded, 0), generate(BACK, clean, 1)
        cycle = _l1(generate(BACK, made, 2), degraded) + _l1(generate(GENERATOR, made_back, 3), clean)
        judge, losses, logged, pools = self._judge, {}, {"cycle": cycle}, {}
        for part, of_judge, picture, real, number in (
            (GENERATOR, JUDGE, made, clean, 4),
            (BACK, JUDGE_BACK, made_back, degraded, 5),
        ):
            constant = jax.lax.stop_gradient(params[of_judge])
            fooling = judge.mean_loss(judge.scores(constant, picture), True)
            # Both generators minimize the cycle, whose gradient by either is right as it is. So it is computed once for
            # both, and enters the sum of the losses once.
            shared = cycle if part == GENERATOR else jax.lax.stop_gradient(cycle)
            losses[part] = self.weight * fooling + self.cycle * shared
            logged[f"fooling.{part}"] = fooling
            if self.identity:
                same = _l1(generate(part, real, number), real)
                losses[part] += self.identity * same
                logged[f"identity.{part}"] = same
            shown = jax.lax.stop_gradient(picture)
            if self.pool:
                shown, pools[of_judge] = self._exchange(memory[of_judge], shown, keys, number)
            seen_real, seen_made = (judge.scores(params[of_judge], pictures) for pictures in (real, shown))
            losses[of_judge] = judge.told(seen_real, seen_made)
            logged |= judge.accuracies(of_judge, seen_real, seen_made)
        statistics = {part: updates.get(part, {}) for part in self.parts}
        return Terms({part: losses[part] for part in self.parts}, logged, statistics, pools)

    def _exchange(self, pool: Any, images: Array, keys: Array, number: int) -> tuple[Array, Any]:
        """Return the images that a discriminator sees in place of `images`, and the pool, the same on all devices."""
        drawn = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, number)
        every = jax.random.wrap_key_data(self.over_devices(jax.random.key_data(drawn)))
        returned, pool = exchange(pool, self.over_devices(images), every)
        return self.own_share(returned), pool

    def remark(self, lines: Sequence[Mapping[str, Any]]) -> str:
        """See `Objective`."""
        return who_has_won(lines, (JUDGE, JUDGE_BACK))


def _l1(pictures: Array, others: Array) -> Array:
    return jnp.mean(jnp.abs(pictures - others))
