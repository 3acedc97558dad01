"""Terms of the supervised objective: functions of a batch and the network's outputs, one number for each example.

To add a term: write `term(task, outputs, sown, example) -> [B]` in its own file here, add one line to `TERMS`, and test
it. `config.objective.terms` then gives it a weight. The arguments are:

    task      the task of the run
    outputs   the network's outputs, [B, H, W, Cout]
    sown      arrays that the network sowed into the collection 'auxiliary', by name
    example   the inputs, the targets and the labels
"""

from collections.abc import Callable, Mapping

from jax import Array

from colorjax.objectives.terms.blurred import blurred_term
from colorjax.objectives.terms.classification import classification_term
from colorjax.objectives.terms.task import task_term
from colorjax.tasks import Example, Task

Term = Callable[[Task, Array, Mapping[str, Array], Example], Array]

TERMS: dict[str, Term] = {
    "task": task_term,
    "classification": classification_term,
    "blurred": blurred_term,
}
