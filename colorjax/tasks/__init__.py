"""Tasks: the problems that a network can be trained for. Images are float32 sRGB [*b, H, W, 3] in [0, 1].

To add a task: write a `Task` in its own file here (four methods: `degrade`, `inputs`, `targets`, `picture`), add one
line to `TASKS`, and test that `picture(targets(clean, inputs), inputs)` is the clean image. Training, evaluation and
tables then find it by config.task.name.
"""

from collections.abc import Mapping

from colorjax.errors import UserError, nearest
from colorjax.tasks.colorize import Colorize
from colorjax.tasks.colorize_bins import ColorizeBins
from colorjax.tasks.colorize_guided import ColorizeGuided
from colorjax.tasks.colorize_rgb import ColorizeRGB
from colorjax.tasks.colorize_zhang import ColorizeZhang
from colorjax.tasks.denoise import Denoise
from colorjax.tasks.denoise_gray import DenoiseGray
from colorjax.tasks.denoise_told import DenoiseGrayTold, DenoiseTold
from colorjax.tasks.task import Example, Task

__all__ = [
    "TASKS",
    "Colorize",
    "ColorizeBins",
    "ColorizeGuided",
    "ColorizeRGB",
    "ColorizeZhang",
    "Denoise",
    "DenoiseGray",
    "DenoiseGrayTold",
    "DenoiseTold",
    "Example",
    "Task",
    "build_task",
]

TASKS: dict[str, type[Task]] = {
    "colorize": Colorize,
    "colorize_bins": ColorizeBins,
    "colorize_guided": ColorizeGuided,
    "colorize_rgb": ColorizeRGB,
    "colorize_zhang": ColorizeZhang,
    "denoise": Denoise,
    "denoise_gray": DenoiseGray,
    "denoise_told": DenoiseTold,
    "denoise_gray_told": DenoiseGrayTold,
}


def build_task(config: Mapping) -> Task:
    """Return the task that the section config.task describes: name, loss, noise.kind, noise.level (low, high), bins.

    Raises:
      UserError: the name, loss or kind is unknown (the message names the nearest), the kind of noise is not defined
        for the level, or the task has no bins and a file of bins is given.
    """
    name = config["name"]
    if name not in TASKS:
        raise UserError(f"config.task.name: no task is named {name!r}; {nearest(name, TASKS)}")
    noise, bins = config["noise"], config.get("bins", "")
    if not bins:
        return TASKS[name](config["loss"], noise["kind"], noise["level"])
    if not issubclass(TASKS[name], ColorizeZhang):
        line = f"config.task.bins={bins}: the task {name!r} reads no bins"
        raise UserError(f"{line}; they are for {ColorizeZhang.name!r}")
    return TASKS[name](config["loss"], noise["kind"], noise["level"], bins)
