"""The task's own loss, as `config.task.loss` names it."""

from collections.abc import Mapping

from jax import Array

from colorjax.tasks import Example, Task


def task_term(task: Task, outputs: Array, sown: Mapping[str, Array], example: Example) -> Array:
    """Return the loss of each example, [B]."""
    del sown
    return task.loss(outputs, example.targets)
