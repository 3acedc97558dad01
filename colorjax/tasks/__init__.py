"""Tasks: the problems that a network can be trained for. Pictures are float32 sRGB [*b, H, W, 3] in [0, 1].

To add a task: write a `Task` in a file of its own here (four methods: degrade, inputs, targets, picture), add one
line to `TASKS`, and test that `picture(targets(clean, inputs), inputs)` gives the clean picture back. Training,
evaluation and tables then know it by its name in config.task.name.
"""

from collections.abc import Mapping

from colorjax.errors import UserError, nearest
from colorjax.tasks.colorize import Colorize
from colorjax.tasks.colorize_bins import ColorizeBins
from colorjax.tasks.denoise import Denoise
from colorjax.tasks.denoise_gray import DenoiseGray
from colorjax.tasks.task import Example, Task

__all__ = ["TASKS", "Colorize", "ColorizeBins", "Denoise", "DenoiseGray", "Example", "Task", "build_task"]

TASKS: dict[str, type[Task]] = {
    "colorize": Colorize,
    "colorize_bins": ColorizeBins,
    "denoise": Denoise,
    "denoise_gray": DenoiseGray,
}


def build_task(config: Mapping) -> Task:
    """Build the task that config.task describes: name, loss, noise.kind, noise.level (low, high).

    Raises:
        UserError: an unknown name, loss or kind (naming the nearest), or a level that the kind is not defined for.
    """
    name = config["name"]
    if name not in TASKS:
        raise UserError(f"config.task.name: no task is named {name!r}; {nearest(name, TASKS)}")
    noise = config["noise"]
    return TASKS[name](config["loss"], noise["kind"], noise["level"])
