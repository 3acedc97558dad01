"""The task's own loss, named by `config.task.loss`."""

from collections.abc import Mapping

from jax import Array

from colorjax.tasks import Example, Task


def task_term(task: Task, outputs: Array, sown: Mapping[str, Array], example: Example) -> Array:
    """Return the loss of each example, [B].

    Args:
      task: has the loss.
      outputs: [B, H, W, Cout].
      sown: not used.
      example: its targets are [B, H, W, Cout].
    """
    del sown
    return task.loss(outputs, example.targets)
