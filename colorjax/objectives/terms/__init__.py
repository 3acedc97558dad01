"""Terms of the supervised objective: functions of what the network makes of a batch, one number for each example.

To add a term: write `term(task, outputs, sown, example) -> [B]` in a file of its own here, add one line to `TERMS`, and
test it. `outputs` are the network's, [B, H, W, Cout]; `sown` is what it sowed into the collection 'auxiliary', by name;
`example` has the inputs, the targets and the labels. `config.objective.terms` then gives it a weight.
"""

from collections.abc import Callable, Mapping

from jax import Array

from colorjax.objectives.terms.classification import classification_term
from colorjax.objectives.terms.task import task_term
from colorjax.tasks import Example, Task

Term = Callable[[Task, Array, Mapping[str, Array], Example], Array]

TERMS: dict[str, Term] = {
    "task": task_term,
    "classification": classification_term,
}
