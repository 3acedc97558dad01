"""Classification of the whole image in addition to the task (Iizuka, Simo-Serra and Ishikawa 2016)."""

from collections.abc import Mapping

import optax
from jax import Array

from colorjax.errors import UserError
from colorjax.models.network import CLASS_LOGITS
from colorjax.tasks import Example, Task

LABEL = "class"


def classification_term(task: Task, outputs: Array, sown: Mapping[str, Array], example: Example) -> Array:
    """Return the cross entropy of each example's class logits to its class, [B]; 0 for a photograph without a class.

    Args:
      task: not used.
      outputs: not used.
      sown: 'class_logits' [B, classes].
      example: its label 'class' is [B, classes], 1 at the photograph's class and 0 elsewhere.

    Raises:
      UserError: the model sows no such logits, the data set has no classes, or the numbers of classes differ.
    """
    del task, outputs
    if CLASS_LOGITS not in sown:
        raise UserError(
            f"config.objective.terms.classification: the model sows no {CLASS_LOGITS!r}; use a model with a classifier"
        )
    if LABEL not in example.labels:
        raise UserError(
            "config.objective.terms.classification: the training photographs have no classes; use a data set that has, "
            "such as photo_folder with a folder for each class"
        )
    logits, labels = sown[CLASS_LOGITS], example.labels[LABEL]
    if logits.shape != labels.shape:
        raise UserError(
            f"config.objective.terms.classification: the model has {logits.shape[-1]} classes and the training "
            f"photographs {labels.shape[-1]}; give the model as many"
        )
    return optax.softmax_cross_entropy(logits, labels)
