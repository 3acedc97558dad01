"""Classification of the whole image in addition to the task (Iizuka, Simo-Serra and Ishikawa 2016, section 3.5)."""

from collections.abc import Mapping

import jax.numpy as jnp
import optax
from jax import Array

from colorjax.errors import UserError
from colorjax.tasks import Example, Task

LOGITS = "class_logits"
LABEL = "class"


def classification_term(task: Task, outputs: Array, sown: Mapping[str, Array], example: Example) -> Array:
    """Return the cross entropy of each example's class logits to its class label, [B].

    It is 0 for a photograph without a class, whose label is below 0.

    Args:
      task: not used.
      outputs: not used.
      sown: 'class_logits' [B, classes].
      example: its label 'class' is int32 [B].

    Raises:
      UserError: the model sows no such logits, or the data set has no classes.
    """
    del task, outputs
    if LOGITS not in sown:
        raise UserError(
            f"config.objective.terms.classification: the model sows no {LOGITS!r}; use a model with a classifier"
        )
    if LABEL not in example.labels:
        raise UserError(
            "config.objective.terms.classification: the training photographs have no classes; use a data set that has, "
            "such as photo_folder with a folder for each class"
        )
    label = example.labels[LABEL]
    losses = optax.softmax_cross_entropy_with_integer_labels(sown[LOGITS], jnp.maximum(label, 0))
    return jnp.where(label >= 0, losses, 0.0)
