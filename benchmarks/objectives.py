"""What named parts cost: the supervised step against one written by hand, the adversarial gradient against one merged.

    python benchmarks/objectives.py [--rounds 10] [--width 32] [--batch 8] [--size 96]

The first line times the whole supervised step (noise, forward, gradient, Adam, moving average of the weights) as
`colorjax.training.step` takes it from an objective, against the same with the loss and its gradient written out. Both
take turns, so that a busy machine slows both; the ratio is the median of the rounds' ratios.

The second one is about two networks that learn against each other. The objective writes down each part's loss with the
others as constants, and so runs the generator twice and the discriminator three times; by hand each would run once on
each batch, its gradient taken from there. Whether XLA merges what is repeated is read off the operations that it counts
in the compiled gradients.
"""

import statistics
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training_steps import parse_arguments, take_turns, timed  # noqa: E402

from colorjax.config.defaults import run_config  # noqa: E402
from colorjax.models import build_model  # noqa: E402
from colorjax.objectives import Supervised, only  # noqa: E402
from colorjax.tasks import Denoise  # noqa: E402
from colorjax.training.optimizer import build_optimizer, update_average  # noqa: E402
from colorjax.training.state import TrainState  # noqa: E402
from colorjax.training.step import make_step  # noqa: E402

TASK = Denoise("squared_error", "gaussian", (0.0, 0.2))
AVERAGE = 0.999
bce = optax.sigmoid_binary_cross_entropy


def by_objective(model, optimizer, schedule):
    return make_step(Supervised(model, TASK), optimizer, schedule, lambda batch, _: batch["picture"], 0, AVERAGE)


def by_hand(model, optimizer, schedule):
    """Return the step as it was before objectives: one network, one loss."""

    def step(state, batch, resident):
        keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(0), batch["index"])
        example = TASK.example(keys, batch["picture"])

        def loss_of(params):
            outputs = model.apply({"params": params["network"]}, example.inputs, train=True)
            return jnp.mean(TASK.loss(outputs, example.targets))

        loss, gradient = jax.value_and_grad(loss_of)(state.params)
        updates, optimizer_state = optimizer.update(gradient, state.optimizer, state.params)
        params, count = optax.apply_updates(state.params, updates), state.step + 1
        new = {"params": params, "batch_stats": state.batch_stats}
        average = update_average(state.average, new, count, AVERAGE)
        metrics = {"loss": loss, "grad_norm": optax.tree.norm(gradient), "learning_rate": schedule(state.step)}
        return TrainState(count, params, state.batch_stats, optimizer_state, average), metrics

    return step


def stepper(make, model, arguments):
    """Return a function that takes a step and returns its seconds."""
    optimizer, schedule = build_optimizer(run_config().optimizer, 1000)
    step = make(model, optimizer, schedule)
    return timed(step, Supervised(model, TASK), optimizer, arguments.batch, arguments.size)


class Discriminator(nn.Module):
    """Four strided convolutions, a logit for each patch (Isola et al. 2017, without normalization)."""

    @nn.compact
    def __call__(self, pictures):
        """Return the logits [B, H / 8, W / 8, 1] of pictures [B, H, W, 3]."""
        features = pictures
        for width in (32, 64, 128):
            features = nn.leaky_relu(nn.Conv(width, (4, 4), strides=2)(features), 0.2)
        return nn.Conv(1, (4, 4))(features)


def adversarial_gradients(model):
    """Return the two forms of the gradient of both parts, functions of (params, inputs, targets)."""
    critic = Discriminator()

    def generate(params, inputs):
        return inputs + model.apply({"params": params}, inputs, train=True)

    def judge(params, pictures):
        return critic.apply({"params": params}, pictures)

    def of_generator(fake, targets, logits):
        return jnp.mean(jnp.abs(fake - targets)) + 0.01 * jnp.mean(bce(logits, jnp.ones_like(logits)))

    def of_true(logits):
        return jnp.mean(bce(logits, jnp.ones_like(logits))) / 2

    def of_fake(logits):
        return jnp.mean(bce(logits, jnp.zeros_like(logits))) / 2

    def by_parts(params, inputs, targets):
        def total(params):
            losses = []
            for part in ("generator", "discriminator"):
                seen = only(params, part)
                fake = generate(seen["generator"], inputs)
                logits = judge(seen["discriminator"], fake)
                true = of_true(judge(seen["discriminator"], targets))
                losses.append(of_generator(fake, targets, logits) if part == "generator" else true + of_fake(logits))
            return sum(losses)

        return jax.grad(total)(params)

    def merged(params, inputs, targets):
        fake, to_generator = jax.vjp(lambda tree: generate(tree, inputs), params["generator"])
        logits, to_both = jax.vjp(judge, params["discriminator"], fake)
        direct, through = jax.grad(of_generator, argnums=(0, 2))(fake, targets, logits)
        of_true_gradient = jax.grad(lambda tree: of_true(judge(tree, targets)))(params["discriminator"])
        of_fake_gradient, _ = to_both(jax.grad(of_fake)(logits))
        (generator,) = to_generator(direct + to_both(through)[1])
        return {
            "generator": generator,
            "discriminator": jax.tree.map(jnp.add, of_true_gradient, of_fake_gradient),
        }

    return by_parts, merged, critic


def operations(model, arguments):
    """Return XLA's count for each form of the adversarial gradient, and the largest difference of their results."""
    by_parts, merged, critic = adversarial_gradients(model)
    shape = (arguments.batch, arguments.size, arguments.size, 3)
    inputs, targets = (jax.random.uniform(jax.random.key(number), shape) for number in (1, 2))
    init = jax.jit(lambda key: model.init(key, inputs, train=True)["params"])
    params = {
        "generator": init(jax.random.key(3)),
        "discriminator": jax.jit(critic.init)(jax.random.key(4), inputs)["params"],
    }
    compiled = [jax.jit(form).lower(params, inputs, targets).compile() for form in (by_parts, merged)]
    results = [form(params, inputs, targets) for form in compiled]
    largest = max(
        float(jnp.max(jnp.abs(a - b)) / jnp.max(jnp.abs(b)))
        for a, b in zip(*map(jax.tree.leaves, results), strict=True)
        if jnp.max(jnp.abs(b)) > 0
    )
    return [form.cost_analysis()["flops"] for form in compiled], largest


def main():
    arguments = parse_arguments(__doc__)
    model = build_model({"name": "unet", "width": arguments.width, "depth": 2}, 3)
    shape = f"{arguments.batch} x {arguments.size} x {arguments.size}"
    print(f"{shape}, {jax.devices()[0].device_kind}, jax {jax.__version__}")
    sides = {"objective": stepper(by_objective, model, arguments), "by hand": stepper(by_hand, model, arguments)}
    times = take_turns(sides, arguments.rounds)
    medians = {name: 1000 * statistics.median(seconds) for name, seconds in times.items()}
    ratio = statistics.median(ours / theirs for ours, theirs in zip(*times.values(), strict=True))
    print(f"supervised step    {medians['objective']:.0f} ms / by hand {medians['by hand']:.0f} ms: {ratio:.3f}")
    (by_parts, merged), difference = operations(model, arguments)
    counts = f"{by_parts / 1e9:.2f} GFLOP / merged by hand {merged / 1e9:.2f}"
    print(f"adversarial        {counts}: {by_parts / merged:.3f}")
    print(f"                   gradients differ by {difference:.1e} of the largest at most")


if __name__ == "__main__":
    main()
